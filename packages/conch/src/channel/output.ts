/** What waits to be sent on one channel, in the order of the calls that made it wait. */

/** A message that keeps its place behind the data before it: EOF, or a request. */
export type Message = () => void;

export class OutputQueue {
  #entries: (Run | Message)[] = [];
  /** Bytes of data that wait. */
  bytes = 0;

  get empty(): boolean {
    return this.#entries.length === 0;
  }

  /** The data or the message whose turn it is. */
  get first(): Run | Message | undefined {
    return this.#entries[0];
  }

  /** Data of an extended type (RFC 4254 section 5.2), or ordinary data when the type is null. Long pieces are not copied. */
  add(type: number | null, bytes: Buffer): void {
    this.bytes += bytes.length;
    const last = this.#entries.at(-1);
    if (last instanceof Run && last.type === type) last.push(bytes);
    else this.#entries.push(new Run(type, bytes));
  }

  addMessage(message: Message): void {
    this.#entries.push(message);
  }

  /** Takes up to `count` bytes from the data whose turn it is: across the writes that made them, as one piece. */
  take(run: Run, count: number): Buffer {
    const piece = run.take(count);
    this.bytes -= piece.length;
    if (run.length === 0) this.#entries.shift();
    return piece;
  }

  takeMessage(): void {
    this.#entries.shift();
  }

  clear(): void {
    this.#entries = [];
    this.bytes = 0;
  }

  /** Messages stay. */
  dropData(): void {
    this.#entries = this.#entries.filter((entry) => !(entry instanceof Run));
    this.bytes = 0;
  }

  /** A copy of the ordinary data. */
  get data(): Buffer {
    return Buffer.concat(this.#runs().flatMap((run) => (run.type === null ? run.chunks : [])));
  }

  /** Copies of the extended data, neighbours of one type joined. */
  get extended(): [type: number, bytes: Buffer][] {
    const joined: [number, Buffer][] = [];
    for (const { type, chunks } of this.#runs()) {
      if (type === null) continue;
      const last = joined.at(-1);
      if (last?.[0] === type) last[1] = Buffer.concat([last[1], ...chunks]);
      else joined.push([type, Buffer.concat(chunks)]);
    }
    return joined;
  }

  #runs(): Run[] {
    return this.#entries.filter((entry) => entry instanceof Run);
  }
}

/** Data of one type, as written. */
export class Run {
  readonly type: number | null;
  length = 0;
  #chunks: Buffer[] = [];
  #at = 0; // chunks before it are sent
  /** What the last chunk is in, while short pieces still go there; and how much of it is taken. */
  #block: Buffer | null = null;
  #used = 0;

  constructor(type: number | null, bytes: Buffer) {
    this.type = type;
    this.push(bytes);
  }

  get chunks(): Buffer[] {
    return this.#chunks.slice(this.#at);
  }

  push(bytes: Buffer): void {
    this.length += bytes.length;
    if (bytes.length <= SHORT) {
      this.#pushShort(bytes);
      return;
    }
    this.#chunks.push(bytes);
    this.#block = null;
  }

  /** Side by side with those before: a chunk by itself costs more than a hundred bytes, however short it is. */
  #pushShort(bytes: Buffer): void {
    const last = this.#chunks.length - 1;
    if (this.#block === null || last < this.#at || this.#block.length - this.#used < bytes.length) {
      this.#block = Buffer.allocUnsafeSlow(Math.min(MAX_BLOCK, Math.max(bytes.length, this.length)));
      this.#used = bytes.copy(this.#block);
      this.#chunks.push(this.#block.subarray(0, this.#used));
      return;
    }
    this.#used += bytes.copy(this.#block, this.#used);
    this.#chunks[last] = this.#block.subarray(this.#used - this.#chunks[last]!.length - bytes.length, this.#used);
  }

  /** Up to `count` bytes; a view when one chunk has them all. */
  take(count: number): Buffer {
    const wanted = Math.min(count, this.length);
    const first = this.#advance(wanted);
    if (first.length === wanted) return first;
    const pieces = [first];
    for (let got = first.length; got < wanted; got += pieces.at(-1)!.length) pieces.push(this.#advance(wanted - got));
    return Buffer.concat(pieces, wanted);
  }

  /** Up to `count` bytes of the first chunk. */
  #advance(count: number): Buffer {
    const chunk = this.#chunks[this.#at]!;
    const piece = chunk.length > count ? chunk.subarray(0, count) : chunk;
    this.length -= piece.length;
    if (piece.length < chunk.length) {
      this.#chunks[this.#at] = chunk.subarray(piece.length);
      return piece;
    }
    this.#at += 1;
    if (this.#at === SENT_CHUNKS) {
      this.#chunks = this.#chunks.slice(this.#at);
      this.#at = 0;
    }
    return piece;
  }
}

const SHORT = 4096; // bytes
const MAX_BLOCK = 65_536; // bytes
const SENT_CHUNKS = 1024; // let go of that many at a time: shifting a long array at each chunk would be quadratic
