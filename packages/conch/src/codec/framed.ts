/**
 * Where a packet ends (RFC 4253 section 6): its length comes first, and what is there whole is opened where it lies. A packet
 * that comes in pieces is put together in memory of its own.
 */
import type { Cipher, Decipher } from "./cipher.js";

/** The largest packet sent or accepted, in bytes, its length field not counted (RFC 4253 section 6.1). */
export const MAX_PACKET = 35_000;

/** Bytes of the length field. */
export const LENGTH = 4;

const LEAST = 8; // bytes behind the length field

/** How packets are laid out. */
export interface Frame {
  /** What a packet's length is a multiple of, in bytes. */
  readonly block: number;
  /** Bytes of the tag or MAC behind it. */
  readonly tagLength: number;
  /** The length field is no part of the blocks: it is not encrypted with them. */
  readonly isLengthClear: boolean;
}

export abstract class FramedDecipher implements Decipher {
  inSeqno: number;
  payload: Buffer | null = null;
  readonly #block: number;
  readonly #counted: number; // bytes of the length field that count for the blocks
  readonly #tagLength: number;
  /** What has come of a packet that came in pieces: first its length field, then all of it. */
  #pieces: Buffer | null = null;
  #filled = 0;

  constructor(sequence: number, { block, tagLength, isLengthClear }: Frame) {
    this.inSeqno = sequence;
    this.#block = block;
    this.#counted = isLengthClear ? 0 : LENGTH;
    this.#tagLength = tagLength;
  }

  /** The length in the field at `at`, asked once for each packet: an encrypted one may be deciphered in place. */
  protected abstract lengthAt(data: Buffer, at: number): number;

  /** Deciphers in place the packet from its length field at `at` to `end`, with its tag up to `after`. @throws if it is not genuine. */
  protected abstract open(data: Buffer, at: number, end: number, after: number): void;

  abstract free(): void;

  decrypt(data: Buffer, start: number, end: number): number {
    let at = start;
    if (this.#pieces === null && end - at >= LENGTH) {
      const size = this.#sizeAt(data, at);
      if (end - at >= size) {
        this.#take(data, at, size);
        return at + size;
      }
      this.#pieces = Buffer.allocUnsafe(size);
    }
    let pieces = (this.#pieces ??= Buffer.allocUnsafe(LENGTH));
    for (;;) {
      const copied = data.copy(pieces, this.#filled, at, end);
      at += copied;
      this.#filled += copied;
      if (this.#filled < pieces.length) return at;
      if (pieces.length > LENGTH) break;
      const field = pieces;
      this.#pieces = pieces = Buffer.allocUnsafe(this.#sizeAt(field, 0));
      pieces.set(field);
    }
    this.#pieces = null;
    this.#filled = 0;
    this.#take(pieces, 0, pieces.length);
    return at;
  }

  /** Bytes of a packet, from its length field to the end of its tag. */
  #sizeAt(data: Buffer, at: number): number {
    const length = this.lengthAt(data, at);
    if (length < LEAST || length > MAX_PACKET || (length + this.#counted) % this.#block !== 0) badLength();
    return LENGTH + length + this.#tagLength;
  }

  #take(data: Buffer, at: number, size: number): void {
    const after = at + size;
    const end = after - this.#tagLength;
    this.open(data, at, end, after);
    this.inSeqno = (this.inSeqno + 1) >>> 0;
    const padding = data[at + LENGTH]!;
    if (at + LENGTH + 1 + padding > end) badLength(); // by the peer itself: the tag was right
    this.payload = data.subarray(at + LENGTH + 1, end - padding);
  }
}

/** The clear packets before the first NEWKEYS. */
export class ClearDecipher extends FramedDecipher {
  constructor() {
    super(0, { block: 8, tagLength: 0, isLengthClear: false });
  }

  protected override lengthAt(data: Buffer, at: number): number {
    return data.readUInt32BE(at);
  }

  protected override open(): void {} // it is

  override free(): void {}
}

/** The clear packets before the first NEWKEYS. */
export class ClearCipher implements Cipher {
  outSeqno = 0;
  readonly tagRoom = 0;

  encrypt(packet: Buffer): Buffer {
    this.outSeqno = (this.outSeqno + 1) >>> 0;
    return packet;
  }

  free(): void {}
}

function badLength(): never {
  throw new RangeError("bad packet length");
}
