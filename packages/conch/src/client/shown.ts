/** What a server says, as a terminal may have it: no control character of it gets there (CL4). */
import { escapeText } from "@strombus/reactor/logger";

/** Sequences of UTF-8 in bytes that are read as latin1, or else one byte that belongs to none. */
const UTF8 =
  /((?:[\0-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})+)|[^]/g;

/** Bytes as text: what is no UTF-8 is shown as `\xNN`. */
export function decoded(bytes: Buffer): string {
  return bytes
    .toString("latin1")
    .replace(UTF8, (each, valid?: string) =>
      valid === undefined
        ? `\\x${each.charCodeAt(0).toString(16).padStart(2, "0")}`
        : Buffer.from(valid, "latin1").toString(),
    );
}

/** One line. */
export function shown(text: string | Uint8Array): string {
  return escapeText(typeof text === "string" ? text : decoded(Buffer.from(text)), Infinity);
}

/** Text of several lines, which stay lines. */
export function shownLines(text: string): string {
  return text.replaceAll("\r\n", "\n").split("\n").map(shown).join("\n");
}
