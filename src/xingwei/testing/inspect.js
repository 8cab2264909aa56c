/* What is wrong with the page as it is shown now, one sentence each. Run in the page by browser.py. */
(allowedWords) => {
  const found = [];
  const shown = (el) => {
    const box = el.getBoundingClientRect();
    return box.width > 0 && box.height > 0 && getComputedStyle(el).visibility !== "hidden";
  };
  const name = (el) => el.outerHTML.slice(0, 140).replace(/\s+/g, " ");

  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width + 1) {
    const over = Array.from(document.querySelectorAll("body *")).filter((el) => el.getBoundingClientRect().right > width + 1);
    const free = over.filter((el) => {
      for (let up = el.parentElement; up; up = up.parentElement) {
        if (up !== document.body && /auto|scroll|hidden|clip/.test(getComputedStyle(up).overflowX)) return false;
      }
      return true;
    });
    const wide = free.length ? free : over;
    found.push(`wider than the window (${document.documentElement.scrollWidth} > ${width}): ` + wide.slice(0, 3).map(name).join(" | "));
  }

  const headings = Array.from(document.querySelectorAll("h1")).filter(shown);
  if (headings.length !== 1) found.push(`${headings.length} visible h1 instead of one`);
  if (!/^zh/.test(document.documentElement.lang)) found.push("no Chinese lang on html");
  if (!document.title.trim()) found.push("no title");

  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    const button = /^(submit|button|reset|image)$/.test(field.type);
    const label = (field.labels && field.labels.length) || field.getAttribute("aria-label") ||
      field.getAttribute("aria-labelledby") || field.title || (button && field.value);
    if (!label) found.push("field without a label: " + name(field));
  }
  for (const image of document.querySelectorAll("img:not([alt])")) found.push("img without alt: " + name(image));
  for (const el of document.querySelectorAll("a[href], button, summary")) {
    const pictures = Array.from(el.querySelectorAll("img[alt]")).map((i) => i.alt).join("");
    const label = el.textContent.trim() || el.getAttribute("aria-label") || el.title || pictures;
    if (!label && shown(el)) found.push("nothing to read on: " + name(el));
  }
  const ids = new Map();
  for (const el of document.querySelectorAll("[id]")) ids.set(el.id, (ids.get(el.id) || 0) + 1);
  for (const [id, n] of ids) if (n > 1) found.push(`id “${id}” ${n} times`);

  const skip = "script, style, noscript, code, pre, kbd, samp, svg, [translate=no]";
  const allowed = new Set(allowedWords);
  const words = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const parent = texts.currentNode.parentElement;
    if (!parent || parent.closest(skip) || !shown(parent)) continue;
    const text = texts.currentNode.data.replace(/\S+@\S+|https?:\S+|\S*[/_\\]\S*|\S+\.[a-z]{2,5}\b/g, " ");
    for (const [word] of text.matchAll(/[A-Za-z][A-Za-z'-]*/g)) {
      const broken = /^(None|True|False|null|undefined|NaN|Infinity)$/.test(word);
      const code = word.length < 3 || word === word.toUpperCase();
      if (broken || (!code && !allowed.has(word))) words.add(word);
    }
  }
  if (words.size) found.push("not in Chinese: " + Array.from(words).slice(0, 12).join(", "));
  return found;
}
