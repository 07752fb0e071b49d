/**
 * Calling what the application wrote (rules R1 and R2): what it throws, and what it promises and rejects, goes to somebody
 * who can tell of it, in the turn that makes the promise. An `async` method is one even where its type speaks of no promise.
 */

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

/** If `result` is a promise, what it rejects with goes to `failed`. */
export function onRejection(result: unknown, failed: (error: unknown) => void): void {
  if (isThenable(result)) result.then(undefined, failed);
}

/** Calls; what is thrown, or what the promise rejects with that is returned, goes to `failed`. */
export function guarded(call: () => unknown, failed: (error: unknown) => void): void {
  try {
    onRejection(call(), failed);
  } catch (error) {
    failed(error);
  }
}
