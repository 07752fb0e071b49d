/** Python's `repr` of bytes, without the `b` in front. */

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

/** `'x'`, `'\r'`, `'\xc3\xa9'`: in single quotes, or in double quotes where the bytes hold a single one and no double one. */
export function repr(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString("latin1");
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(/[^ -[\]-~]/g, (character) => ESCAPES[character] ?? hex(character));
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote;
}

function hex(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
