/** What a stream has brought so far, and waiting for what it is expected to bring. */
import { EventEmitter, once } from "node:events";
import type { Readable } from "node:stream";

const PATIENCE = 15; // seconds; far more than anything here takes

export class Transcript {
  #text = "";
  #seen = 0;
  #ended = false;
  readonly #changes = new EventEmitter();

  /** Bytes become the characters of latin1, so that each is kept as it came. */
  constructor(
    readonly name: string,
    stream: Readable,
  ) {
    stream.setEncoding("latin1");
    stream.on("data", (chunk: string) => {
      this.#text += chunk;
      this.#tell();
    });
    stream.on("close", () => {
      this.#ended = true;
      this.#tell();
    });
  }

  /** All of it. */
  get text(): string {
    return this.#text;
  }

  /** All lines that are complete. */
  get lines(): string[] {
    return this.#text.split(/\r?\n/).slice(0, -1);
  }

  /** Waits for `expected` after what was waited for before, and returns what matched. */
  async until(expected: string | RegExp, seconds = PATIENCE): Promise<RegExpExecArray> {
    const pattern = typeof expected === "string" ? new RegExp(escape(expected)) : expected;
    const match = await this.#when(() => pattern.exec(this.#text.slice(this.#seen)), String(pattern), seconds);
    this.#seen += match.index + match[0].length;
    return match;
  }

  /** Waits until `done` holds for the whole text. */
  async whole(done: (text: string) => boolean, what: string, seconds = PATIENCE): Promise<string> {
    await this.#when(() => (done(this.#text) ? this.#text : null), what, seconds);
    return this.#text;
  }

  /** Waits for the end of the stream and returns all of it. */
  async end(seconds = PATIENCE): Promise<string> {
    return this.#when(() => (this.#ended ? this.#text : null), "its end", seconds);
  }

  async #when<T>(find: () => T | null, what: string, seconds: number): Promise<T> {
    const deadline = AbortSignal.timeout(seconds * 1000);
    for (;;) {
      const found = find();
      if (found !== null) return found;
      if (this.#ended || deadline.aborted) {
        const why = this.#ended ? "it ended" : `${seconds} s went by`;
        throw new Error(`${this.name}: ${why} before ${what} came; it held ${JSON.stringify(this.#text.slice(-2000))}`);
      }
      await once(this.#changes, "change", { signal: deadline }).catch(() => {}); // late: told above
    }
  }

  #tell(): void {
    this.#changes.emit("change");
  }
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
