/** Taking SSH data types off the wire (RFC 4251 section 5). */
import { ProtocolError } from "../error.js";

/**
 * Reads the fields of one message in turn. Every method throws a {@link ProtocolError} when the input ends too early; no
 * length from the wire sizes an allocation, since what it claims must be there. Buffers that it returns are views.
 */
export class Reader {
  readonly #input: Buffer;
  #at = 0;

  constructor(input: Uint8Array) {
    this.#input = Buffer.isBuffer(input) ? input : Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  }

  get remaining(): number {
    return this.#input.length - this.#at;
  }

  byte(): number {
    return this.#input[this.#advance(1)]!;
  }

  /** Any value but 0 is true (RFC 4251 section 5). */
  boolean(): boolean {
    return this.byte() !== 0;
  }

  uint32(): number {
    return this.#input.readUInt32BE(this.#advance(4));
  }

  uint64(): bigint {
    return this.#input.readBigUInt64BE(this.#advance(8));
  }

  /** Exactly `length` bytes, without a length in front. */
  raw(length: number): Buffer {
    const start = this.#advance(length);
    return this.#input.subarray(start, start + length);
  }

  /** A string: its length as a uint32, then that many bytes. */
  string(): Buffer {
    return this.raw(this.uint32());
  }

  /** A string of UTF-8; what is malformed reads as U+FFFD. */
  text(): string {
    const length = this.uint32();
    const start = this.#advance(length);
    return this.#input.toString("utf8", start, start + length);
  }

  /** Any sign, as two's complement; leading bytes more than needed are allowed, as by RFC 4251 for a lenient reader. */
  mpint(): bigint {
    const bytes = this.string();
    if (bytes.length === 0) return 0n;
    const magnitude = BigInt(`0x${bytes.toString("hex")}`);
    return bytes[0]! & 0x80 ? magnitude - (1n << BigInt(8 * bytes.length)) : magnitude;
  }

  /** Names between commas; an empty string is an empty list. */
  nameList(): string[] {
    const length = this.uint32();
    const start = this.#advance(length);
    return length === 0 ? [] : this.#input.toString("latin1", start, start + length).split(",");
  }

  /** All that is left. */
  rest(): Buffer {
    return this.raw(this.remaining);
  }

  /** @throws ProtocolError when bytes are left: a message is decoded to its last byte before it acts. */
  end(): void {
    if (this.remaining > 0) throw new ProtocolError(`${this.remaining} bytes follow the last field`);
  }

  #advance(length: number): number {
    const start = this.#at;
    if (length > this.#input.length - start) {
      throw new ProtocolError(`${length} bytes were due, ${this.#input.length - start} are left`);
    }
    this.#at = start + length;
    return start;
  }
}
