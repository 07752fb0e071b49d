/** The little of DER (ITU-T X.690) that keys need and node:crypto does not give. */
import { BadKeyError } from "./errors.js";
import { toMagnitude } from "./numbers.js";

export const Tag = { INTEGER: 0x02, BIT_STRING: 0x03, OCTET_STRING: 0x04, OID: 0x06, SEQUENCE: 0x30 } as const;

export function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  const length = body.length < 0x80 ? Buffer.of(body.length) : longLength(body.length);
  return Buffer.concat([Buffer.of(tag), length, body]);
}

export function derInteger(value: bigint): Buffer {
  const magnitude = toMagnitude(value, 1);
  return der(Tag.INTEGER, magnitude[0]! & 0x80 ? Buffer.of(0) : Buffer.alloc(0), magnitude);
}

/** Reads elements in turn; what is malformed throws a BadKeyError. */
export class DerReader {
  readonly #input: Buffer;
  #at = 0;

  constructor(input: Buffer) {
    this.#input = input;
  }

  get done(): boolean {
    return this.#at === this.#input.length;
  }

  /** The tag and the contents of the next element. */
  element(): { tag: number; body: Buffer } {
    const tag = this.#byte();
    let length = this.#byte();
    if (length > 0x80 && length <= 0x84) {
      let bytes = length - 0x80;
      for (length = 0; bytes > 0; bytes--) length = length * 256 + this.#byte();
    } else if (length >= 0x80) {
      throw new BadKeyError("malformed DER");
    }
    const start = this.#at;
    if (length > this.#input.length - start) throw new BadKeyError("malformed DER");
    this.#at = start + length;
    return { tag, body: this.#input.subarray(start, this.#at) };
  }

  /** The contents of the next element, which must have this tag. */
  read(tag: number): Buffer {
    const element = this.element();
    if (element.tag !== tag) throw new BadKeyError("malformed DER");
    return element.body;
  }

  #byte(): number {
    const byte = this.#input[this.#at++];
    if (byte === undefined) throw new BadKeyError("malformed DER");
    return byte;
  }
}

function longLength(length: number): Buffer {
  const bytes = toMagnitude(BigInt(length));
  return Buffer.concat([Buffer.of(0x80 | bytes.length), bytes]);
}
