/** Results that are at hand or come later. What is at hand is passed on at once, in the same call. */
import { Deferred } from "@strombus/reactor/defer";
import { Failure } from "@strombus/reactor/failure";
import { Logger } from "@strombus/reactor/logger";

const log = new Logger({ namespace: "strombus.conch.channel" });

/** Whether this is a Promise, a Deferred or anything else with a `then`. */
export function isLater(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

/** Calls `done` or `failed` with what `run` returns or throws, now or when it comes. */
export function settle<T>(
  run: () => T | PromiseLike<T>,
  done: (value: T) => void,
  failed: (error: unknown) => void,
): void {
  let result: T | PromiseLike<T>;
  try {
    result = run();
  } catch (error) {
    failed(error);
    return;
  }
  if (result instanceof Deferred) {
    result.addCallbacks(done, (failure) => failed(failure.value)).addErrback(logFailure);
  } else if (isLater(result)) {
    void result.then(done, failed).then(undefined, (error: unknown) => logFailure(new Failure(error)));
  } else {
    done(result);
  }
}

/** What `next` makes of a result, now or when it comes. */
export function after<T, U>(result: T | PromiseLike<T>, next: (value: T) => U): U | PromiseLike<U> {
  if (result instanceof Deferred) return (result as Deferred<T>).addCallback(next);
  return isLater(result) ? result.then(next) : next(result);
}

/** Whether `run` comes to its end without a failure, now or later; `done` or `failed` is called before that is known. */
export function succeeds(
  run: () => unknown,
  done: () => void,
  failed: (error: unknown) => void,
): boolean | Deferred<boolean> {
  const outcome = new Deferred<boolean>();
  settle(
    () => after(run(), done),
    () => outcome.callback(true),
    (error) => {
      failed(error);
      outcome.callback(false);
    },
  );
  return outcome.called ? (outcome.result as boolean) : outcome;
}

/** What was to be done about a result went wrong, and nobody is left to be told. */
function logFailure(failure: Failure): void {
  log.failure("a result could not be dealt with", failure);
}
