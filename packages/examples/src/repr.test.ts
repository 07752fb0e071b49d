import { expect, test } from "vitest";
import { repr } from "./repr.js";

// bytes in latin1, what Python 3 prints for them (without the b)
const ROWS = [
  ["", "''"],
  ["x", "'x'"],
  [" ~", "' ~'"],
  ["\r", String.raw`'\r'`],
  ["a\tb\nc", String.raw`'a\tb\nc'`],
  ["\x03\x1b[A", String.raw`'\x03\x1b[A'`],
  ["\x00\x7f\x80\xff", String.raw`'\x00\x7f\x80\xff'`],
  ["\xc3\xa9", String.raw`'\xc3\xa9'`],
  ["\\", String.raw`'\\'`],
  ["it's", `"it's"`],
  ['say "hi"', `'say "hi"'`],
  [`it's "hi"`, String.raw`'it\'s "hi"'`],
  ["'\\", String.raw`"'\\"`],
] as const;

for (const [bytes, text] of ROWS) {
  test(`the bytes ${JSON.stringify(bytes)} are shown as ${text}`, () => {
    expect(repr(Buffer.from(bytes, "latin1"))).toBe(text);
  });
}
