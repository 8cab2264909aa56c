/* A date that goes at once; files that can be dropped on their field. */
(function () {
  "use strict";
  window.addEventListener("DOMContentLoaded", function () {
    for (const input of document.querySelectorAll("[data-submit-on-change]")) {
      input.addEventListener("change", () => input.form.requestSubmit());
    }
    for (const label of document.querySelectorAll(".rc-drop label")) {
      const input = label.querySelector("input[type=file]");
      const name = label.querySelector("b");
      const say = function () { if (input.files.length) name.textContent = input.files[0].name; };
      input.addEventListener("change", say);
      label.addEventListener("dragover", function (event) { event.preventDefault(); label.classList.add("over"); });
      label.addEventListener("dragleave", () => label.classList.remove("over"));
      label.addEventListener("drop", function (event) {
        event.preventDefault();
        label.classList.remove("over");
        if (event.dataTransfer.files.length) { input.files = event.dataTransfer.files; say(); }
      });
    }
  });
})();
