/** What application code may do although its type speaks of no promise. */
import { isThenable } from "./defer/deferred.js";
import { Failure } from "./failure.js";
import type { Logger } from "./logger.js";

/** A method that is `async` may reject: that is logged, as what it throws would be (rule R2). */
export function logRejection(log: Logger, result: unknown): void {
  if (!isThenable(result)) return;
  result.then(undefined, (error: unknown) => log.failure("what the application promised failed", new Failure(error)));
}
