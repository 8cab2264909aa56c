/* Phone entry. Runs once for each drawer that comes in. Digits pick the system while no field is being typed in;
   what the person chose himself is named in `own` and never overwritten by a new guess. */
(function () {
  "use strict";
  const form = document.getElementById("entry");
  if (!form || form.dataset.ready) return;
  form.dataset.ready = "1";
  const own = form.querySelector("[data-own]");
  const words = document.getElementById("w");
  const caller = document.getElementById("caller");

  function chose(name) {
    const names = new Set(own.value.split(",").filter(Boolean));
    names.add(name);
    own.value = Array.from(names).join(",");
  }
  function again() { words.dispatchEvent(new CustomEvent("xw:again")); }

  form.addEventListener("change", function (event) {
    const el = event.target;
    if (el.type === "radio" && /^(system|kind|severity|assignee)$/.test(el.name)) {
      chose(el.name);
      if (el.name === "kind") again();
      if (el.name === "assignee") say(el.dataset.to);
    }
    if (el.name === "reporter") {
      caller.value = el.dataset.caller;
      for (const row of form.querySelectorAll(".desk-caller")) {
        if (row.contains(el)) row.classList.add("on"); else row.remove();
      }
      words.focus();
      again();
    }
  });
  function say(name) {
    form.querySelector("[data-register]").textContent = name && name !== "我来办" ? "登记并交给" + name : "登记";
  }
  form.addEventListener("click", function (event) {
    if (!event.target.closest("[data-other-caller]")) return;
    event.preventDefault();
    document.getElementById("callers").replaceChildren();
    caller.value = "";
    caller.focus();
  });
  form.addEventListener("htmx:afterSwap", function (event) {
    if (event.detail.target.id === "guess") {
      const to = form.querySelector("input[name=assignee]:checked");
      say(to ? to.dataset.to : "");
    }
    if (event.detail.target.id === "callers" && form.querySelector("input[name=reporter]:checked")) again();
  });
  caller.addEventListener("keydown", function (event) {
    if (event.key !== "Enter" || event.ctrlKey) return;
    event.preventDefault();
    const first = form.querySelector(".desk-caller input");
    if (first && !first.checked) { first.checked = true; first.dispatchEvent(new Event("change", { bubbles: true })); }
    words.focus();
  });
  words.addEventListener("keydown", function (event) {
    if (event.key !== "Enter" || event.ctrlKey || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    (form.querySelector("input[name=system]:checked") || form.querySelector("input[name=system]")).focus();
  });

  if (!window.xwEntryKeys) {
    window.xwEntryKeys = true;
    document.addEventListener("keydown", function (event) {
      const drawer = document.getElementById("entry");
      if (!drawer) return;
      if (event.key === "Escape") {
        const back = drawer.querySelector("[data-escape]");
        if (!document.querySelector("#overlay > *")) window.location.href = back.href;
        return;
      }
      const el = event.target;
      if (/^(TEXTAREA|SELECT)$/.test(el.tagName) || (el.tagName === "INPUT" && !/^(radio|checkbox)$/.test(el.type))) return;
      if (!/^[0-9]$/.test(event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
      const radio = drawer.querySelector('input[name=system][data-digit="' + event.key + '"]');
      if (radio) { event.preventDefault(); radio.checked = true; radio.focus(); radio.dispatchEvent(new Event("change", { bubbles: true })); }
    });
    setInterval(function () {
      const place = document.querySelector("#entry [data-stopwatch]");
      if (!place) return;
      const started = Number(place.dataset.started || (place.dataset.started = String(Date.now())));
      const s = Math.floor((Date.now() - started) / 1000);
      place.textContent = s < 60 ? s + " 秒" : Math.floor(s / 60) + " 分 " + (s % 60) + " 秒";
    }, 500);
  }
})();
