/** Public keys in the format of RFC 4716, which ssh.com, PuTTY and ssh-keygen -e write. */
import type { BytesLike } from "../wire/writer.js";
import { toBuffer } from "../wire/writer.js";
import { decodeBase64, encodeBase64 } from "./base64.js";
import { BadKeyError } from "./errors.js";

const LABEL = "SSH2 PUBLIC KEY";
const LINE = 70; // characters; the standard allows 72

/** A key and its headers, whose names are lower case; a comment comes without the quotes around it. */
export interface Rfc4716File {
  readonly blob: Buffer;
  readonly headers: ReadonlyMap<string, string>;
}

export function readRfc4716(file: string): Rfc4716File {
  return readArmored(file, LABEL);
}

/** A file of this form, whatever it holds. */
export function readArmored(file: string, label: string): Rfc4716File {
  const lines = file.trim().split(/\r\n|\r|\n/);
  if (lines[0]?.trimEnd() !== `---- BEGIN ${label} ----` || lines.at(-1) !== `---- END ${label} ----`) {
    throw new BadKeyError(`the ${label} has no proper first and last line`);
  }
  const headers = new Map<string, string>();
  let at = 1;
  for (; lines[at]!.includes(":"); at++) {
    let header = lines[at]!;
    while (header.endsWith("\\") && at < lines.length - 2) header = header.slice(0, -1) + lines[++at]!;
    const colon = header.indexOf(":");
    headers.set(
      header.slice(0, colon).toLowerCase(),
      header
        .slice(colon + 1)
        .trim()
        .replace(/^"(.*)"$/, "$1"),
    );
  }
  const base64 = lines.slice(at, -1).map((line) => line.trim());
  return { blob: decodeBase64(base64.join("")), headers };
}

export function writeRfc4716(blob: Buffer, comment: BytesLike): string {
  return `---- BEGIN ${LABEL} ----\n${commentHeader(toBuffer(comment).toString("utf8"))}${encodeBase64(blob, LINE)}---- END ${LABEL} ----\n`;
}

/** Cut into lines that go on behind a backslash; control characters could end the header. */
function commentHeader(comment: string): string {
  if (comment === "") return "";
  const text = `Comment: "${comment.replace(/\p{Cc}/gu, " ")}"`;
  const lines: string[] = [];
  let line = "";
  for (const character of text) {
    if (Buffer.byteLength(line + character) >= LINE) {
      lines.push(`${line}\\`);
      line = "";
    }
    line += character;
  }
  return `${[...lines, line].join("\n")}\n`;
}
