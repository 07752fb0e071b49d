/** What a telnet client tells of its terminal: its name (RFC 1091) and variables (RFC 1572). */

const IS = 0;
const SEND = 1;
const INFO = 2;
const VAR = 0;
const VALUE = 1;
const ESC = 2;
const USERVAR = 3;
const MAX_VALUE = 256; // characters

/** Asks for the terminal's name. */
export const SEND_TTYPE = Buffer.of(SEND);

/** The variables that matter to programs; only these are asked for, and others are not believed. */
const VARIABLES = ["COLORTERM", "LANG"] as const;

/** Asks for them. */
export const SEND_VARIABLES = Buffer.concat([
  Buffer.of(SEND),
  ...VARIABLES.flatMap((name) => [Buffer.of(USERVAR), Buffer.from(name)]),
]);

/** The name of a terminal in an answer, in lower case; "dumb" for what is no name, null for what is no answer. */
export function terminalName(bytes: Buffer): string | null {
  if (bytes[0] !== IS) return null;
  const name = bytes.toString("latin1", 1).toLowerCase();
  return /^[a-z0-9+._-]{1,64}$/.test(name) ? name : "dumb";
}

/** Those variables of an answer that were asked for, with printable values; null for what is no answer. */
export function variables(bytes: Buffer): Map<string, string> | null {
  if (bytes[0] !== IS && bytes[0] !== INFO) return null;
  const found = new Map<string, string>();
  for (const [name, value] of pairs(bytes.subarray(1))) {
    const known = VARIABLES.find((each) => each === name);
    if (known !== undefined && value.length <= MAX_VALUE && /^[ -~]+$/.test(value)) found.set(known, value);
  }
  return found;
}

/** Names and values; a name without a value has an empty one. */
function pairs(bytes: Buffer): [name: string, value: string][] {
  const all: [name: string, value: string][] = [];
  let part: 0 | 1 = 0;
  for (let i = 0; i < bytes.length; i++) {
    let byte = bytes[i]!;
    if (byte === VAR || byte === USERVAR) all.push(["", ""]);
    if (byte === VAR || byte === USERVAR || byte === VALUE) {
      part = byte === VALUE ? 1 : 0;
      continue;
    }
    if (byte === ESC) byte = bytes[++i] ?? 0;
    const last = all.at(-1);
    if (last !== undefined) last[part] += String.fromCharCode(byte);
  }
  return all;
}
