/**
 * Memory and randomness for packets, taken in slices from larger pieces: a packet of its own each would cost the garbage
 * collector more than encrypting it, and packets that lie side by side go out in one write.
 */
import { randomFillSync } from "node:crypto";

const SLAB = 256 * 1024; // bytes; it lives until its last packet is written
const RANDOM = 4096; // bytes

let slab = Buffer.alloc(0);
let taken = 0;

/** Bytes of nobody else's, not cleared. */
export function take(length: number): Buffer {
  if (taken + length > slab.length) {
    slab = Buffer.allocUnsafeSlow(Math.max(SLAB, length));
    taken = 0;
  }
  const start = taken;
  taken += length;
  return slab.subarray(start, taken);
}

const random = Buffer.alloc(RANDOM);
let used = RANDOM;

/** Random bytes into `target`, each used once. */
export function fillRandom(target: Buffer, start: number, length: number): void {
  if (used + length > RANDOM) {
    randomFillSync(random);
    used = 0;
  }
  random.copy(target, start, used, used + length);
  used += length;
}
