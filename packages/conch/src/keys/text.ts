/** The text form of a key, with all its numbers: what Twisted prints for one, private numbers included. */
import type { KeyData, KeyMaterial } from "./material.js";
import { mpintBytes } from "../wire/writer.js";

const BYTES_A_LINE = 15;

export function keyText(key: KeyMaterial): string {
  const half = key.isPublic ? "Public" : "Private";
  const sorted = Object.entries(key.data()).sort(([left], [right]) => (left < right ? -1 : 1));
  if (key.type === "EC") {
    const lines = sorted.map(([name, value]) => `${name}:\n\t${String(value)}\n`);
    return `<Elliptic Curve ${half} Key (${key.size} bits)\n${lines.join("")}>\n`;
  }
  const lines = sorted.map(([name, value]) => `attr ${name}:\n${hexLines(value)}`);
  return `<${key.type} ${half} Key (${key.size} bits)\n${lines.join("")}>`;
}

/** A full line keeps the colon behind its last byte, a shorter one does not. */
function hexLines(value: KeyData[string]): string {
  const bytes = typeof value === "bigint" ? mpintBytes(value) : Buffer.from(value);
  let lines = "";
  for (let at = 0; at < bytes.length; at += BYTES_A_LINE) {
    const pairs = bytes.toString("hex", at, at + BYTES_A_LINE).match(/../g)!;
    lines += `\t${pairs.join(":")}${pairs.length === BYTES_A_LINE ? ":" : ""}\n`;
  }
  return lines;
}
