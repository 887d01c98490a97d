// Calls the module: requests on standard input, a line of JSON each, and the answers on standard output.
//
//     node run.mjs MODULE <requests
import { readFileSync } from "node:fs";

/** Imports that the crates below declare for a generator which is not used; whoever calls one ends the program. */
const never = new Proxy({}, {
  get: (_, name) => () => {
    throw new Error(`the module called ${String(name)}`);
  },
});

const module = new WebAssembly.Module(readFileSync(process.argv[2]));
const wanted = Object.fromEntries(WebAssembly.Module.imports(module).map(({ module: from }) => [from, never]));
const { memory, drydock_input, drydock_call, drydock_length } = new WebAssembly.Instance(module, wanted).exports;
const text = { encoder: new TextEncoder(), decoder: new TextDecoder() };

/** Does one request; answers the answer's JSON. */
function call(request) {
  const bytes = text.encoder.encode(request);
  const at = drydock_input(bytes.length);
  new Uint8Array(memory.buffer).set(bytes, at);
  const answer = drydock_call();
  return text.decoder.decode(new Uint8Array(memory.buffer, answer, drydock_length()));
}

const answers = readFileSync(0, "utf8").split("\n").filter((line) => line !== "").map(call);
process.stdout.write(answers.join("\n") + "\n");
