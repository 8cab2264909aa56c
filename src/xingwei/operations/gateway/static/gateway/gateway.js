/* The gateway's pages: copying what is shown, showing changed fields only, stopping the moving dots of a hidden page. */
"use strict";
(function () {
  document.addEventListener("click", function (event) {
    const copy = event.target.closest("[data-copy]");
    if (copy) {
      const source = document.getElementById(copy.dataset.copy);
      navigator.clipboard.writeText(source.innerText).then(
        () => window.xw.toast("ok", "已复制（遮蔽后的内容）"),
        () => window.xw.toast("late", "浏览器不让复制，请选中后按 Ctrl+C"),
      );
    }
    const only = event.target.closest("[data-rows]");
    if (only) {
      const changed = only.dataset.rows === "changed";
      const table = document.getElementById(only.dataset.of);
      for (const row of table.querySelectorAll("tbody tr[data-same]")) row.hidden = changed;
      for (const button of only.parentElement.querySelectorAll("[data-rows]")) button.setAttribute("aria-pressed", String(button === only));
    }
    const add = event.target.closest("[data-add-row]");
    if (add) {
      const body = document.getElementById(add.dataset.addRow);
      const row = body.querySelector("template").content.firstElementChild.cloneNode(true);
      body.append(row);
      row.querySelector("input").focus();
    }
    const drop = event.target.closest("[data-drop-row]");
    if (drop) drop.closest("tr").remove();
  });
})();
