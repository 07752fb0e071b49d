/** Putting SSH data types onto the wire (RFC 4251 section 5). */

/** What every function that writes payload takes; a string is written as UTF-8. */
export type BytesLike = Uint8Array | string;

/** The bytes of `value`, without copying those of a Buffer. */
export function toBuffer(value: BytesLike): Buffer {
  if (Buffer.isBuffer(value)) return value;
  if (typeof value === "string") return Buffer.from(value, "utf8");
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

const EMPTY = Buffer.alloc(0);

/** A copy in memory of its own: bytes that are kept must not hold on to the whole chunk they came in (rule R11). */
export function keep(bytes: Uint8Array): Buffer {
  if (bytes.length === 0) return EMPTY;
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

/** Writes fields one behind the other; {@link Writer.payload} is what was written. */
export class Writer {
  #buffer: Buffer;
  #length = 0;

  constructor(capacity = 256) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  byte(value: number): void {
    const at = this.#grow(1);
    this.#buffer[at] = value;
  }

  boolean(value: boolean): void {
    this.byte(value ? 1 : 0);
  }

  uint32(value: number): void {
    const at = this.#grow(4);
    this.#buffer.writeUInt32BE(value, at);
  }

  uint64(value: bigint): void {
    const at = this.#grow(8);
    this.#buffer.writeBigUInt64BE(value, at);
  }

  raw(value: Uint8Array): void {
    const at = this.#grow(value.length);
    this.#buffer.set(value, at);
  }

  string(value: BytesLike): void {
    const bytes = toBuffer(value);
    this.uint32(bytes.length);
    this.raw(bytes);
  }

  /** The shortest two's complement form. */
  mpint(value: bigint): void {
    this.string(mpintBytes(value));
  }

  nameList(names: readonly string[]): void {
    this.string(names.join(","));
  }

  /** What was written so far; nothing may be written after. */
  payload(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #grow(by: number): number {
    const at = this.#length;
    const needed = at + by;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
    }
    this.#length = needed;
    return at;
  }
}

/** The body of an mpint: two's complement, big-endian, no byte more than needed; zero is empty. */
export function mpintBytes(value: bigint): Buffer {
  if (value === 0n) return Buffer.alloc(0);
  if (value < 0n) {
    let bytes = 1;
    while (value < -(1n << BigInt(8 * bytes - 1))) bytes++;
    return Buffer.from((value + (1n << BigInt(8 * bytes))).toString(16).padStart(2 * bytes, "0"), "hex");
  }
  const hex = value.toString(16);
  const even = hex.length % 2 === 0 ? hex : `0${hex}`;
  return Buffer.from(parseInt(even.slice(0, 2), 16) >= 0x80 ? `00${even}` : even, "hex");
}

/** The same for a magnitude given as big-endian bytes, as key exchanges give it. */
export function mpintFromMagnitude(magnitude: Uint8Array): Buffer {
  let start = 0;
  while (start < magnitude.length && magnitude[start] === 0) start++;
  const trimmed = magnitude.subarray(start);
  if (trimmed.length > 0 && trimmed[0]! & 0x80) return Buffer.concat([Buffer.of(0), trimmed]);
  return Buffer.from(trimmed);
}
