/**
 * Ends of connections, many at once: a turn of the event loop tells of as many as fit into a few milliseconds, and the next
 * turns of the others, in their order. So the end of thousands, as when a proxy in front goes, holds up nobody else.
 */
import { milliseconds } from "../monotonic.js";

const SLICE = 5; // milliseconds of each turn

export class Endings {
  readonly #milliseconds: () => number;
  readonly #inNextTurn: (call: () => void) => unknown;
  #spent = 0; // of this turn
  #resumes = false;
  readonly #waiting: (() => void)[] = [];

  constructor(milliseconds: () => number, inNextTurn: (call: () => void) => unknown) {
    this.#milliseconds = milliseconds;
    this.#inNextTurn = inNextTurn;
  }

  /** Runs now, or where this turn has had its share, in a later one. */
  add(ending: () => void): void {
    if (this.#waiting.length > 0 || this.#spent >= SLICE) this.#waiting.push(ending);
    else this.#run(ending);
    this.#resume();
  }

  #resume(): void {
    if (this.#resumes) return;
    this.#resumes = true;
    this.#inNextTurn(() => this.#turn());
  }

  #turn(): void {
    this.#spent = 0;
    this.#resumes = false;
    let done = 0;
    try {
      while (done < this.#waiting.length && this.#spent < SLICE) this.#run(this.#waiting[done++]!);
    } finally {
      this.#waiting.splice(0, done);
      if (this.#waiting.length > 0) this.#resume();
    }
  }

  #run(ending: () => void): void {
    const from = this.#milliseconds();
    ending();
    this.#spent += this.#milliseconds() - from;
  }
}

/** Of all connections of this process. */
export const endings = new Endings(milliseconds, setImmediate);
