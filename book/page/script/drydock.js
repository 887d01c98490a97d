// Makes the blocks of a page live: each becomes a console at a simulated host, with its drawing, its timeline and its checks.
//
// A page is whole without this. What is needed stands in it: for every block what was typed and printed when the book was built, and the
// drawing of what there was then. The module is fetched when somebody comes near a block; it runs in a worker, so that a command that
// never ends can be stopped. Nothing is asked of any network but the file with the module, which lies beside the pages.
(() => {
"use strict";

/** At most so many blocks have a worker at a time; the others' worlds are made again when they are wanted. */
const WORKERS = 3;
/** Where this script is: the module lies beside the pages, at `path_to_root`, or here. */
const here = document.currentScript?.src ?? location.href;
const root = () => new URL(typeof path_to_root === "string" ? path_to_root || "./" : ".", typeof path_to_root === "string" ? location.href : here);

/** The page's words, where they are not English ones: the preprocessor puts them above the chapter. */
const words = JSON.parse(document.querySelector(".drydock-words")?.textContent ?? "null");
const language = document.documentElement.lang || "en";
/** Our own words in the page's language; `{}` in them are filled in order. */
function t(english, ...parts) {
  const said = words?.[english] ?? english;
  let at = 0;
  return said.replace(/\{(\d?)\}/g, (_, number) => parts[number ? number - 1 : at++]);
}
/** What lies beside all pages lies above those of a translation. */
const top_ = () => new URL(words ? "../" : "./", root());

/** An element with its class, attributes and what is in it. */
function el(name, attributes = {}, ...inside) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value == null) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...inside.filter((part) => part != null));
  return made;
}

// ---- The module and its workers

/** What runs in a worker: one world, and memories of it at the lines that were done. */
function worker() {
  /** So many memories are kept; a world is made again from the nearest one. */
  const KEPT = 24;
  const text = { encoder: new TextEncoder(), decoder: new TextDecoder() };
  const memories = new Map();
  let exports;
  let at = null;

  function call(request) {
    const bytes = text.encoder.encode(JSON.stringify(request));
    const where = exports.drydock_input(bytes.length);
    new Uint8Array(exports.memory.buffer).set(bytes, where);
    const answer = exports.drydock_call();
    return JSON.parse(text.decoder.decode(new Uint8Array(exports.memory.buffer, answer, exports.drydock_length())));
  }

  function remember(key) {
    memories.set(key, exports.memory.buffer.slice(0));
    at = key;
    for (const old of memories.keys()) {
      if (memories.size <= KEPT) break;
      if (old !== "" && old !== key) memories.delete(old);
    }
  }

  /** The memory as it was; what it has grown by since is made empty. */
  function restore(key) {
    if (at === key) return;
    const now = new Uint8Array(exports.memory.buffer);
    const then = new Uint8Array(memories.get(key));
    now.set(then);
    now.fill(0, then.length);
    at = key;
  }

  /** Goes to the end of a way, doing what was not done before. Answers what each line that was done left. */
  function go(world, way) {
    const said = {};
    if (!memories.has("")) {
      const opened = call({ do: "open", seed: world.seed, files: world.files });
      if (opened.error) throw new Error(opened.error);
      call({ do: "draw", language: world.language });
      for (const line of world.setup) call({ do: "line", ...line });
      remember("");
    }
    let from = way.length;
    while (from > 0 && !memories.has(way[from - 1].key)) from -= 1;
    restore(from === 0 ? "" : way[from - 1].key);
    way.slice(from).forEach(({ key, line, typed }, number, { length }) => {
      at = null;
      said[key] = call({ do: "line", line, typed });
      // The last one is remembered when the answer is on its way: nobody waits for a copy of the memory.
      if (number < length - 1) remember(key);
      else at = key;
    });
    return said;
  }

  /** What is still to be remembered: where the world is, if nobody has yet. */
  function settle() {
    if (at !== null && !memories.has(at)) remember(at);
  }

  /** Asks something of the world at the end of a way, and leaves it as it was. */
  function ask(world, way, request) {
    go(world, way);
    settle();
    const key = at;
    at = null;
    const answer = call(request);
    restore(key);
    return answer;
  }

  const does = {
    start({ module }) {
      const never = new Proxy({}, { get: (_, name) => () => { throw new Error(`the module called ${String(name)}`); } });
      const wanted = Object.fromEntries(WebAssembly.Module.imports(module).map((i) => [i.module, never]));
      exports = new WebAssembly.Instance(module, wanted).exports;
      return {};
    },
    go({ world, way, checks }) {
      const said = go(world, way);
      // To look changes nothing, and so nothing is to be laid back.
      const drawing = call({ do: "draw", language: world.language });
      const held = checks.length === 0 ? [] : call({ do: "check", predicates: checks }).verdicts;
      return { said, drawing: drawing.html, held };
    },
    ask: ({ world, way, request }) => ask(world, way, request),
  };
  onmessage = ({ data }) => {
    try {
      postMessage({ id: data.id, answer: does[data.what](data) });
      settle();
    } catch (error) {
      // A world in which the module failed is not one to go on in.
      memories.clear();
      at = null;
      postMessage({ id: data.id, error: String(error?.message ?? error) });
    }
  };
}

let compiled;
/** The module, compiled once for all blocks of a page. */
function module() {
  compiled ??= (async () => {
    if (!self.drydockModule) {
      await new Promise((done, failed) => {
        document.head.append(el("script", { src: new URL("drydock-module.js", top_()), onload: done, onerror: () => failed(new Error(t("drydock-module.js is not beside the pages"))) }));
      });
    }
    const packed = atob(self.drydockModule);
    let bytes = new Uint8Array(packed.length);
    for (let i = 0; i < packed.length; i += 1) bytes[i] = packed.charCodeAt(i);
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
      bytes = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
    }
    return WebAssembly.compile(bytes);
  })();
  return compiled;
}

const hosts = [];

/** A worker with a world of its own, for one block. */
class Host {
  #worker = null;
  #waiting = new Map();
  #next = 0;

  async #started() {
    const made = await module();
    if (this.#worker) return;
    const url = URL.createObjectURL(new Blob([`(${worker})()`], { type: "text/javascript" }));
    this.#worker = new Worker(url);
    URL.revokeObjectURL(url);
    this.#worker.onmessage = ({ data: { id, answer, error } }) => {
      const { done, failed } = this.#waiting.get(id) ?? {};
      this.#waiting.delete(id);
      if (error === undefined) done?.(answer);
      else failed?.(new Error(error));
    };
    hosts.push(this);
    while (hosts.length > WORKERS) hosts.find((h) => h !== this && h.#waiting.size === 0)?.end() ?? hosts.shift();
    this.#post("start", { module: made });
  }

  #post(what, data) {
    const id = (this.#next += 1);
    return new Promise((done, failed) => {
      this.#waiting.set(id, { done, failed });
      this.#worker.postMessage({ id, what, ...data });
    });
  }

  async call(what, data) {
    if (!this.#worker) await this.#started();
    return this.#post(what, data);
  }

  /** Ends the worker, whatever it does. */
  end() {
    this.#worker?.terminate();
    this.#worker = null;
    if (hosts.includes(this)) hosts.splice(hosts.indexOf(this), 1);
    for (const { failed } of this.#waiting.values()) failed(new Error("stopped"));
    this.#waiting.clear();
  }
}

// ---- A block

/** Output as text: what steers a terminal is left out. */
const plain = (text) => text.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "").replace(/\r\n?/g, "\n");
const encode = (value) => btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(value)))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const decode = (value) => JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(value.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0))));

/** Where it stands what a step does. */
const SOURCES = [
  [/cgroup|freeze/, "man 7 cgroups"],
  [/^(device-rules)$/, 'runtime-spec config-linux.md "Allowed Device list"'],
  [/unmount/, "man 2 umount"],
  [/pivot/, "man 2 pivot_root"],
  [/overlay|layer/, "kernel Documentation/filesystems/overlayfs.rst"],
  [/mount|bind|mask|read-only|private/, "man 2 mount"],
  [/bridge|veth|link|address|route/, "man 8 ip"],
  [/rule/, "man 8 nft"],
  [/names/, "RFC 1035"],
  [/hostname|domainname/, "man 2 sethostname"],
  [/seccomp/, "man 2 seccomp"],
  [/capabilities|privs/, "man 7 capabilities"],
  [/user/, "man 2 setuid"],
  [/rlimit/, "man 2 setrlimit"],
  [/oom/, "man 5 proc"],
  [/session|terminal/, "man 2 setsid"],
  [/sysctl/, "man 5 sysctl.conf"],
  [/execute/, "man 2 execve"],
  [/node/, "man 2 mknod"],
  [/symlink/, "man 2 symlink"],
  [/sync/, "man 2 fsync"],
  [/tree|stray/, "man 2 unlink"],
  [/dir|file|write/, "man 2 open"],
];
const source = (step) => {
  const [, from] = SOURCES.find(([words]) => words.test(step)) ?? [];
  return from ? ` [${from}]` : "";
};

/** Programs that change nothing by themselves. */
const READERS = /^(?:ps|ls|cat|echo|grep|head|tail|wc|sort|uniq|cut|uname|id|hostname|date|curl|sleep|true|false|pwd|env|(?:drydock|docker)(?! +(?:container +|image +)?(?:exec|cp|build|start|run)\b))\b/;
/** Whether a line only read: nothing on the host is other than before, and nothing in it writes what is not looked at. */
const reads = ({ line, said }) => said?.changed?.length === 0 && !line.includes(">") && line.split(/&&|\|\||[|;]|\$\(/).every((part) => READERS.test(part.trim()));

class Block {
  constructor(section) {
    this.section = section;
    const data = JSON.parse(section.querySelector(".drydock-data").textContent);
    this.id = section.dataset.block;
    this.checks = data.checks ?? [];
    this.predicates = this.checks.map(({ words }) => words);
    const setup = (data.setup ?? []).map((line) => (typeof line === "string" ? { line } : { line: line.line, typed: line.typed }));
    this.world = { seed: data.seed ?? 1, files: data.files, setup, language };
    this.host = new Host();
    this.count = 0;
    // The timeline: a tree of lines. The block's own lines stand in it from the beginning.
    this.start = { key: "", children: [], parent: null };
    this.recorded = data.lines ?? [];
    this.now = this.start;
    for (const line of this.recorded) this.now = this.grow(this.now, line.line, line.typed ?? [], line);
    this.own = this.way();
    this.back = null;
    this.build();
  }

  grow(parent, line, typed, said = null) {
    const node = { key: `${(this.count += 1)}`, line, typed, said, children: [], parent };
    parent.children.push(node);
    parent.last = node;
    return node;
  }

  /** The lines from the beginning to a node. */
  way(node = this.now) {
    const way = [];
    for (let at = node; at.parent; at = at.parent) way.unshift(at);
    return way;
  }

  lines(node) {
    return this.way(node).map(({ key, line, typed }) => ({ key, line, typed }));
  }

  // -- What is on the page

  build() {
    const { section, id } = this;
    const name = `dd-${id.replace(/[^A-Za-z0-9_-]/g, "-")}`;
    this.log = section.querySelector(".drydock-transcript");
    this.figure = section.querySelector(".drydock-drawing") ?? el("figure", { class: "drydock-drawing" });
    this.list = section.querySelector(".drydock-checks") ?? (this.checks.length > 0 ? el("ul", { class: "drydock-checks" }) : null);
    this.written = this.figure.innerHTML;
    Object.entries({ role: "log", "aria-live": "polite", "aria-label": t("Transcript"), tabindex: "0" }).forEach(([k, v]) => this.log.setAttribute(k, v));
    this.prompt = el("span", { class: "dd-prompt", "aria-hidden": "true" }, "$");
    this.input = el("input", { id: `${name}-line`, type: "text", autocapitalize: "off", autocomplete: "off", autocorrect: "off", spellcheck: "false", enterkeyhint: "send", "aria-describedby": `${name}-keys` });
    this.run = el("button", { type: "submit", class: "dd-run" }, t("Run"));
    this.stop = el("button", { type: "button", class: "dd-stop", hidden: true, onclick: () => this.host.end() }, t("Stop"));
    this.label = el("label", { for: `${name}-line`, class: "dd-hidden" }, t("Command for the simulated host"));
    this.form = el("form", { class: "dd-form", autocomplete: "off" }, this.label, this.prompt, this.input, this.run, this.stop);
    this.status = el("p", { class: "dd-status", role: "status" });
    this.keys = el("p", { class: "dd-hidden", id: `${name}-keys` }, t("Arrow up and down: earlier commands. Tab completes a word; Tab once more leaves."));
    this.next = el("button", { type: "button", class: "dd-next", onclick: () => this.suggested() });
    const button = (label, what, title) => el("button", { type: "button", title, onclick: what }, label);
    this.undo = button(t("Undo"), () => this.goTo(this.before()), t("Take back the last command that changed something"));
    this.redo = button(t("Redo"), () => this.goTo(this.after()), t("Do it again"));
    this.again = button(t("Start over"), () => this.goTo(this.start), t("Back to the beginning of this block"));
    this.share = button(t("Link"), () => this.permalink(), t("A link to this very state"));
    this.bar = el("div", { class: "dd-bar", role: "group", "aria-label": t("Time") }, this.undo, this.redo, this.again, this.share);
    this.tree = el("div", { class: "dd-tree" });
    this.timeline = el("details", { class: "dd-timeline", ontoggle: () => this.drawTree() }, el("summary", {}, t("Timeline")), this.tree);
    this.steps = el("div", { class: "dd-steps" });
    this.why = el("details", { class: "dd-explain", ontoggle: () => this.explain() }, el("summary", {}, t("Explain the last command")), this.steps);
    const console_ = el("div", { class: "dd-console" });
    section.prepend(el("div", { class: "dd-both" }, console_, this.figure));
    console_.append(this.log, this.form, this.keys, this.status, this.bar, this.next, ...[this.list, this.why, this.timeline].filter(Boolean));
    section.classList.add("dd-live");
    this.form.addEventListener("submit", (event) => this.submitted(event));
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("focus", () => this.warm(), { once: true });
    this.input.addEventListener("compositionstart", () => (this.composing = true));
    // The key that ends a composition comes after this event in some browsers, before it in others.
    this.input.addEventListener("compositionend", () => setTimeout(() => (this.composing = false)));
    this.log.addEventListener("click", () => String(getSelection()) === "" && matchMedia("(hover: hover)").matches && this.input.focus());
    this.showLog();
    this.showControls();
    this.log.scrollTop = 0;
  }

  /** Makes the world before anything is typed, so that the first command is as fast as the others. */
  warm() {
    const { now } = this;
    const unmoved = () => this.now === now && !this.busy;
    const go = () => (unmoved() ? this.host.call("go", { world: this.world, way: this.lines(now), checks: this.predicates }) : {});
    // What went wrong is said when something is typed.
    module().then(go).then(({ held }) => unmoved() && this.hold(held), () => {});
  }

  entry(node) {
    const { said } = node;
    const parts = [el("span", { class: "drydock-prompt" }, "$ "), el("kbd", {}, node.line), "\n"];
    if (!said) return el("div", { class: "dd-entry" }, ...parts);
    const out = plain(said.out ?? "");
    const err = plain(said.err ?? "");
    if (out) parts.push(out.endsWith("\n") || !(err || said.code) ? out : `${out}\n`);
    if (err) parts.push(el("span", { class: "drydock-error" }, err.endsWith("\n") ? err : `${err}\n`));
    if (said.code) parts.push(el("span", { class: "drydock-code" }, `[${said.code}]`, el("span", { class: "dd-hidden" }, ` ${t("exit code")}`), "\n"));
    if (said.code === 3 && err.includes("not modelled")) {
      parts.push(el("a", { href: new URL("not-modelled.html", top_()) }, t("What the simulator does not model")), "\n");
    }
    return el("div", { class: "dd-entry", "data-key": node.key }, ...parts);
  }

  showLog() {
    this.log.replaceChildren(...this.way().map((node) => this.entry(node)));
    this.log.scrollTop = this.log.scrollHeight;
  }

  showControls() {
    this.undo.disabled = !this.before();
    this.redo.disabled = !this.after();
    this.again.disabled = !this.now.parent;
    const next = this.suggestion();
    this.next.hidden = !next || this.wanting;
    if (next) this.next.replaceChildren(`${t("Type for me:")} `, el("code", {}, next));
    this.label.textContent = this.wanting ? t("Input for the program that runs") : t("Command for the simulated host");
    this.input.placeholder = this.wanting ? t("the program reads: type a line for it") : this.recorded.length > 0 && !next ? t("your turn: type a command") : t("type a command");
    this.prompt.textContent = this.wanting ? ">" : this.directory && this.directory !== "/" ? `${this.directory} $` : "$";
    this.why.hidden = this.now === this.start;
    if (this.why.open) this.explain();
    if (this.timeline.open) this.drawTree();
  }

  /** Where the last line that changed something had not been typed yet: lines that only read are not what somebody wants undone. */
  before() {
    let at = this.now;
    while (at.parent?.parent && reads(at)) at = at.parent;
    return at.parent;
  }

  /** The reverse: the next line that changed something, or the last there is. */
  after() {
    let at = this.now.last;
    while (at?.last && reads(at)) at = at.last;
    return at;
  }

  /** What the block itself types next, while the reader follows it. */
  suggestion() {
    const way = this.way();
    return way.every((node, at) => node.line === this.recorded[at]?.line) ? this.recorded[way.length]?.line : undefined;
  }

  suggested() {
    this.input.value = this.suggestion() ?? "";
    this.form.requestSubmit();
  }

  say(text) {
    this.status.textContent = text;
  }

  // -- What is typed

  submitted(event) {
    event.preventDefault();
    if (this.composing || this.busy) return;
    const line = this.input.value;
    this.input.value = "";
    this.back = null;
    if (this.wanting) return this.more(line);
    if (line.trim() === "") return;
    const known = this.now.children.find((n) => n.line === line.trim() && n.typed.length === 0);
    this.goTo(known ?? this.grow(this.now, line.trim(), []));
  }

  /** A line for the program that reads. The command is done once more, with one line more: it begins as it began. */
  more(line) {
    const { parent, typed } = this.now;
    const command = this.now.line;
    const next = this.grow(parent, command, [...typed, line]);
    // The one with less typed was on the way to this one, not another branch.
    parent.children.splice(parent.children.indexOf(this.now), 1);
    this.goTo(next);
  }

  key(event) {
    if (event.isComposing || this.composing || event.keyCode === 229) return;
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      const lines = this.way().map((n) => n.line);
      if (lines.length === 0) return;
      event.preventDefault();
      this.back = Math.min(lines.length, Math.max(0, (this.back ?? lines.length) + (event.key === "ArrowUp" ? -1 : 1)));
      this.input.value = lines[this.back] ?? "";
    } else if (event.key === "Tab" && !event.shiftKey && !event.ctrlKey && !event.altKey && this.input.value !== "" && this.offered !== this.input.value && !this.wanting) {
      event.preventDefault();
      this.complete();
    } else if (event.key === "Enter" && this.wanting === false && this.busy) {
      event.preventDefault();
    }
  }

  async complete() {
    const before = this.input.value;
    const words = before.split(/\s+/);
    const word = words.at(-1);
    const ask = async (line) => ((await this.host.call("ask", { world: this.world, way: this.lines(), request: { do: "line", line } })).out ?? "").split("\n");
    const ours = /^(drydock|docker)$/.test(words[0]);
    let all = [];
    try {
      if (words.length === 1) all = ["drydock", "docker", "ps", "ls", "cat", "ip", "echo", "curl", "mount", "kill", "mkdir", "cd"];
      else if (ours && word.startsWith("-")) all = (await ask(`${words.slice(0, -1).join(" ")} --help`)).flatMap((l) => l.match(/^\s+(?:-\w, )?(--[\w-]+)/)?.[1] ?? []);
      else if (ours && words.length === 2) all = (await ask("drydock --help")).flatMap((l) => l.match(/^ {2}([a-z][\w-]*)/)?.[1] ?? []);
      else if (ours) all = await ask(`drydock __names ${words.slice(1, -1).join(" ")}`);
      else all = (await ask(`ls -d ${word}*`)).map((l) => l.trim());
    } catch { /* Whoever completes wants to hear nothing of what went wrong. */ }
    if (this.input.value !== before) return;
    const found = [...new Set(all)].filter((name) => name.startsWith(word) && name !== "");
    this.offered = before;
    if (found.length === 0) return this.say(t("nothing to complete"));
    let common = found[0];
    while (!found.every((name) => name.startsWith(common))) common = common.slice(0, -1);
    this.input.value = before.slice(0, before.length - word.length) + common + (found.length === 1 ? " " : "");
    if (this.input.value !== before) this.offered = null;
    this.say(found.length === 1 ? t("completed: {}", found[0]) : found.join("  "));
  }

  // -- Where in time the world is

  async goTo(node) {
    if (!node || this.busy) return;
    const from = this.now;
    this.busy = true;
    this.say("");
    this.section.setAttribute("aria-busy", "true");
    const late = setTimeout(() => { this.stop.hidden = false; this.say(t("working …")); }, 400);
    try {
      const { said, drawing, held } = await this.host.call("go", { world: this.world, way: this.lines(node), checks: this.predicates });
      this.now = node;
      for (const n of this.way()) {
        if (said[n.key]) n.said = said[n.key];
        if (n.parent) n.parent.last = n;
      }
      if (drawing) this.draw(drawing, node);
      this.hold(held);
      // A step forward is added, so that a reader of the screen hears it and nothing else.
      if (node.parent === from) {
        this.log.append(this.entry(node));
        this.log.scrollTop = this.log.scrollHeight;
      } else if (node.parent && node.parent === from.parent && node.line === from.line) {
        // The same command with one line more for its program.
        this.log.lastElementChild?.replaceWith(this.entry(node));
        this.log.scrollTop = this.log.scrollHeight;
      } else this.showLog();
      this.say("");
    } catch (error) {
      // What was not done is not in the timeline.
      if (!node.said && node.parent) {
        node.parent.children = node.parent.children.filter((n) => n !== node);
        if (node.parent.last === node) node.parent.last = node.parent.children.at(-1);
      }
      this.say(error.message === "stopped" ? t("stopped: {}", node.line ?? "") : t("This cannot be run here: {}", error.message));
    }
    clearTimeout(late);
    this.busy = false;
    this.stop.hidden = true;
    this.section.removeAttribute("aria-busy");
    this.wanting = this.now.said?.wanting ?? false;
    this.directory = this.now.said?.directory;
    this.showControls();
  }

  /** The view that a reader opened stays open, unless something happened in another and they did not choose. */
  draw(html, node) {
    const chosen = this.chosen && this.figure.querySelector(`.dd-view[data-view="${this.chosen}"]`);
    const inWords = this.figure.querySelector(".dd-words[open]") !== null;
    this.figure.innerHTML = html;
    const views = [...this.figure.querySelectorAll(".dd-view")];
    const open = chosen ? views.find((v) => v.dataset.view === this.chosen) : views.find((v) => v.open);
    for (const view of views) {
      view.open = view === open;
      if (inWords) view.querySelector(".dd-words").open = true;
      view.querySelector("summary").addEventListener("click", () => {
        this.chosen = view.open ? null : view.dataset.view;
        for (const other of views) if (other !== view) other.open = false;
      });
    }
  }

  hold(held) {
    if (!this.list || !held || held.length === 0) return;
    this.list.replaceChildren(...held.map((verdict, at) => {
      const { words: predicate, after } = this.checks[at];
      const line = this.passed(after);
      const good = verdict.holds || line !== null;
      const found = verdict.found ? el("span", { class: "dd-found" }, ` (${verdict.found})`) : null;
      return el("li", { class: good ? "dd-good" : "dd-bad" }, el("span", { class: "dd-mark" }, good ? `✓ ${t("so:")} ` : `✗ ${t("not so:")} `), predicate, good ? null : found, line === null ? null : el("span", { class: "dd-found" }, ` (${t("after {}", line)})`));
    }));
  }

  /** A check that stands in the middle of what the block types is about the world there, and was so there; the line, once the reader is beyond it. */
  passed(after) {
    const way = this.way();
    const beyond = after < this.recorded.length && way.length > after;
    return beyond && way.slice(0, after).every((node, at) => node === this.own[at]) ? this.recorded[after - 1]?.line ?? t("the beginning") : null;
  }

  drawTree() {
    if (!this.timeline.open) return;
    const on = new Set(this.way());
    const item = (node) => {
      const button = el("button", { type: "button", class: on.has(node) || node === this.start ? "dd-on" : "", "aria-current": node === this.now ? "step" : false, onclick: () => this.goTo(node) }, node.line ?? t("the beginning"));
      return el("li", {}, button);
    };
    // What follows alone stands below; where there are several, each has a list of its own.
    const list = (node) => {
      const items = [item(node)];
      let at = node;
      while (at.children.length === 1) {
        at = at.children[0];
        items.push(item(at));
      }
      if (at.children.length > 1) items.push(el("li", { class: "dd-fork" }, ...at.children.map(list)));
      return el("ul", {}, ...items);
    };
    this.tree.replaceChildren(list(this.start));
  }

  // -- Why

  async explain() {
    if (!this.why.open || this.explained === this.now || this.now === this.start) return;
    const node = (this.explained = this.now);
    this.steps.replaceChildren(el("p", {}, "…"));
    const explained = node.line.match(/^(?:drydock|docker)\s+(?:container\s+)?(run|create)\s+(.*)$/s);
    try {
      const request = explained ? { do: "line", line: `drydock explain ${explained[1]} ${explained[2]}` } : { do: "line", line: node.line, typed: node.typed, trace: true };
      const answer = await this.host.call("ask", { world: this.world, way: this.lines(node.parent), request });
      if (this.explained !== node) return;
      const steps = explained && answer.code === 0 ? this.script(answer.out) : this.trace(answer);
      this.steps.replaceChildren(el("p", {}, el("code", {}, node.line)), ...steps);
    } catch (error) {
      this.steps.replaceChildren(el("p", {}, error.message));
      this.explained = null;
    }
  }

  /** The commented script as a list: why, by whose word, and how. Long ids are as lists show them. */
  script(text) {
    const parts = [];
    for (const line of text.replace(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, "$1").split("\n")) {
      const [, part] = line.match(/^# ---- (.*)/) ?? [];
      const [, why, source] = line.match(/^# (.*) \[(.*)\]$/) ?? [];
      if (part) parts.push({ part, steps: [] });
      else if (parts.length > 0 && why) parts.at(-1).steps.push({ why, source, how: [] });
      else parts.at(-1)?.steps.at(-1)?.how.push(line);
    }
    const how = (lines) => lines.join("\n").replace(/\n\n#[^]*$|\nEND_OF_INSIDE[^]*$/, "").trim();
    const item = (step) => el("li", {}, el("span", { class: "dd-why" }, step.why, " ", el("cite", {}, step.source)), el("pre", { tabindex: "0" }, how(step.how)));
    const filled = parts.filter(({ steps }) => steps.length > 0);
    const count = filled.reduce((sum, { steps }) => sum + steps.length, 0);
    return [el("p", {}, t("{} steps, each with its reason, its source, and how a shell would take it:", count)), ...filled.flatMap(({ part, steps }) => [el("p", { class: "dd-part" }, part), el("ol", {}, ...steps.map(item))])];
  }

  /** What a command that is not planned as a whole asked of the kernel, and what processes did meanwhile. */
  trace({ trace = [] }) {
    const said = trace.map((line) => {
      const [, kind, rest] = line.match(/^(\S+) (.*)$/s) ?? [];
      if (kind === "execve") return rest.replace(/^pid=(\d+) (.*)$/s, "process $1 becomes $2 [man 2 execve]");
      if (kind === "exit") return rest.replace(/^pid=(\d+) (.*)$/s, "process $1 ends: $2 [man 2 _exit]");
      if (kind === "kill") return rest.replace(/^pid=(\d+) (.*) -> (\d+)$/s, "process $1 sends $2 to process $3 [man 2 kill]");
      if (kind === "oom-kill") return `no memory is left: ${rest} [kernel Documentation/admin-guide/cgroup-v2.rst, "memory.max"]`;
      if (kind === "inside") return rest.replace(/^pid=(\d+) (.*)$/s, (_, pid, step) => `the new process ${pid}: ${step.replaceAll("-", " ")}${source(step)}`);
      const { step, ...fields } = JSON.parse(rest);
      const words = Object.entries(fields).map(([key, value]) => `${key.replaceAll("_", " ")} ${typeof value === "object" ? JSON.stringify(value) : value}`);
      return `${step.replaceAll("-", " ")}${words.length ? `: ${words.join(", ")}` : ""}${source(step)}`;
    });
    if (said.length === 0) return [el("p", {}, t("It asked the kernel for nothing that changes anything: it looked."))];
    const item = (text) => {
      const [, what, from] = text.match(/^(.*) \[(.*)\]$/s) ?? [null, text, ""];
      return el("li", {}, what.replace(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, "$1"), " ", el("cite", {}, from));
    };
    return [el("p", {}, t("What the kernel was asked for, in order:")), el("ol", {}, ...said.map(item))];
  }

  // -- Links

  permalink() {
    const state = { s: this.world.seed, l: this.way().map((n) => (n.typed.length ? [n.line, ...n.typed] : n.line)) };
    const url = new URL(location.href);
    url.hash = `drydock=${encodeURIComponent(this.id)}:${encode(state)}`;
    history.replaceState(null, "", url);
    const done = (how) => this.say(how);
    const copied = navigator.clipboard?.writeText(url.href) ?? Promise.reject();
    copied.then(() => done(t("The link is copied: it leads to this very state")), () => done(t("The link is in the address bar: it leads to this very state")));
  }

  /** Goes to where a link leads: a way in this block's own tree. */
  async follow(state) {
    let node = this.start;
    if (state.s !== undefined && state.s !== this.world.seed) this.world = { ...this.world, seed: state.s };
    for (const step of state.l ?? []) {
      const [line, ...typed] = [step].flat().map(String);
      node = node.children.find((n) => n.line === line && n.typed.join("\n") === typed.join("\n")) ?? this.grow(node, line, typed);
    }
    this.section.scrollIntoView();
    await this.goTo(node);
  }
}

// ---- Search

/** Texts of the books: this one's, and below a translation the original's. Each lies beside its pages as a script. */
let texts;
function books() {
  const load = (book) => new Promise((done, failed) => document.head.append(el("script", { src: new URL("search.js", book), onload: done, onerror: failed })));
  texts ??= Promise.all([load(root()), words && load(top_())]).then(() => [[language, root()], words && ["en", top_()]].filter(Boolean).map(([tag, base]) => ({ tag, base, sections: self.drydockSearch[tag] })));
  return texts;
}

const HAN = /\p{Script=Han}/u;
/** What is looked for: words, each to be there; what is written without spaces as a whole, or else by its pairs of characters. */
const wanted = (query) => query.toLowerCase().match(/\p{Script=Han}+|[^\s\p{Script=Han}]+/gu) ?? [];
const pairs = (run) => (HAN.test(run) && run.length > 2 ? [...run].slice(1).map((c, at) => [...run][at] + c) : [run]);

/** The sections in which all is found, the best first. */
function found(sections, terms) {
  const score = ([address, chapter, heading, text], at) => {
    const [low, head] = [text.toLowerCase(), `${heading} ${at === 0 || sections[at - 1][1] !== chapter ? chapter : ""}`.toLowerCase()];
    let sum = 0;
    for (const term of terms) {
      const [inHead, inText] = [head.split(term).length - 1, low.split(term).length - 1];
      if (inHead + inText === 0) return null;
      sum += 20 * inHead + Math.min(inText, 10);
    }
    return { address, chapter, heading, text, sum, first: Math.max(0, Math.min(...terms.map((term) => low.indexOf(term)).filter((where) => where >= 0), text.length)) };
  };
  return sections.map(score).filter(Boolean).sort((a, b) => b.sum - a.sum);
}

/** What stands around the first find, with all finds marked. */
function around({ text, first }, terms) {
  const from = Math.max(0, first - 30);
  const part = `${from > 0 ? "…" : ""}${text.slice(from, from + 130)}${from + 130 < text.length ? "…" : ""}`;
  const marks = new RegExp(terms.map((term) => term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|"), "giu");
  const parts = [];
  let at = 0;
  for (const mark of part.matchAll(marks)) {
    parts.push(part.slice(at, mark.index), el("mark", {}, mark[0]));
    at = mark.index + mark[0].length;
  }
  return [...parts, part.slice(at)];
}

function search() {
  const bar = document.querySelector(".right-buttons");
  if (!bar) return;
  const input = el("input", { id: "dd-search", type: "search", autocomplete: "off", autocapitalize: "off", spellcheck: "false", enterkeyhint: "search" });
  const list = el("div", { class: "dd-found-list" });
  const say = el("p", { class: "dd-found-count", role: "status" });
  const panel = el("search", { class: "dd-search", hidden: true }, el("label", { for: "dd-search" }, t("Search the book")), input, say, list);
  const open = (yes) => {
    panel.hidden = !yes;
    button.setAttribute("aria-expanded", String(yes));
    if (yes) input.focus();
    else button.focus();
  };
  const button = el("button", { type: "button", class: "icon-button dd-search-button", "aria-expanded": "false", title: t("Search the book"), "aria-label": t("Search the book"), onclick: () => open(panel.hidden) });
  button.innerHTML = '<svg viewBox="0 0 20 20" width="17" height="17" aria-hidden="true"><circle cx="8.5" cy="8.5" r="5.5" fill="none" stroke="currentColor" stroke-width="2"/><path d="M13 13l5 5" stroke="currentColor" stroke-width="2.4" stroke-linecap="round"/></svg>';
  bar.prepend(button);
  (document.querySelector("#mdbook-menu-bar, #menu-bar") ?? bar).after(panel);
  const look = async () => {
    const query = input.value;
    const terms = wanted(query);
    let all;
    try {
      all = await books();
    } catch {
      return say.replaceChildren(t("search.js is not beside the pages"));
    }
    if (input.value !== query) return;
    if (terms.length === 0) return (say.replaceChildren(), list.replaceChildren());
    let count = 0;
    const groups = all.map(({ tag, base, sections }) => {
      let used = terms;
      let hits = found(sections, used);
      if (hits.length === 0) hits = found(sections, (used = terms.flatMap(pairs)));
      count += hits.length;
      const item = (hit) => el("li", {}, el("a", { href: new URL(hit.address, base) }, hit.chapter === hit.heading ? hit.chapter : `${hit.chapter} › ${hit.heading}`), el("p", {}, ...around(hit, used)));
      return hits.length === 0 ? null : el("ul", tag === language ? {} : { lang: tag, "aria-label": "English" }, ...hits.slice(0, 12).map(item));
    });
    list.replaceChildren(...groups.filter(Boolean));
    say.replaceChildren(count === 0 ? t("Nothing is found.") : t("{} sections", count));
  };
  let late;
  input.addEventListener("input", (event) => event.isComposing || (clearTimeout(late), (late = setTimeout(look, 60))));
  input.addEventListener("compositionend", look);
  panel.addEventListener("keydown", ({ key, isComposing }) => key === "Escape" && !isComposing && open(false));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || /^(?:INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
    event.preventDefault();
    open(true);
  });
}

// ---- The page

/** The other language has the same chapter with the same headings, and a link to a state leads to the same one there. */
function languages() {
  for (const link of document.querySelectorAll(".dd-languages a")) link.addEventListener("click", () => { link.hash = location.hash; });
}

/** What is wider than its place can be moved by keys too. */
function reachable() {
  for (const code of document.querySelectorAll("main pre > code, main .table-wrapper")) if (code.scrollWidth > code.clientWidth) code.tabIndex = 0;
  // mdBook's own bar: what opens the contents is a label that no key reaches; and the bar has no place among the page's parts.
  const [label, box] = ["#mdbook-sidebar-toggle", "#mdbook-sidebar-toggle-anchor"].map((name) => document.querySelector(name));
  if (label && box) {
    const button = el("button", { type: "button", onclick: () => box.click() }, ...label.childNodes);
    for (const { name, value } of label.attributes) if (name !== "for") button.setAttribute(name, value);
    const tell = () => button.setAttribute("aria-expanded", String(box.checked));
    box.addEventListener("change", tell);
    tell();
    label.replaceWith(button);
  }
  document.querySelector("#mdbook-menu-bar, #menu-bar")?.setAttribute("role", "banner");
}

function begin() {
  reachable();
  search();
  languages();
  // On paper, and on the page that holds all chapters, everything stands as it was when the book was built.
  if (/\/print\.html$/.test(location.pathname)) return;
  const blocks = new Map();
  const near = "IntersectionObserver" in self && new IntersectionObserver((seen) => {
    for (const { isIntersecting } of seen) if (isIntersecting) (near.disconnect(), (self.requestIdleCallback ?? setTimeout)(() => module().catch(() => {})));
  }, { rootMargin: "300px" });
  for (const section of document.querySelectorAll("section.drydock-block")) {
    if (!section.querySelector(".drydock-data")) continue;
    const block = new Block(section);
    blocks.set(block.id, block);
    if (near) near.observe(section);
  }
  const follow = () => {
    const [, id, state] = location.hash.match(/^#drydock=([^:]+):([A-Za-z0-9_-]+)$/) ?? [];
    const block = id && blocks.get(decodeURIComponent(id));
    if (!block) return;
    try {
      block.follow(decode(state));
    } catch {
      block.say(t("This link is damaged."));
    }
  };
  follow();
  addEventListener("hashchange", follow);
}
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
else begin();
})();
