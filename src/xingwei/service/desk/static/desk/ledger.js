/* The ledger by keyboard: J/K move, Enter opens, X selects, A L M act on what is selected, F finds, Esc clears. */
(function () {
  "use strict";
  const rows = Array.from(document.querySelectorAll(".desk-ledger tr[data-href]"));
  const bar = document.querySelector("[data-bulk]");
  let at = -1;

  const boxes = () => rows.map((r) => r.querySelector("input[name=case]")).filter(Boolean);
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
    if (/^(TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
    if (event.target.tagName === "INPUT" && event.target.type !== "checkbox") return;
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open], #overlay > *")) return;
    const key = event.key.toLowerCase();
    const act = bar && !bar.hidden && bar.querySelector('[data-bulk-key="' + CSS.escape(key) + '"]');
    if (act) {
      event.preventDefault();
      act.click();
      act.parentElement.querySelector("select, input")?.focus();
      return;
    }
    switch (key) {
      case "j": go(at + 1); break;
      case "k": go(at - 1); break;
      case "x": {
        const box = rows[at] && rows[at].querySelector("input[name=case]");
        if (box) { box.checked = !box.checked; refresh(); }
        break;
      }
      case "enter": if (rows[at] && !event.target.closest("a, button, summary")) window.location.href = rows[at].dataset.href; break;
      case "f": event.preventDefault(); document.getElementById("find").focus(); break;
      case "escape": clear(); break;
      default: return;
    }
  });
  refresh();
})();
