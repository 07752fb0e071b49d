/** A key's fingerprint as a picture: the walk of a "drunken bishop" over a board, as ssh-keygen -lv draws it. */
import { createHash } from "node:crypto";
import type { KeyMaterial } from "./material.js";

const WIDTH = 17;
const HEIGHT = 9;
const FEET = " .o+=*BOX@%&#/^"; // by how often a square was visited

/** Eleven lines without a newline at the end; two pictures that differ belong to two keys. */
export function randomArt(key: Pick<KeyMaterial, "sshType" | "size" | "type">, blob: Buffer): string {
  const board = walk(createHash("sha256").update(blob).digest());
  const name = `${key.type === "EC" ? "ECDSA" : key.type.toUpperCase()}${key.sshType.startsWith("sk-") ? "-SK" : ""}`;
  const titled = `[${name} ${key.size}]`;
  const rows = board.map((row) => `|${row}|`);
  return [
    `+${centered(titled.length <= WIDTH ? titled : `[${name}]`.slice(0, WIDTH - 1))}+`,
    ...rows,
    `+${centered("[SHA256]")}+`,
  ].join("\n");
}

function walk(digest: Buffer): string[] {
  const visits = Array.from({ length: WIDTH * HEIGHT }, () => 0);
  let [x, y] = [(WIDTH - 1) / 2, (HEIGHT - 1) / 2];
  const start = y * WIDTH + x;
  for (const byte of digest) {
    for (let shift = 0; shift < 8; shift += 2) {
      x = within(x + ((byte >> shift) & 1 ? 1 : -1), WIDTH);
      y = within(y + ((byte >> shift) & 2 ? 1 : -1), HEIGHT);
      visits[y * WIDTH + x]!++;
    }
  }
  const marks = visits.map((count) => FEET[Math.min(count, FEET.length - 1)]!);
  marks[start] = "S";
  marks[y * WIDTH + x] = "E";
  return Array.from({ length: HEIGHT }, (_, row) => marks.slice(row * WIDTH, (row + 1) * WIDTH).join(""));
}

function within(position: number, size: number): number {
  return Math.max(0, Math.min(size - 1, position));
}

function centered(title: string): string {
  return title.padStart(title.length + ((WIDTH - title.length) >> 1), "-").padEnd(WIDTH, "-");
}
