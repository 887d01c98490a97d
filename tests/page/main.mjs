// Opens a site in Chromium, from the disk and from a server, and holds it to its cases: node main.mjs SITE AXE PICTURES [CASE]
import { createServer } from "node:http";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join, resolve } from "node:path";
import { browser } from "./browser.mjs";
import * as book from "./book.mjs";
import * as small from "./cases.mjs";

const [, , site, axeFile, shown, only = ""] = process.argv;
const cases = { ...small.cases, ...book.cases };
const pictures = [...small.pictures, ...book.pictures];
const axe = `() => { ${readFileSync(axeFile, "utf8")}\n }`;
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css" };
const server = createServer((request, answer) => {
  try {
    const path = decodeURIComponent(new URL(request.url, "http://site").pathname);
    const body = readFileSync(join(resolve(site), path));
    answer.writeHead(200, { "content-type": types[extname(path)] ?? "application/octet-stream" }).end(body);
  } catch {
    answer.writeHead(404).end();
  }
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const bases = [`file://${resolve(site)}`, `http://127.0.0.1:${server.address().port}`];

const chromium = await browser();
let failed = 0;
let ran = 0;
for (const base of bases) {
  for (const [name, holds] of Object.entries(cases).filter(([name]) => name.includes(only))) {
    const page = await chromium.page();
    const before = Date.now();
    try {
      await page.look({ width: 1280 });
      await holds(page, base, { axe });
      const away = page.requests.filter((url) => !url.startsWith(base) && !/^(about|data|blob):/.test(url) && !url.endsWith("/favicon.ico"));
      if (away.length > 0) throw new Error(`it asked elsewhere: ${away}`);
      const complaints = page.complaints.filter((text) => !text.includes("favicon.ico"));
      if (complaints.length > 0) throw new Error(`the browser complains: ${complaints}`);
      console.log(`ok   ${base.slice(0, 4)} ${name} (${Date.now() - before} ms)`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL ${base.slice(0, 4)} ${name}: ${error.message}`);
    }
    ran += 1;
    await page.close();
  }
}
if (only === "" || only === "pictures") {
  mkdirSync(shown, { recursive: true });
  for (const { name, file, width, dark, before } of pictures) {
    const page = await chromium.page();
    try {
      await page.look({ width, dark });
      await page.open(`${bases[0]}/${file}`);
      await before(page);
      writeFileSync(join(shown, `${name}.png`), await page.picture());
    } catch (error) {
      failed += 1;
      console.log(`FAIL picture ${name}: ${error.message}`);
    }
    await page.close();
  }
}
await chromium.close();
server.close();
console.log(`page: ${ran - failed} of ${ran} hold; pictures are in ${shown}`);
if (failed > 0 || (ran === 0 && only !== "pictures")) process.exitCode = 1;
