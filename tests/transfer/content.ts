/** What is transferred, without keeping it: both ends can make it and its checksum. */
import { createCipheriv, createHash } from "node:crypto";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

const PIECE = 65_536; // bytes

/** So many bytes that do not repeat. */
export function content(bytes: number): Readable {
  return Readable.from(pieces(bytes), { objectMode: false, highWaterMark: PIECE });
}

function* pieces(bytes: number): Generator<Buffer> {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16, "key"), Buffer.alloc(16));
  const zeros = Buffer.alloc(PIECE);
  for (let left = bytes; left > 0; left -= PIECE) yield cipher.update(zeros.subarray(0, Math.min(PIECE, left)));
}

export function checksum(bytes: number): string {
  const hash = createHash("sha256");
  for (const piece of pieces(bytes)) hash.update(piece);
  return hash.digest("hex");
}

/** Reads to the end, resting eight times on the way for so many seconds each. @returns the checksum */
export async function readSlowly(from: AsyncIterable<Buffer>, bytes: number, rest: number): Promise<string> {
  const hash = createHash("sha256");
  let [read, next] = [0, bytes / 9];
  for await (const piece of from) {
    hash.update(piece);
    read += piece.length;
    if (read < next) continue;
    next += bytes / 9;
    await sleep(rest * 1000);
  }
  return hash.digest("hex");
}
