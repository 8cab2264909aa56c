/* Photos on the phone: shown before they are sent, each removable. */
(function () {
  "use strict";
  const box = document.querySelector("[data-photos]");
  const input = box.querySelector("input[type=file]");
  let files = [];

  function show() {
    for (const old of box.querySelectorAll(".p")) old.remove();
    const kept = new DataTransfer();
    files.forEach(function (file, i) {
      kept.items.add(file);
      const tile = document.createElement("div");
      tile.className = "p";
      const img = document.createElement("img");
      img.src = URL.createObjectURL(file);
      img.alt = "照片 " + (i + 1);
      const drop = document.createElement("button");
      drop.type = "button";
      drop.setAttribute("aria-label", "删除照片 " + (i + 1));
      drop.innerHTML = '<span><i class="ti ti-x" aria-hidden="true"></i></span>';
      drop.addEventListener("click", function () { files.splice(i, 1); show(); });
      tile.append(img, drop);
      box.insertBefore(tile, box.querySelector(".add"));
    });
    input.files = kept.files;
  }
  input.addEventListener("change", function () { files = files.concat(Array.from(input.files)); show(); });
})();
