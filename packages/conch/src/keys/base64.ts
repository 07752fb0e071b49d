/** Base64 as key files use it (RFC 4648 section 4). */
import { BadKeyError } from "./errors.js";

/** Node skips what is not base64; a key that lost a character must not turn into another one. */
export function decodeBase64(text: string): Buffer {
  const bytes = Buffer.from(text, "base64");
  if (bytes.length === 0 || bytes.toString("base64") !== text) throw new BadKeyError("malformed base64");
  return bytes;
}

/** In lines of `width` characters, each with its newline. */
export function encodeBase64(bytes: Uint8Array, width: number): string {
  const text = Buffer.from(bytes).toString("base64");
  let lines = "";
  for (let at = 0; at < text.length; at += width) lines += `${text.slice(at, at + width)}\n`;
  return lines;
}
