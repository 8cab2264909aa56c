/* The editor's buttons put Markdown around what is selected; a picture's code goes to the cursor. */
(function () {
  "use strict";
  const box = document.querySelector("[data-md-text]");
  if (!box) return;
  document.addEventListener("click", function (event) {
    const button = event.target.closest("[data-md]");
    if (!button) return;
    event.preventDefault();
    const start = box.selectionStart, end = box.selectionEnd;
    const chosen = box.value.slice(start, end);
    const [before, after] = "mdPlain" in button.dataset ? [button.dataset.md, ""] : button.dataset.md.split("|");
    const own = /^(#|1\.|-|>|\|)/.test(before) && start > 0 && box.value[start - 1] !== "\n" ? "\n" : "";
    box.setRangeText(own + before + ("mdPlain" in button.dataset ? "" : chosen + after), start, end, "end");
    box.focus();
    box.dispatchEvent(new Event("input", { bubbles: true }));
  });
})();
