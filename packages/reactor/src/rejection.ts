/** What application code may do although its type speaks of no promise. */
import { Failure } from "./failure.js";
import type { Logger } from "./logger.js";

/** A method that is `async` may reject: that is logged, as what it throws would be (rule R2). */
export function logRejection(log: Logger, result: unknown): void {
  if (typeof (result as Partial<PromiseLike<unknown>> | null | undefined)?.then !== "function") return;
  (result as PromiseLike<unknown>).then(undefined, (error: unknown) =>
    log.failure("what the application promised failed", new Failure(error)),
  );
}
