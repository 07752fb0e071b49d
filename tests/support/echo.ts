/** Reading back what the echo examples print for the bytes they receive. */

const ESCAPE = /\\(?:x([0-9a-f]{2})|([^x]))/g;
const NAMED: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

/** The bytes behind all complete `echo: '...'` lines in `output`, as characters of latin1. */
export function echoed(output: string): string {
  const lines = output.match(/^echo: .*$(?=\r?\n)/gm) ?? [];
  return lines.map((line) => unrepr(line.trimEnd().slice("echo: ".length))).join("");
}

function unrepr(text: string): string {
  return text
    .slice(1, -1)
    .replace(ESCAPE, (_, hex: string | undefined, name: string) =>
      hex === undefined ? (NAMED[name] ?? name) : String.fromCharCode(Number.parseInt(hex, 16)),
    );
}
