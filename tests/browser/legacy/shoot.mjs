// Screenshots of pages in Chromium 109, signed in, at both widths; a JSON report of what went wrong on stdout.
// Standard input: {"url", "out", "password", "visits": [{"username", "pages": ["/"]}]}; without pages, all of the navigation
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import chromium from "@sparticuz/chromium";
import puppeteer from "puppeteer-core";

const SIZES = [{ width: 1440, height: 900 }, { width: 390, height: 844 }];
let text = "";
for await (const piece of process.stdin) text += piece;
const job = JSON.parse(text);
mkdirSync(job.out, { recursive: true });

const report = { version: "", shots: [], problems: [] };
const browser = await puppeteer.launch({
  executablePath: await chromium.executablePath(),
  // not chromium.args: made for another place, they run all in one process, which hangs at the end
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-zygote", "--lang=zh-CN"],
  headless: true,
});
report.version = await browser.version();

for (const visit of job.visits) {
  const context = await browser.createIncognitoBrowserContext();
  const page = await context.newPage();
  const wrong = (what) => report.problems.push(`${visit.username} ${page.url()}: ${what}`);
  page.on("pageerror", (error) => wrong(error.message));
  page.on("console", (message) => { if (message.type() === "error") wrong(message.text()); });
  page.on("response", (answer) => { if (answer.status() >= 400) wrong(`${answer.status()} ${answer.url()}`); });

  await page.setViewport(SIZES[0]);
  await page.goto(`${job.url}/sign-in/`, { waitUntil: "load" });
  await page.type("[name=username], [name=login]", visit.username);
  await page.type("[type=password]", job.password);
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  if (page.url().includes("/sign-in/")) wrong("not signed in");

  const links = () => page.$$eval(".xw-nav a[href], .xw-tabbar a[href]", (all) => all.map((a) => a.getAttribute("href")));
  const pages = visit.pages || Array.from(new Set(["/", ...(await links())]));
  for (const [number, address] of pages.entries()) {
    for (const size of SIZES) {
      await page.setViewport(size);
      await page.goto(job.url + address, { waitUntil: "load" });
      await page.evaluate(() => document.fonts.ready.then(() => true));
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 1) wrong(`${wide} px wider than the window of ${size.width}`);
      const name = `${visit.username}-${number + 1}${address.replace(/[^a-z0-9]+/gi, "-").replace(/-$/, "")}-${size.width}.png`;
      await page.screenshot({ path: join(job.out, name), fullPage: true });
      report.shots.push(name);
    }
  }
  await context.close();
}
await browser.close();
process.stdout.write(JSON.stringify(report));
