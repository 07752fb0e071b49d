/** Work that takes its time beside the event loop: so much at once, so much waiting, and no more (R9). */
import { availableParallelism } from "node:os";
import { UnauthorizedLogin } from "./error.js";

export interface WorkQueueOptions {
  /** How much is done at a time. */
  readonly concurrency: number;
  /** How much may wait; default 1,024. */
  readonly maxWaiting?: number;
}

export class WorkQueue {
  readonly #concurrency: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor({ concurrency, maxWaiting = 1024 }: WorkQueueOptions) {
    this.#concurrency = concurrency;
    this.#maxWaiting = maxWaiting;
  }

  /** Does the work when its turn has come. @throws UnauthorizedLogin, and never begins, when too much is waiting. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#concurrency) this.#running++;
    else if (this.#waiting.length >= this.#maxWaiting) throw new UnauthorizedLogin("too many logins are being checked");
    else await new Promise<void>((turn) => this.#waiting.push(turn)); // from one who is done, in whose place it runs
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}

/**
 * For what hashes passwords. One processor stays free for the event loop, and one of the four threads that Node has for
 * this by default for files and host names.
 */
export const hashing = new WorkQueue({ concurrency: Math.min(Math.max(availableParallelism() - 1, 1), 3) });
