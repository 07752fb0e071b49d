/**
 * Hooks of applications may be asynchronous, also those whose type speaks of no promise: what fails later must not be
 * nobody's, for then it would be the end of the process (rules R1 and R2).
 */
import { Failure } from "@strombus/reactor/failure";
import type { Logger } from "@strombus/reactor/logger";

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

/** Calls `failed` if this is a promise and is rejected. */
export function watch(result: unknown, failed: (error: unknown) => void): void {
  if (isThenable(result)) result.then(undefined, failed);
}

/** Calls the application where its failure, now or later, is nobody's but its own: it is logged. */
export function tell(log: Logger, whom: string, call: () => unknown): void {
  const failed = (error: unknown): void => log.failure("{whom} failed", new Failure(error), { whom });
  try {
    watch(call(), failed);
  } catch (error) {
    failed(error);
  }
}
