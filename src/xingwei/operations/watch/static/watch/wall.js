/* The big screen: asks for facts every two seconds and draws them. What it shows is never older than it says: when no
   answer comes for 8 seconds, everything turns grey and a bar says since when. It loads itself anew once a day. */
(function () {
  "use strict";
  const wall = document.querySelector(".op-wall");
  if (!wall) return;
  const at = (name) => wall.querySelector("[data-" + name + "]");
  const SVG = "http://www.w3.org/2000/svg";
  const ICON = { ok: "circle-check", warn: "alert-triangle", late: "alert-circle", pause: "hand-stop", unk: "help-circle" };
  const WORD = { ok: "正常", warn: "受影响", pause: "计划切断", late: "异常", unk: "看不到" };
  const LEVEL = ["", "一级", "二级", "三级"];
  let facts = null, answered = 0, ahead = 0, refused = "";
  const began = Date.now();

  function fit() {
    const scale = Math.min(window.innerWidth / 1920, window.innerHeight / 1080);
    wall.style.transform = "translate(" + (window.innerWidth - 1920 * scale) / 2 + "px," + (window.innerHeight - 1080 * scale) / 2 + "px) scale(" + scale + ")";
  }
  function make(name, attrs, text) {
    const el = document.createElement(name);
    for (const key of Object.keys(attrs || {})) el.setAttribute(key, attrs[key]);
    if (text !== undefined) el.textContent = text;
    return el;
  }
  function svg(name, attrs, text) {
    const el = document.createElementNS(SVG, name);
    for (const key of Object.keys(attrs)) el.setAttribute(key, attrs[key]);
    if (text !== undefined) el.textContent = text;
    return el;
  }
  const icon = (name, kind) => make("i", { class: "ti ti-" + name + (kind ? " " + kind : ""), "aria-hidden": "true" });
  function span(ms) {
    const s = Math.max(0, Math.round(ms / 1000)), h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
    if (h >= 48) return Math.floor(h / 24) + " 天";
    if (h) return h + " 时 " + String(m).padStart(2, "0") + " 分";
    return m ? m + " 分 " + String(s % 60).padStart(2, "0") + " 秒" : (s % 60) + " 秒";
  }
  const two = (n) => String(n).padStart(2, "0");
  const hms = (d) => two(d.getHours()) + ":" + two(d.getMinutes()) + ":" + two(d.getSeconds());
  const now = () => Date.now() + ahead;

  function picture() {
    const box = at("picture"), X = [122, 404, 676, 1020], W = [206, 206, 206, 226], H = 82, where = {};
    const parts = [];
    for (const n of facts.nodes) where[n.name] = [X[n.x], 62 + n.y * 128, W[n.x]];
    for (const line of facts.lines) {
      const a = where[line.from], b = where[line.to];
      if (!a || !b) continue;
      const width = 3 + Math.min(6, Math.log2(1 + line.rate) * 0.8);
      parts.push(svg("line", { x1: a[0], y1: a[1], x2: b[0], y2: b[1], "stroke-width": width.toFixed(1), "data-state": line.state }));
    }
    for (const n of facts.nodes) {
      const [x, y, w] = where[n.name], g = svg("g", { "data-state": n.state });
      g.append(svg("rect", { x: x - w / 2, y: y - H / 2, width: w, height: H, rx: 12 }), svg("text", { class: "n", x: x, y: y - 2 }, n.name), svg("text", { class: "s", x: x, y: y + 30 }, n.say));
      parts.push(g);
    }
    box.replaceChildren(...parts);
  }
  function sums() {
    at("sum").replaceChildren(...["ok", "warn", "pause", "late", "unk"].filter((k) => k === "ok" || facts.counted[k]).map((k) => {
      const el = make("span", { class: k });
      el.append(icon(ICON[k]), WORD[k] + " " + facts.counted[k]);
      return el;
    }));
  }
  function faults() {
    at("said").textContent = facts.faults.said;
    const rows = facts.faults.rows.map((f) => {
      const li = make("li"), t = make("div", { class: "t" });
      t.append(make("span", { class: "lv l" + f.level }, LEVEL[f.level]), f.title);
      const left = f.due === null ? null : f.due - now();
      const said = left === null ? "" : (left < 0 ? "超 " + span(-left) : span(left));
      li.append(t, make("div", { class: "c " + (left !== null && left < 0 ? "late" : f.state) }, said), make("div", { class: "d" }, f.detail), make("div", { class: "f" }, f.clock));
      return li;
    });
    if (!rows.length) {
      const none = make("li", { class: "none" });
      none.append(icon("circle-check", "ok"), "没有未办结的故障");
      rows.push(none);
    }
    at("faults").replaceChildren(...rows);
    const duty = facts.duty.flatMap((d) => [make("span", {}, d.label), make("b", {}, d.name + (d.phone ? " " + d.phone : ""))]);
    at("duty").replaceChildren(icon("phone-call"), ...(duty.length ? duty : [make("b", { class: "warn" }, "现在没有人值班")]));
  }
  function blind() {
    const box = at("blind"), b = facts.blind, h2 = make("h2");
    box.className = b ? "panel stale blind" : "panel";
    if (!b) {
      h2.append(icon("eye", "ok"), "全部看得到");
      const p = make("p", { class: "none" }, "每一处都有新的数据");
      box.replaceChildren(h2, p);
      return;
    }
    h2.append(icon("eye-off", "unk"), make("span", { class: "cut" }, "看不到：" + b.what));
    const p = make("p");
    if (b.since) p.append("监测 ", make("b", {}, hms(new Date(b.since))), " 后无数据，已 ", make("b", { class: "warn" }, span(now() - b.since)), make("br"));
    p.append("灰色虚线不表示正常，也不表示故障");
    box.replaceChildren(h2, p);
  }
  function functions() {
    at("functions").replaceChildren(...facts.functions.map((f) => {
      const el = make("div");
      el.append(icon(f.state === "unk" ? "eye-off" : ICON[f.state], f.state), make("b", {}, f.name), make("span", {}, f.say));
      return el;
    }));
  }
  function traffic() {
    const t = facts.traffic, show = (name, value, hot) => {
      const el = at(name);
      el.textContent = value === null ? "看不到" : value.toLocaleString("zh-CN");
      if (name !== "now") el.className = value ? hot : "";
    };
    show("now", t.now, ""); show("waiting", t.waiting, "warn"); show("dead", t.dead, "late");
    const known = t.series.filter((v) => v !== null), top = Math.max(10, ...known, ...t.band.map((b) => b[2])) * 1.1;
    const x = (ms) => (ms - t.start) / 60000 / t.series.length * 430, y = (v) => 112 - v / top * 108;
    const parts = [];
    if (t.band.length > 1) {
      const up = t.band.map((b) => x(b[0]).toFixed(1) + "," + y(b[2]).toFixed(1)), down = t.band.map((b) => x(b[0]).toFixed(1) + "," + y(b[1]).toFixed(1)).reverse();
      parts.push(svg("polygon", { points: up.concat(down).join(" "), fill: "rgba(181,199,208,.16)" }));
    }
    let piece = [];
    const flush = () => { if (piece.length) parts.push(svg("polyline", { points: piece.join(" "), fill: "none", stroke: "#59c3df", "stroke-width": 4, "stroke-linejoin": "round" })); piece = []; };
    t.series.forEach((v, i) => { if (v === null) flush(); else piece.push(x(t.start + i * 60000).toFixed(1) + "," + y(v).toFixed(1)); });
    flush();
    parts.push(svg("line", { x1: 0, y1: 114, x2: 430, y2: 114, stroke: "#24404d" }));
    for (let ms = Math.ceil(t.start / 3600000) * 3600000; ms < t.start + t.series.length * 60000; ms += 3600000) {
      const px = x(ms);
      if (px > 36 && px < 394) parts.push(svg("text", { x: px, y: 142 }, two(new Date(ms).getHours()) + ":00"));
    }
    at("traffic").replaceChildren(...parts);
  }
  function draw() {
    at("name").textContent = facts.name + " · 信息系统";
    sums(); picture(); functions(); traffic();
    tick();
  }
  function tick() {
    const d = new Date(now());
    at("clock").textContent = hms(d);
    at("date").replaceChildren(d.getFullYear() + "-" + two(d.getMonth() + 1) + "-" + two(d.getDate()), make("br"), "星期" + "日一二三四五六"[d.getDay()]);
    const silent = Date.now() - (answered || began);
    if (silent > 8000) {
      wall.dataset.old = "1";
      at("old-text").textContent = refused || ("画面停在 " + (answered ? hms(new Date(answered + ahead)) : "打开之时") + "，已 " + span(silent) + " 没有新数据；恢复后自动更新");
    } else delete wall.dataset.old;
    if (facts) { faults(); blind(); }
    if (Date.now() - began > 86400000 && silent < 8000) window.location.reload();
  }
  async function ask() {
    const stop = new AbortController(), timer = setTimeout(() => stop.abort(), 6000);
    try {
      const answer = await fetch(wall.dataset.url, { headers: { "X-Background": "1", Accept: "application/json" }, credentials: "same-origin", cache: "no-store", redirect: "error", signal: stop.signal });
      if (answer.ok) {
        facts = await answer.json();
        answered = Date.now(); ahead = facts.at - answered; refused = "";
        draw();
      } else if (answer.status === 403) refused = "这块屏已停用。请信息科负责人重新开通，再把新地址打开一次。";
    } catch (error) { /* the bar says since when */ }
    clearTimeout(timer);
    setTimeout(ask, 2000);
  }
  window.addEventListener("resize", fit);
  fit(); tick(); ask();
  setInterval(tick, 1000);
})();
