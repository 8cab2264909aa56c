/* A case's page: forms of the moves open in place, chosen files are named, clocks under an hour tick. */
(function () {
  "use strict";
  document.addEventListener("click", function (event) {
    const opener = event.target.closest("[data-open]");
    if (opener) {
      event.preventDefault();
      for (const card of document.querySelectorAll(".desk-move")) card.hidden = card.id !== opener.dataset.open;
      const card = document.getElementById(opener.dataset.open);
      card.scrollIntoView({ block: "nearest" });
      card.querySelector("input:not([type=hidden]), select, textarea")?.focus();
    }
    const closer = event.target.closest("[data-close]");
    if (closer) document.getElementById(closer.dataset.close).hidden = true;
  });
  for (const input of document.querySelectorAll("[data-files]")) {
    input.addEventListener("change", function () {
      const names = Array.from(input.files).map((f) => f.name).join("、");
      const place = input.closest("form").querySelector("[data-file-names]");
      if (place) place.textContent = names;
    });
  }
})();
