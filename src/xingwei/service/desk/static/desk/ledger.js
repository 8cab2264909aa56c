/* The ledger by keyboard: J/K move, Enter opens, X selects, F finds, Esc clears the selection. */
(function () {
  "use strict";
  const rows = Array.from(document.querySelectorAll(".desk-ledger tr[data-href]"));
  const bar = document.querySelector("[data-bulk]");
  let at = -1;

  function boxes() { return rows.map((r) => r.querySelector("input[name=case]")).filter(Boolean); }
  function refresh() {
    const chosen = boxes().filter((b) => b.checked);
    for (const box of boxes()) box.closest("tr").setAttribute("aria-selected", String(box.checked));
    if (!bar) return;
    bar.hidden = chosen.length === 0;
    bar.querySelector("[data-bulk-count]").textContent = String(chosen.length);
  }
  function go(to) {
    if (!rows.length) return;
    if (rows[at]) rows[at].classList.remove("cursor");
    at = Math.max(0, Math.min(rows.length - 1, to));
    rows[at].classList.add("cursor");
    rows[at].scrollIntoView({ block: "nearest" });
  }
  function clear() { for (const box of boxes()) box.checked = false; refresh(); }

  document.addEventListener("change", function (event) {
    if (event.target.matches("[data-check-all]")) for (const box of boxes()) box.checked = event.target.checked;
    refresh();
  });
  document.querySelector("[data-bulk-clear]")?.addEventListener("click", clear);
  document.addEventListener("keydown", function (event) {
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && event.target.type !== "checkbox") return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    switch (event.key.toLowerCase()) {
      case "j": go(at + 1); break;
      case "k": go(at - 1); break;
      case "x": if (rows[at]) { const b = rows[at].querySelector("input[name=case]"); b.checked = !b.checked; refresh(); } break;
      case "enter": if (rows[at]) window.location.href = rows[at].dataset.href; break;
      case "f": event.preventDefault(); document.getElementById("find")?.focus(); break;
      case "escape": clear(); break;
      default: return;
    }
  });
  refresh();
})();
