// A headless Chromium, spoken to over a pipe in the DevTools protocol; nothing but node is needed.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** Starts one; `close` ends it and removes what it kept. */
export async function browser() {
  const program = process.env.CHROMIUM ?? NAMES.find((name) => spawnSync(name, ["--version"]).status === 0);
  if (!program) throw new Error("Chromium is not installed; tests/setup installs it");
  const home = mkdtempSync(join(tmpdir(), "drydock-chromium-"));
  // Pages here are our own; as root Chromium does not start with its sandbox.
  const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--lang=en", "--remote-debugging-pipe", `--user-data-dir=${home}`];
  const child = spawn(program, [...flags, "about:blank"], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
  const waiting = new Map();
  const listeners = [];
  let next = 0;
  let rest = "";
  child.stdio[4].setEncoding("utf8");
  child.stdio[4].on("data", (text) => {
    const parts = (rest + text).split("\0");
    rest = parts.pop();
    for (const message of parts.map((part) => JSON.parse(part))) {
      const { done, failed, method } = waiting.get(message.id) ?? {};
      waiting.delete(message.id);
      if (message.error) failed?.(new Error(`${method}: ${message.error.message}`));
      else if (done) done(message.result);
      else for (const listener of listeners) listener(message);
    }
  });
  child.on("exit", () => waiting.forEach(({ failed }) => failed(new Error("Chromium has ended"))));
  const send = (method, params = {}, sessionId) =>
    new Promise((done, failed) => {
      const id = (next += 1);
      waiting.set(id, { done, failed, method });
      child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  return {
    page: () => page(send, listeners),
    async close() {
      const ended = new Promise((done) => child.once("exit", done));
      send("Browser.close").catch(() => {});
      const late = setTimeout(() => child.kill("SIGKILL"), 5000);
      await ended;
      clearTimeout(late);
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** One tab. `requests` and `complaints` are what it asked for and what went wrong in it. */
async function page(send, listeners) {
  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  const tell = (method, params) => send(method, params, sessionId);
  const requests = [];
  const complaints = [];
  let loaded = () => {};
  listeners.push(({ sessionId: of, method, params }) => {
    if (of !== sessionId) return;
    if (method === "Page.loadEventFired") loaded();
    if (method === "Network.requestWillBeSent") requests.push(params.request.url);
    if (method === "Runtime.exceptionThrown") complaints.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    if (method === "Log.entryAdded" && params.entry.level === "error") complaints.push(`${params.entry.text} ${params.entry.url ?? ""}`);
  });
  for (const domain of ["Page", "Runtime", "Network", "Log"]) await tell(`${domain}.enable`);

  /** Runs a function in the page and answers what it answers. */
  async function run(what, ...args) {
    const expression = `(${what})(...${JSON.stringify(args)})`;
    const { result, exceptionDetails } = await tell("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true, userGesture: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  const keys = { Enter: 13, Tab: 9, ArrowUp: 38, ArrowDown: 40, Escape: 27 };
  return {
    requests,
    complaints,
    tell,
    run,
    async open(url) {
      const done = new Promise((yes) => (loaded = yes));
      // A page whose address differs in its fragment alone would not be loaded again.
      await tell("Page.navigate", { url: "about:blank" });
      await done;
      const again = new Promise((yes) => (loaded = yes));
      await tell("Page.navigate", { url });
      await again;
    },
    /** The next page that has come, whatever leads to it. */
    loads: () => new Promise((yes) => (loaded = yes)),
    async until(what, ...args) {
      const end = Date.now() + 60_000;
      while (!(await run(what, ...args))) {
        if (Date.now() > end) throw new Error(`this never came: ${what} ${JSON.stringify(args)}; the page says: ${await run(() => document.body.innerText.slice(0, 3000))}`);
        await new Promise((done) => setTimeout(done, 15));
      }
    },
    async press(key, modifiers = 0) {
      const event = { key, code: key, windowsVirtualKeyCode: keys[key], modifiers, ...(key === "Enter" && { text: "\r" }) };
      await tell("Input.dispatchKeyEvent", { type: event.text ? "keyDown" : "rawKeyDown", ...event });
      await tell("Input.dispatchKeyEvent", { type: "keyUp", ...event });
    },
    type: (text) => tell("Input.insertText", { text }),
    compose: (text) => tell("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length }),
    async look({ width, height = 900, dark = false, print = false, mobile = width < 500 }) {
      await tell("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: mobile ? 2 : 1, mobile });
      await tell("Emulation.setEmulatedMedia", { media: print ? "print" : "", features: [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }] });
    },
    async picture() {
      const { data } = await tell("Page.captureScreenshot", { format: "png", captureBeyondViewport: true });
      return Buffer.from(data, "base64");
    },
    close: () => send("Target.closeTarget", { targetId }),
  };
}
