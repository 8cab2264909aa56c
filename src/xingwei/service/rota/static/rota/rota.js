/* Picking several people or roles: a select becomes a box in which one types. */
(function () {
  "use strict";
  for (const select of document.querySelectorAll("select[data-pick]")) {
    new window.TomSelect(select, { plugins: ["remove_button"], hideSelected: true, placeholder: select.dataset.pick });
  }
})();
