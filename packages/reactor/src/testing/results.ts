/** What has become of a Deferred by now, for tests that do not wait. */
import type { Deferred } from "../defer.js";
import { AssertionError } from "../exceptions.js";
import { type ErrorClass, Failure } from "../failure.js";

const NOTHING = Symbol("no result");

/** The value with which it has fired. @throws AssertionError if it has not, or has failed */
export function successResultOf<T>(deferred: Deferred<T>): T {
  const result = resultOf(deferred);
  if (result === NOTHING) throw new AssertionError(`${String(deferred)} has not fired`);
  if (result instanceof Failure)
    throw new AssertionError(`it failed: ${result.getTraceback()}`, { cause: result.value });
  return result as T;
}

/** The failure with which it has fired, of one of `types` if any are given. @throws AssertionError */
export function failureResultOf(deferred: Deferred, ...types: (ErrorClass | string)[]): Failure {
  const result = resultOf(deferred);
  if (result === NOTHING) throw new AssertionError(`${String(deferred)} has not fired`);
  if (!(result instanceof Failure)) throw new AssertionError(`it succeeded, with ${String(result)}`);
  if (types.length > 0 && result.check(...types) === null) {
    throw new AssertionError(`it failed in another way: ${result.getTraceback()}`, { cause: result.value });
  }
  return result;
}

/** @throws AssertionError if it has fired */
export function assertNoResult(deferred: Deferred): void {
  let fired: unknown = NOTHING;
  // What comes later passes through: this only looks.
  deferred.addBoth((result) => (fired = result));
  if (fired instanceof Failure) deferred.addErrback(() => null);
  if (fired !== NOTHING) throw new AssertionError(`it has fired, with ${String(fired)}`);
}

/** Takes it: the Deferred goes on with null. */
function resultOf(deferred: Deferred): unknown {
  let taken: unknown = NOTHING;
  deferred.addBoth((result) => {
    taken = result;
    return null;
  });
  return taken;
}
