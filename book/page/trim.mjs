// Cuts a module down to what the page calls: of its exports those named drydock_* and the memory, and no section that is only for tools.
// The crates below bring exports for a generator of JavaScript that is not used here; each would hold code in the module.
//
//     node trim.mjs IN OUT
import { readFileSync, writeFileSync } from "node:fs";

const [from, to] = process.argv.slice(2);
const bytes = readFileSync(from);

/** Reads an unsigned LEB128 number; answers it and where the next byte is. */
function number(at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return [value, at];
  }
}

/** Writes one. */
function leb(value) {
  const out = [];
  do {
    const rest = Math.floor(value / 128);
    out.push((value % 128) | (rest > 0 ? 128 : 0));
    value = rest;
  } while (value > 0);
  return Buffer.from(out);
}

const CUSTOM = 0;
const EXPORT = 7;
const parts = [bytes.subarray(0, 8)];
for (let at = 8; at < bytes.length; ) {
  const id = bytes[at];
  const [length, start] = number(at + 1);
  const end = start + length;
  if (id === EXPORT) {
    let [count, here] = number(start);
    const kept = [];
    for (; count > 0; count--) {
      const first = here;
      const [size, name] = number(here);
      const text = bytes.subarray(name, name + size).toString();
      [, here] = number(name + size + 1);
      if (text === "memory" || text.startsWith("drydock_")) kept.push(bytes.subarray(first, here));
    }
    const body = Buffer.concat([leb(kept.length), ...kept]);
    parts.push(Buffer.from([id]), leb(body.length), body);
  } else if (id !== CUSTOM) {
    parts.push(bytes.subarray(at, end));
  }
  at = end;
}
writeFileSync(to, Buffer.concat(parts));
