// What is to hold of the real book, in both its languages: mdBook's own pages, with everything in them.
import { has, idle, lacks, line, log, of, same, text } from "./cases.mjs";

const CHAPTER = "what-is-a-container";
const block = (number) => `${CHAPTER}-${number}`;
const first = (page, name) => page.run((s) => document.querySelector(s)?.dataset.block, `[data-block^="${name}-"]`);
/** What axe-core finds, in words. */
const barriers = (page) => page.run(async () => (await axe.run({ preload: false })).violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => `${n.html.slice(0, 200)} ${n.failureSummary}`).join("; ")}`));
const results = (page) => page.run(() => [...document.querySelectorAll(".dd-search li a")].map((a) => [a.href.split("/book/")[1], a.textContent]));

/** Looks for something as a reader does: the key, the words, and what there is then. */
async function look(page, words, composed = false) {
  await page.run(() => { document.querySelector("#dd-search").value = ""; document.activeElement.blur(); });
  if (await page.run(() => document.querySelector(".dd-search").hidden)) await page.tell("Input.dispatchKeyEvent", { type: "keyDown", key: "/", code: "Slash", text: "/", windowsVirtualKeyCode: 191 });
  await page.run(() => document.querySelector("#dd-search").focus());
  if (composed) await page.compose(words);
  await page.type(words);
  await page.until((w) => document.querySelector("#dd-search").value === w && document.querySelector(".dd-found-count").textContent !== "", words);
  await page.run(() => new Promise((done) => setTimeout(done, 120)));
  return results(page);
}

export const cases = {
  async "book: a chapter is whole without a script, in both languages"(page, base) {
    for (const [path, other] of [["", "zh/"], ["zh/", "../"]]) {
      await page.tell("Emulation.setScriptExecutionDisabled", { value: true });
      await page.open(`${base}/book/${path}${CHAPTER}.html`);
      const [blocks, drawn, log, link, forms] = await page.run(() => {
        const all = [...document.querySelectorAll(".drydock-block")];
        return [all.length, all.filter((b) => b.querySelectorAll("svg").length === 5).length, all[0].querySelector("pre").innerText, document.querySelector(".dd-languages a").getAttribute("href"), document.querySelectorAll(".drydock-block form").length];
      });
      await page.tell("Emulation.setScriptExecutionDisabled", { value: false });
      same([blocks >= 5, drawn === blocks, forms], [true, true, 0], `${path} blocks, each with its drawings`);
      same(link, `${other}${CHAPTER}.html`, "the way to the other language");
      has(log, "$ drydock run -d --name web busybox sleep 1000");
    }
  },

  async "book: a chapter comes alive and its checks are so"(page, base) {
    await page.open(`${base}/book/${CHAPTER}.html`);
    const name = await first(page, CHAPTER);
    await line(page, name, "drydock exec web id -u");
    has(await log(page, name), "\n0\n");
    const held = await page.run((s) => [...document.querySelectorAll(s)].map((l) => l.textContent), of(name, ".drydock-checks li"));
    same(held.length >= 2 && held.every((l) => l.startsWith("✓ so: ")), true, `checks: ${held}`);
    await line(page, name, "drydock rm -f web");
    const then = await page.run((s) => [...document.querySelectorAll(s)].map((l) => l.textContent), of(name, ".drydock-checks li"));
    same(then.some((l) => l.startsWith("✗ not so: ")), true, `checks after: ${then}`);
  },

  async "book: every check of a page that nobody touched is so"(page, base) {
    for (const chapter of [CHAPTER, "names-of-images", "images-on-the-disk", "states-and-signals"]) {
      await page.open(`${base}/book/${chapter}.html`);
      const names = await page.run(() => [...document.querySelectorAll(".drydock-block")].filter((b) => b.querySelector(".drydock-checks")).map((b) => b.dataset.block));
      for (const name of names) {
        await page.run((s) => document.querySelector(s).focus(), of(name, ".dd-form input"));
        await page.until((s) => [...document.querySelectorAll(s)].every((l) => l.matches(".dd-good, .dd-bad")), of(name, ".drydock-checks li"));
        same(await page.run((s) => [...document.querySelectorAll(s)].map((l) => l.textContent), of(name, ".drydock-checks .dd-bad")), [], `${name}: what is not so`);
      }
    }
  },

  async "book: a Chinese page speaks Chinese, and what programs print stays"(page, base) {
    await page.open(`${base}/book/zh/${CHAPTER}.html`);
    same(await page.run(() => [document.documentElement.lang, document.querySelector("main h1").textContent]), ["zh-CN", "什么是容器"], "the page");
    const name = await first(page, CHAPTER);
    same(await text(page, name, ".dd-run"), "运行", "the button");
    await line(page, name, "drydock ps --format '{{.Names}} {{.Status}}'");
    has(await log(page, name), "web Up ");
    await line(page, name, "drydock rnu");
    has(await log(page, name), "drydock: unknown command: drydock rnu");
    const drawing = await text(page, name, "figure");
    for (const words of ["进程与命名空间", "运行中 · busybox", "在主机上是进程", "文字版", "控制组"]) has(drawing, words, "the drawing");
    for (const words of ["for the host", "namespaces of its own", "As text", "stands on layer"]) lacks(drawing, words, "the drawing");
    const held = await page.run((s) => [...document.querySelectorAll(s)].map((l) => l.textContent), of(name, ".drydock-checks li"));
    same(held.every((l) => l.startsWith("✓ 成立： ") || l.startsWith("✓ 成立：")), true, `checks: ${held}`);
  },

  async "book: the other language has the same place, and the same state behind a link"(page, base) {
    await page.open(`${base}/book/${CHAPTER}.html`);
    const name = await first(page, CHAPTER);
    await line(page, name, "drydock pause web");
    await page.run((s) => [...document.querySelectorAll(s)].find((b) => b.textContent === "Link").click(), of(name, "button"));
    const hash = await page.run(() => location.hash);
    const leaves = page.loads();
    await page.run(() => setTimeout(() => document.querySelector(".dd-languages a").click()));
    await leaves;
    await page.until(() => document.documentElement?.lang === "zh-CN" && document.querySelector(".dd-live") !== null);
    same(await page.run(() => location.hash), hash, "what the link keeps");
    await page.until((s) => document.querySelector(s)?.textContent.includes("pause web"), of(name, ".drydock-transcript"));
    await idle(page, name);
    has(await text(page, name, "figure"), "已暂停", "the drawing");
    await page.open(`${base}/book/zh/${CHAPTER}.html#break`);
    same(await page.run(() => document.getElementById("break")?.textContent), "弄坏它", "the heading");
  },

  async "book: Chinese is found, typed with an input method too"(page, base) {
    await page.open(`${base}/book/zh/${CHAPTER}.html`);
    const found = await look(page, "命名空间", true);
    same(found.some(([to]) => to.startsWith(`zh/${CHAPTER}.html#`)), true, `命名空间: ${JSON.stringify(found)}`);
    has(await page.run(() => document.querySelector(".dd-search mark").textContent), "命名空间");
    for (const [words, to] of [["网络", "zh/"], ["进程", "zh/"], ["容器", `zh/${CHAPTER}.html#what-is-a-container`], ["杀死容器", `zh/${CHAPTER}.html#break`], ["pivot_root", `zh/${CHAPTER}.html#explain`], ["重启 策略", "zh/states-and-signals.html#explain"], ["--filter stars", "zh/images-on-the-disk.html"], ["whiteout", ""]]) {
      const found = await look(page, words);
      same(found.some(([address]) => address.startsWith(to)), true, `${words}: ${JSON.stringify(found)}`);
    }
    same(await look(page, "绝无此物"), [], "what is not there");
    has(await page.run(() => document.querySelector(".dd-found-count").textContent), "什么也没找到");
    // A result leads to its section.
    const [[to]] = await look(page, "引导程序");
    await page.open(`${base}/book/${to}`);
    same(await page.run(() => document.getElementById(location.hash.slice(1)) !== null), true, `${to} is there`);
  },

  async "book: English is found, and Escape closes"(page, base) {
    await page.open(`${base}/book/${CHAPTER}.html`);
    const found = await look(page, "whiteout");
    same(found.length > 0 && found.every(([to]) => !to.startsWith("zh/")), true, JSON.stringify(found));
    for (const [to] of found.slice(0, 5)) {
      await page.open(`${base}/book/${to}`);
      same(await page.run(() => document.getElementById(decodeURIComponent(location.hash.slice(1))) !== null), true, `${to} is there`);
    }
    await look(page, "pivot_root namespaces");
    await page.press("Escape");
    same(await page.run(() => [document.querySelector(".dd-search").hidden, document.activeElement.className.includes("dd-search-button")]), [true, true], "closed, and the focus back");
  },

  async "book: print pages have every block as it was built, and start nothing"(page, base) {
    for (const path of ["", "zh/"]) {
      await page.tell("Page.addScriptToEvaluateOnNewDocument", { source: "window.print = () => {};" });
      await page.open(`${base}/book/${path}print.html`);
      const [blocks, svgs, forms] = await page.run(() => ["section.drydock-block", ".drydock-block svg", ".drydock-block form"].map((s) => document.querySelectorAll(s).length));
      same([blocks >= 5, svgs >= 5 * blocks, forms], [true, true, 0], `${path}print.html: ${blocks} blocks, ${svgs} pictures, ${forms} forms`);
      await page.open(`${base}/book/${path}${CHAPTER}.html`);
      await page.look({ width: 1000, print: true });
      same(await page.run(() => [...document.querySelectorAll(".dd-form, .dd-bar, .dd-languages, .dd-search")].filter((e) => getComputedStyle(e).display !== "none").length), 0, "what is no use on paper");
      const { data } = await page.tell("Page.printToPDF", { printBackground: false });
      if (data.length < 50_000) throw new Error(`a printed chapter has ${data.length} bytes`);
    }
  },

  async "book: no barrier: axe-core finds nothing in either language, light and dark, wide and narrow"(page, base, { axe }) {
    for (const path of ["", "zh/"]) {
      for (const [width, dark] of [[1280, false], [1280, true], [360, false], [360, true]]) {
        await page.look({ width, dark });
        await page.open(`${base}/book/${path}${CHAPTER}.html`);
        await look(page, path ? "容器" : "container");
        await page.run(() => Promise.all(document.getAnimations().map((a) => a.finished)));
        await page.run(axe);
        same(await barriers(page), [], `${path}${CHAPTER} at ${width}, ${dark ? "dark" : "light"}`);
        same(await page.run(() => document.documentElement.scrollWidth <= innerWidth), true, `${path} at ${width} is not wider than the screen`);
      }
    }
  },
};

/** Pictures of the book, to be looked at. */
export const pictures = ["", "zh/"].flatMap((path) =>
  [[1280, false], [1280, true], [360, false], [360, true]].map(([width, dark]) => ({
    name: `book-${path ? "zh" : "en"}-${dark ? "dark" : "light"}-${width}`,
    file: `book/${path}${CHAPTER}.html`,
    width,
    dark,
    async before(page) {
      const name = await first(page, CHAPTER);
      await line(page, name, "drydock pause web");
      if (dark) await look(page, path ? "命名空间" : "namespace");
      await page.run(() => new Promise((done) => setTimeout(done, 900)));
    },
  })),
);
