/** Bytes received and not yet parsed: appending is cheap however small the pieces, and slices handed out stay as they are. */

const EMPTY = Buffer.alloc(0);
const LEAST = 1024; // bytes of a buffer of ours

export class ReceiveBuffer {
  #bytes: Buffer = EMPTY;
  #start = 0;
  #end = 0;
  #spacious = false; // what lies behind #end is ours to fill

  get length(): number {
    return this.#end - this.#start;
  }

  /** All of it, without taking it. */
  get contents(): Buffer {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  append(data: Buffer): void {
    if (this.length === 0) {
      this.replace(data);
      return;
    }
    const length = this.length + data.length;
    if (!this.#spacious || this.#bytes.length - this.#end < data.length) {
      const bytes = Buffer.allocUnsafeSlow(Math.max(LEAST, length * 2));
      this.contents.copy(bytes);
      this.#hold(bytes, length - data.length, true);
    }
    data.copy(this.#bytes, this.#end);
    this.#end += data.length;
  }

  replace(data: Buffer): void {
    this.#hold(data, data.length, false);
  }

  /** Takes the first `size` bytes, or all. */
  take(size = this.length): Buffer {
    const taken = this.#bytes.subarray(this.#start, this.#start + size);
    this.#start += size;
    if (this.#start === this.#end) this.#hold(EMPTY, 0, false);
    return taken;
  }

  #hold(bytes: Buffer, end: number, spacious: boolean): void {
    this.#bytes = bytes;
    this.#start = 0;
    this.#end = end;
    this.#spacious = spacious;
  }
}
