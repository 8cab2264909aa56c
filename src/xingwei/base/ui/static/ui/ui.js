/* Behaviour shared by all pages. No inline handlers: the content security policy forbids them. */
(function () {
  "use strict";
  const typing = (el) => el && (el.isContentEditable || /^(TEXTAREA|SELECT)$/.test(el.tagName) || (el.tagName === "INPUT" && !/^(checkbox|radio)$/.test(el.type)));

  document.addEventListener("click", function (event) {
    const dismiss = event.target.closest("[data-dismiss]");
    if (dismiss) { dismiss.closest(".xw-toast, .xw-drawer").remove(); return; }
    const toggle = event.target.closest("[data-toggle-nav]");
    if (toggle) {
      const open = document.getElementById("nav").classList.toggle("open");
      toggle.setAttribute("aria-expanded", String(open));
      return;
    }
    for (const menu of document.querySelectorAll("details.xw-menu[open]")) {
      if (!menu.contains(event.target)) menu.removeAttribute("open");
    }
    const row = event.target.closest("tr[data-href]");
    if (row && !event.target.closest("a, button, input, label, summary") && !String(window.getSelection())) {
      window.location.href = row.dataset.href;
    }
    const print = event.target.closest("[data-print]");
    if (print) window.print();
  });

  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") {
      for (const menu of document.querySelectorAll("details.xw-menu[open]")) menu.removeAttribute("open");
      document.getElementById("nav")?.classList.remove("open");
    }
    if (event.ctrlKey && event.key === "Enter") {
      const form = event.target.closest && event.target.closest("form");
      if (form) { event.preventDefault(); form.requestSubmit(); }
      return;
    }
    if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open], #overlay > *")) return;
    if (event.key === "/") {
      const box = document.getElementById("q");
      if (box) { event.preventDefault(); box.focus(); box.select(); }
      return;
    }
    const target = document.querySelector('[data-key="' + CSS.escape(event.key.toLowerCase()) + '"]');
    if (target) { event.preventDefault(); target.click(); }
  });

  /* Chosen files are named beside their button. */
  document.addEventListener("change", function (event) {
    if (!event.target.matches("[data-files]")) return;
    const place = (event.target.closest(".xw-field, .xw-row") || event.target.form).querySelector("[data-file-names]");
    if (place) place.textContent = Array.from(event.target.files).map((f) => f.name).join("、");
  });

  /* A form is sent once: the second click on a slow line does nothing. */
  document.addEventListener("submit", function (event) {
    const form = event.target;
    if (!form.matches("[data-once]")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(function () { delete form.dataset.sent; }, 8000);
  });

  /* What is typed into a [data-draft=KEY] form survives an expired session, a crash or a closed tab. It goes only
     when the server says that this very form was kept: its toast then carries the key (extra tag "draft:KEY"). */
  const draftKey = (form) => "xw-draft:" + form.dataset.draft;
  const draftFields = (form) => Array.from(form.elements).filter((e) => e.name && !/^(hidden|password|file|submit|button)$/.test(e.type));
  function forget(root) {
    for (const done of root.querySelectorAll("[data-draft-done]")) sessionStorage.removeItem("xw-draft:" + done.dataset.draftDone);
  }
  function restore(form) {
    const saved = sessionStorage.getItem(draftKey(form));
    if (!saved) return;
    const values = JSON.parse(saved);
    let found = false;
    for (const e of draftFields(form)) {
      if (!(e.name in values)) continue;
      if (e.type === "checkbox" || e.type === "radio") e.checked = values[e.name].includes(e.value);
      else if (!e.value) { e.value = values[e.name][0]; found = found || Boolean(e.value); }
    }
    const card = found && form.closest("[data-draft-opens]");
    if (card) card.hidden = false;
  }
  function keep(event) {
    const form = event.target.form || event.target.closest("form");
    if (!form || !form.matches("[data-draft]")) return;
    const values = {};
    for (const e of draftFields(form)) {
      if ((e.type === "checkbox" || e.type === "radio") && !e.checked) continue;
      (values[e.name] = values[e.name] || []).push(e.value);
    }
    sessionStorage.setItem(draftKey(form), JSON.stringify(values));
  }
  forget(document);
  for (const form of document.querySelectorAll("form[data-draft]")) restore(form);
  document.addEventListener("input", keep);
  document.addEventListener("submit", function (event) {
    const form = event.target;
    if (!form.matches("[data-draft]") || form.elements.draft_key) return;
    const key = document.createElement("input");
    key.type = "hidden";
    key.name = "draft_key";
    key.value = form.dataset.draft;
    form.append(key);
  }, true);

  /* What may lie over the page: the drawer of the phone entry, and the sheet of keys. */
  const overlay = document.getElementById("overlay");
  function closeOverlay() {
    if (!overlay || !overlay.firstElementChild) return false;
    overlay.replaceChildren();
    document.body.classList.remove("xw-covered");
    return true;
  }
  document.addEventListener("click", function (event) {
    if (event.target.closest("[data-close-overlay]") && closeOverlay()) event.preventDefault();
    const opener = event.target.closest("[data-dialog]");
    if (opener) document.getElementById(opener.dataset.dialog).showModal();
    const dialog = event.target.closest("dialog");
    if (dialog && (event.target === dialog || event.target.closest("[data-close-dialog]"))) dialog.close();
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeOverlay(); });
  document.body.addEventListener("htmx:afterSettle", function (event) {
    if (event.detail.target !== overlay) return;
    document.body.classList.toggle("xw-covered", Boolean(overlay.firstElementChild));
    overlay.querySelector("[autofocus]")?.focus();
  });

  /* A clock under one hour counts its seconds: <span data-tick="ISO TIME">, from the deadline backwards or past it. */
  function tick() {
    for (const place of document.querySelectorAll("[data-tick]")) {
      const left = Math.round((new Date(place.dataset.tick) - Date.now()) / 1000);
      if (Math.abs(left) >= 3600) continue;
      const s = Math.abs(left);
      place.textContent = (left < 0 ? "超 " : "") + (s >= 60 ? Math.floor(s / 60) + " 分 " : "") + String(s % 60).padStart(s >= 60 ? 2 : 1, "0") + " 秒";
    }
  }
  if (document.querySelector("[data-tick]")) { tick(); setInterval(tick, 1000); }

  /* What a page asks by itself ([data-background]) complains once, then is silent: nobody waits for it. */
  document.body.addEventListener("htmx:responseError", function (event) {
    if (event.detail.elt.matches("[data-live]")) { stopped(event.detail.elt); return; }
    if (event.detail.elt.hasAttribute("data-background")) event.detail.elt.remove();
    toast("late", event.detail.xhr.status === 401 ? "登录已过期，填写的内容还在。请在新窗口登录后再提交。" : "没有成功，内容没有保存。请再试一次。");
  });
  document.body.addEventListener("htmx:sendError", (event) => event.detail.elt.matches("[data-live], [data-background]") || toast("late", "网络已断开，内容还在本页。恢复后请再提交。"));

  /* What reloads itself does not do so under somebody's hands. */
  document.body.addEventListener("htmx:beforeRequest", function (event) {
    const live = event.target;
    if (!live.matches || !live.matches("[data-live]")) return;
    if (live.dataset.stopped || document.hidden || typing(document.activeElement) || live.querySelector("details[open]") || String(window.getSelection())) event.preventDefault();
  });

  /* Old data says so; a line that is down says so, and what to do meanwhile. */
  function bar(id, text, state, action) {
    const page = document.querySelector(".xw-page");
    if (!page || document.getElementById(id)) return;
    const note = document.createElement("div");
    note.id = id;
    note.className = "xw-note mid";
    note.dataset.state = state;
    note.setAttribute("role", "status");
    const icon = document.createElement("i");
    icon.className = "ti ti-" + (state === "late" ? "wifi-off" : "clock-pause");
    const words = document.createElement("div");
    words.className = "xw-grow";
    words.textContent = text;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-sm";
    button.textContent = action;
    button.addEventListener("click", () => window.location.reload());
    note.append(icon, words, button);
    page.prepend(note);
  }
  function stopped(live) {
    live.dataset.stopped = "1";
    bar("as-of", "数据停在 " + clock() + "，没有再更新。登录可能已过期。", "warn", "刷新");
  }
  const clock = () => new Date().toTimeString().slice(0, 5);
  window.addEventListener("offline", () => bar("offline", "网络已断开，" + clock() + " 起。填写的内容还在本页，恢复后再提交；急事请打值班电话。", "late", "重试"));
  window.addEventListener("online", () => document.getElementById("offline")?.remove());
  const asOf = document.querySelector("[data-as-of]");
  if (asOf) {
    const drawn = clock();
    setTimeout(() => bar("as-of", "数据停在 " + drawn + "，之后可能有新的变化。", "warn", "刷新"), 5 * 60 * 1000);
  }

  function toast(state, text) {
    const box = document.createElement("div");
    box.className = "xw-toast";
    box.dataset.state = state;
    const icon = document.createElement("i");
    icon.className = "ti ti-" + (state === "late" ? "alert-circle" : "circle-check");
    const words = document.createElement("div");
    const bold = document.createElement("b");
    bold.textContent = text;
    words.append(bold);
    box.append(icon, words);
    document.getElementById("toasts").append(box);
    setTimeout(() => box.remove(), 9000);
  }
  window.xw = { toast: toast, css: (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim() };

  setTimeout(function () {
    for (const t of document.querySelectorAll('.xw-toast[data-state="ok"]')) t.remove();
  }, 6000);
})();
