/** Data that waits for a reader, side by side in memory of its own: each crumb would hold on to the chunk it came in (rule R11). */

const [FIRST, MOST] = [1024, 65_536]; // bytes of a block

export class Backlog {
  #blocks: Buffer[] = [];
  #bytes = 0;
  /** What is taken of the last block. */
  #used = 0;

  add(data: Buffer): void {
    for (let from = 0; from < data.length;) {
      let last = this.#blocks.at(-1);
      if (last === undefined || this.#used === last.length) {
        last = Buffer.allocUnsafeSlow(Math.min(MOST, Math.max(FIRST, this.#bytes, data.length - from)));
        this.#blocks.push(last);
        this.#used = 0;
      }
      const copied = data.copy(last, this.#used, from);
      this.#used += copied;
      this.#bytes += copied;
      from += copied;
    }
  }

  /** All of it; nothing is left. */
  take(): Buffer[] {
    const blocks = this.#blocks;
    const last = blocks.pop();
    if (last !== undefined) blocks.push(last.subarray(0, this.#used));
    this.clear();
    return blocks;
  }

  clear(): void {
    this.#blocks = [];
    this.#bytes = this.#used = 0;
  }
}
