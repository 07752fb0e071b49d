/**
 * Fairness between connections that have not logged in (rule R9): of a thousand clients that come at once each is served
 * in turn, and no turn of the event loop is longer than a few key exchanges.
 */
import { reactor } from "@strombus/reactor";

const SHARE = 8; // milliseconds of a turn that go to connections without a login

export class Turns {
  readonly #now: () => number;
  readonly #atEndOfTurn: (end: () => void) => unknown;
  readonly #waiting: (() => void)[] = [];
  #spent = 0;
  #scheduled = false;

  /** @param now in milliseconds */
  constructor(
    now: () => number = () => reactor.seconds() * 1000,
    atEndOfTurn: (end: () => void) => unknown = setImmediate,
  ) {
    this.#now = now;
    this.#atEndOfTurn = atEndOfTurn;
  }

  /** Does at once what cannot wait, which counts all the same. */
  count(work: () => void): void {
    this.#spend(work);
    this.#schedule();
  }

  /** Does the work at once, or in a later turn, behind what waits already. @returns whether it is done */
  take(work: () => void): boolean {
    const now = this.#spent < SHARE && this.#waiting.length === 0;
    if (now) this.#spend(work);
    else this.#waiting.push(work);
    this.#schedule();
    return now;
  }

  #spend(work: () => void): void {
    const began = this.#now();
    try {
      work();
    } finally {
      this.#spent += this.#now() - began;
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#atEndOfTurn(() => this.#end());
  }

  /** The end of a turn: what is left of its share goes to those that wait. */
  #end(): void {
    this.#scheduled = false;
    try {
      while (this.#spent < SHARE && this.#waiting.length > 0) this.#spend(this.#waiting.shift()!);
    } finally {
      this.#spent = 0;
      if (this.#waiting.length > 0) this.#schedule();
    }
  }
}

/** Of all servers of this process. */
export const turns = new Turns();
