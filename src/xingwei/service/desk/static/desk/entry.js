/* Phone entry: who rang is picked by one touch; digits pick the system when no field has the focus; what the
   user chose himself is kept when a new guess arrives. */
(function () {
  "use strict";
  const form = document.getElementById("entry");
  const own = {};
  form.addEventListener("change", function (event) {
    if (event.target.type === "radio" && event.isTrusted) own[event.target.name] = event.target.value;
  });
  document.body.addEventListener("htmx:afterSwap", function (event) {
    if (event.detail.target.id !== "guess") return;
    for (const name of Object.keys(own)) {
      const radio = form.querySelector('input[name="' + name + '"][value="' + CSS.escape(own[name]) + '"]');
      if (radio) radio.checked = true;
    }
  });
  document.addEventListener("click", function (event) {
    const pick = event.target.closest("[data-pick-caller]");
    if (!pick) return;
    document.getElementById("reporter").value = pick.dataset.pickCaller;
    document.getElementById("caller").value = pick.dataset.name;
    for (const row of document.querySelectorAll("#callers .desk-caller")) if (!row.contains(pick)) row.remove();
    pick.remove();
    document.getElementById("w").focus();
    document.getElementById("w").dispatchEvent(new Event("input", { bubbles: true }));
  });
  document.getElementById("caller").addEventListener("input", () => { document.getElementById("reporter").value = ""; });
  document.addEventListener("keydown", function (event) {
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && event.target.type !== "radio") return;
    if (!/^[0-9]$/.test(event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
    const systems = form.querySelectorAll("input[name=system]");
    const radio = systems[event.key === "0" ? 9 : Number(event.key) - 1];
    if (radio) { radio.checked = true; own.system = radio.value; }
  });
  const watch = document.querySelector("[data-stopwatch]");
  const started = Date.now();
  setInterval(function () {
    const s = Math.floor((Date.now() - started) / 1000);
    watch.textContent = "已用 " + (s < 60 ? s + " 秒" : Math.floor(s / 60) + " 分 " + (s % 60) + " 秒");
  }, 1000);
})();
