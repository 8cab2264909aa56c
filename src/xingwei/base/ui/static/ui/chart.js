/* Charts: <div class="xw-chart" data-chart="ID-OF-JSON-SCRIPT">, the option being JSON made on the server.
   Colours named "--xw-…" in the option are resolved from the tokens. */
(function () {
  "use strict";
  const resolve = function (value) {
    if (typeof value === "string" && value.startsWith("--xw-")) return window.xw.css(value);
    if (Array.isArray(value)) return value.map(resolve);
    if (value && typeof value === "object") {
      const out = {};
      for (const key of Object.keys(value)) out[key] = resolve(value[key]);
      return out;
    }
    return value;
  };
  function draw() {
    for (const box of document.querySelectorAll("[data-chart]:not([data-drawn])")) {
      box.dataset.drawn = "1";
      const option = resolve(JSON.parse(document.getElementById(box.dataset.chart).textContent));
      const chart = window.echarts.init(box, null, { renderer: "svg" });
      chart.setOption(Object.assign({
        animation: false,
        textStyle: { fontFamily: window.xw.css("--xw-font") },
        color: [1, 2, 3, 4, 5, 6].map((n) => window.xw.css("--xw-c" + n)),
      }, option));
      chart.on("click", function (event) {
        const url = event.data && event.data.url;
        if (url) window.location.href = url;
      });
      new ResizeObserver(() => chart.resize()).observe(box);
    }
  }
  window.addEventListener("DOMContentLoaded", draw);
  document.addEventListener("htmx:afterSettle", draw);  // a part of the page came in anew
})();
