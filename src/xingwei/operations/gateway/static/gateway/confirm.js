/* A dangerous act waits until the name of its object is typed: <input data-confirms="切断 医保接口">. */
(function () {
  "use strict";
  const tidy = (text) => text.trim().replace(/\s+/g, " ");
  document.addEventListener("input", function (event) {
    const box = event.target;
    if (!box.matches("[data-confirms]")) return;
    const button = box.form.querySelector("[data-confirmed]");
    if (button) button.disabled = tidy(box.value) !== tidy(box.dataset.confirms);
  });
})();
