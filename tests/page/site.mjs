// Makes a page as the book's preprocessor does, from what the module itself answers: node site.mjs MODULE DIRECTORY
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const [, , file, directory] = process.argv;
const script = new URL("../../book/page/script/", import.meta.url).pathname;
const bytes = readFileSync(file);
const compiled = new WebAssembly.Module(bytes);
const never = new Proxy({}, { get: (_, name) => () => { throw new Error(`the module called ${String(name)}`); } });
const wanted = Object.fromEntries(WebAssembly.Module.imports(compiled).map((i) => [i.module, never]));

/** A world of its own for each block. */
function world() {
  const { memory, drydock_input, drydock_call, drydock_length } = new WebAssembly.Instance(compiled, wanted).exports;
  const encoder = new TextEncoder();
  return (request) => {
    const text = encoder.encode(JSON.stringify(request));
    const at = drydock_input(text.length);
    new Uint8Array(memory.buffer).set(text, at);
    const where = drydock_call();
    const answer = JSON.parse(new TextDecoder().decode(new Uint8Array(memory.buffer, where, drydock_length())));
    if (answer.error) throw new Error(`${JSON.stringify(request)}: ${answer.error}`);
    return answer;
  };
}

const text = (value) => value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

function block(id, { setup = [], lines = [], checks = [] }) {
  const call = world();
  call({ do: "open", seed: 1 });
  call({ do: "draw" });
  for (const line of setup) call({ do: "line", line });
  const typed = lines.map((line) => ({ line, ...call({ do: "line", line }) })).map(({ line, out, err, code }) => ({ line, out, err, code }));
  const data = JSON.stringify({ seed: 1, setup, lines: typed, checks: checks.map((words) => ({ words, after: typed.length })) }).replaceAll("</", "<\\/");
  const shown = typed.map(({ line, out, err, code }) => `<span class="drydock-prompt">$ </span><kbd>${text(line)}</kbd>\n${text(out)}${err && `<span class="drydock-error">${text(err)}</span>`}${code ? `<span class="drydock-code">[${code}]</span>\n` : ""}`);
  const list = checks.length ? `<ul class="drydock-checks">${checks.map((c) => `<li>${text(c)}</li>`).join("")}</ul>` : "";
  return `<section class="drydock-block" data-block="${id}"><script type="application/json" class="drydock-data">${data}</script><pre class="drydock-transcript" role="log" tabindex="0">${shown.join("")}</pre>${list}<figure class="drydock-drawing">${call({ do: "draw" }).html}</figure></section>`;
}

/** A theme's colours as mdBook's style sheet has them. */
const page = (theme, colours, title, body) => `<!DOCTYPE html>
<html lang="en" class="${theme}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title>
<style>:root{${colours}}html{font-size:62.5%;color-scheme:${theme === "light" ? "light" : "dark"}}body{margin:0;background:var(--bg);color:var(--fg);font:1.6rem/1.6 "Open Sans",sans-serif}main{max-width:750px;margin:0 auto;padding:0 15px}</style>
<link rel="stylesheet" href="drydock.css"></head><body><main><h1>${title}</h1>${body}</main><script>const path_to_root = "";</script><script src="drydock.js"></script></body></html>`;

/** How long a line and the drawing after it take, in milliseconds: the best of many, because others use this machine too. */
function took() {
  const call = world();
  call({ do: "open", seed: 1 });
  call({ do: "draw" });
  call({ do: "line", line: "drydock run -d --name web nginx" });
  const times = ["drydock ps -a", "drydock images", "drydock inspect web", "drydock exec web id"].map((line) => {
    let best = Infinity;
    for (let tries = 0; tries < 60; tries += 1) {
      const before = performance.now();
      call({ do: "line", line });
      call({ do: "draw" });
      best = Math.min(best, performance.now() - before);
    }
    return best;
  });
  return Math.max(...times);
}
const most = took();
console.log(`page: a command with its drawing takes the module ${most.toFixed(1)} ms; at most 5`);
if (most > 5 && !process.env.DRYDOCK_BUSY) throw new Error("commands take too long");

mkdirSync(directory, { recursive: true });
const body = [
  "<p>A container is a process with walls around it. Start one, and look at it from both sides.</p>",
  block("first-1", { lines: ["drydock run -d --name web -p 8080:80 nginx", "drydock ps", "curl -s http://127.0.0.1:8080/ | head -n 4"] }),
  "<p>Your turn: let a container with the name <code>web</code> run, and see to it that it is the only one.</p>",
  block("lab-1", { checks: ["container web is running", "containers 1"] }),
  "<p>What is written in a container stays in its own layer.</p>",
  block("third-1", { setup: ["drydock volume create data"], lines: ["drydock run -d --name keeper -m 64m -v data:/data busybox sh -c 'echo x >/new; rm /etc/group; sleep 1000'"] }),
].join("\n");
const light = "--bg:hsl(0,0%,100%);--fg:hsl(0,0%,0%);--links:#20609f";
const navy = "--bg:hsl(226,23%,11%);--fg:#bcbdd0;--links:#2b79a2";
writeFileSync(join(directory, "index.html"), page("light", light, "What is a container", body));
writeFileSync(join(directory, "dark.html"), page("navy", navy, "What is a container", body));
writeFileSync(join(directory, "print.html"), page("light", light, "All chapters", body));
for (const name of ["drydock.js", "drydock.css"]) copyFileSync(join(script, name), join(directory, name));
writeFileSync(join(directory, "drydock-module.js"), `self.drydockModule = "${gzipSync(bytes).toString("base64")}";\n`);
