/** What a Deferred has come to, for tests: it must have fired, since nothing here may wait. */
import type { Deferred } from "@strombus/reactor/defer";
import { Failure } from "@strombus/reactor/failure";

/** The value; a failure is thrown. */
export function resultOf<T>(deferred: Deferred<T>): T {
  const outcome = outcomeOf(deferred);
  if (outcome instanceof Failure) throw outcome.value;
  return outcome;
}

/** The error that it failed with. */
export function errorOf(deferred: Deferred): unknown {
  const outcome = outcomeOf(deferred);
  if (!(outcome instanceof Failure)) throw new Error(`no failure, but ${String(outcome)}`);
  return outcome.value;
}

function outcomeOf<T>(deferred: Deferred<T>): T | Failure {
  const outcomes: (T | Failure)[] = [];
  deferred.addBoth((outcome) => void outcomes.push(outcome));
  if (outcomes.length === 0) throw new Error("the Deferred has not fired");
  return outcomes[0]!;
}
