/**
 * Memory and randomness for packets. Bulk data would otherwise cost a new buffer a packet, and the garbage collector more
 * than encrypting it: each connection that sends much borrows one slab, fills it packet by packet, and begins anew
 * whenever the system has taken all that was written. Packets that lie side by side also go out in one write.
 */
import { randomFillSync } from "node:crypto";

const SLAB = 256 * 1024; // bytes
const SMALL = 2048; // bytes; smaller packets come from Node's own pool
const MOST_FREE = 16; // slabs kept for the next borrower
const SWEEP = 1000; // milliseconds

const free: Buffer[] = [];
const lent = new Set<PacketMemory>();
let sweeping = false;

/** What is known of a connection's writing. */
export interface Writing {
  /** Whether the connection holds none of what it was given to write. */
  allWritten(): boolean;
}

/** Memory for the packets of one connection. */
export class PacketMemory {
  readonly #writing: Partial<Writing>;
  #slab: Buffer | null = null;
  #taken = 0;
  #used = false;

  constructor(writing: Partial<Writing>) {
    this.#writing = writing;
  }

  /** So many bytes, not cleared; they are the packet's until it is written. */
  take(length: number): Buffer {
    if (length < SMALL || this.#writing.allWritten === undefined) return Buffer.allocUnsafe(length);
    const slab = (this.#slab ??= this.#borrow());
    this.#used = true;
    if (this.#taken > 0 && this.#writing.allWritten()) this.#taken = 0;
    const start = this.#taken;
    if (start + length > SLAB) return Buffer.allocUnsafe(length);
    this.#taken = start + length;
    return slab.subarray(start, this.#taken);
  }

  /** The connection is over; what it has written may still be on its way. */
  forget(): void {
    this.#slab = null;
    lent.delete(this);
  }

  /** Gives the slab back when nothing was taken for a while and all is written. */
  static #sweep(): void {
    for (const memory of lent) {
      if (!memory.#used && memory.#writing.allWritten?.() === true) memory.#giveBack();
      memory.#used = false;
    }
    sweeping = lent.size > 0;
    if (sweeping) setTimeout(PacketMemory.#sweep, SWEEP).unref();
  }

  #borrow(): Buffer {
    lent.add(this);
    if (!sweeping) {
      sweeping = true;
      setTimeout(PacketMemory.#sweep, SWEEP).unref();
    }
    this.#taken = 0;
    return free.pop() ?? Buffer.allocUnsafeSlow(SLAB);
  }

  #giveBack(): void {
    if (this.#slab !== null && free.length < MOST_FREE) free.push(this.#slab);
    this.forget();
  }
}

const RANDOM = 4096; // bytes
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
