/** Calling what the application wrote, where its failure ends nothing else: it is logged. */
import { Failure } from "./failure.js";
import { guarded, onRejection } from "./guard.js";
import type { Logger } from "./logger.js";

/** What a promise of the application's rejects with is logged, as what is thrown would be (rule R2). */
export function logRejection(log: Logger, result: unknown): void {
  onRejection(result, (error) => log.failure("what the application promised failed", new Failure(error)));
}

/** Calls; what is thrown, or what the promise rejects with that is returned, is logged as the failure of `what`. */
export function callLogged(log: Logger, what: string, call: () => unknown): void {
  guarded(call, (error) => logFailed(log, what, error));
}

/** The same of what has been thrown already. */
export function logFailed(log: Logger, what: string, error: unknown): void {
  log.failure("{what} failed", error instanceof Failure ? error : new Failure(error), { what });
}

const SPARSE_INTERVAL = 1; // seconds

/** Failures that a peer can cause, or a system without memory, as often as it likes: one a second is logged. */
export class SparseLog {
  readonly #log: Logger;
  readonly #clock: { seconds(): number };
  #last = -Infinity; // seconds

  constructor(log: Logger, clock: { seconds(): number }) {
    this.#log = log;
    this.#clock = clock;
  }

  failure(text: string, error: Error): void {
    const now = this.#clock.seconds();
    if (now - this.#last < SPARSE_INTERVAL) return;
    this.#last = now;
    this.#log.failure(text, new Failure(error));
  }
}

/** What a protocol or factory calls itself; one that cannot even say that does not keep its failure from being logged. */
export function nameOf(log: Logger, context: { logPrefix(): string }): string {
  try {
    return context.logPrefix();
  } catch (error) {
    logFailed(log, "a log prefix", error);
    return "-";
  }
}
