/* A case's page: sheets open in place, one at a time. */
(function () {
  "use strict";
  function open(id) {
    const sheet = document.getElementById(id);
    if (!sheet) return false;
    for (const other of document.querySelectorAll(".desk-sheet")) other.hidden = other !== sheet;
    sheet.hidden = false;
    sheet.scrollIntoView({ block: "nearest" });
    (sheet.querySelector(".xw-note + .xw-field textarea") || sheet.querySelector("input:not([type=hidden]):not([type=file]), select, textarea"))?.focus({ preventScroll: true });
    return true;
  }
  document.addEventListener("click", function (event) {
    const opener = event.target.closest("[data-open]");
    if (opener && !event.ctrlKey && !event.metaKey && open(opener.dataset.open)) {
      event.preventDefault();
      opener.closest("details")?.removeAttribute("open");
    }
    const shower = event.target.closest("[data-show]");
    if (shower) {
      const place = document.getElementById(shower.dataset.show);
      if (place) { event.preventDefault(); place.hidden = false; place.scrollIntoView({ block: "center" }); place.querySelector("textarea")?.focus(); }
    }
    const closer = event.target.closest("[data-close]");
    if (closer) document.getElementById(closer.dataset.close).hidden = true;
  });
})();
