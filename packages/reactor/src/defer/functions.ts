/** Functions that make Deferreds out of calls and values. */
import { Failure } from "../failure.js";
import { logRejection } from "../logged-calls.js";
import { Logger } from "../logger.js";
import { type Awaitable, type CallbackResult, Deferred, asDeferred } from "./deferred.js";
import { NotACoroutineError } from "./errors.js";

const log = new Logger({ namespace: "strombus.defer" });

/** What a call gives in the end: the value of a Deferred, Promise or generator, or the value itself. */
export type Outcome<R> =
  R extends Generator<unknown, infer T, never> ? T : R extends PromiseLike<infer T> ? T : Exclude<R, Failure>;

/** A Deferred that has fired with `value`. */
export function succeed<T>(value: T): Deferred<T> {
  const deferred = new Deferred<T>();
  deferred.callback(value);
  return deferred;
}

/** A Deferred that has failed. */
export function fail(...error: [error?: unknown]): Deferred<never> {
  const deferred = new Deferred<never>();
  deferred.errback(...error);
  return deferred;
}

/** Calls, and gives the result, or what was thrown, as a Deferred that has fired. */
export function execute<A extends unknown[], R>(callable: (...args: A) => R, ...args: A): Deferred<R> {
  try {
    const result = callable(...args);
    logRejection(log, result); // a promise is no result that a Deferred can fire with
    return succeed(result);
  } catch (error) {
    return fail(error);
  }
}

/** Calls, and gives what comes of it as a Deferred: the one returned, or one for the Promise, generator, value or throw. */
export function maybeDeferred<A extends unknown[], R>(callable: (...args: A) => R, ...args: A): Deferred<Outcome<R>> {
  try {
    return deferredOf(callable(...args));
  } catch (error) {
    return fail(error);
  }
}

/** A Deferred as it is; a generator or Promise as a Deferred. @throws NotACoroutineError */
export function ensureDeferred<T>(coroutine: Generator<unknown, T, never> | PromiseLike<T>): Deferred<T> {
  return coroutine instanceof Deferred ? (coroutine as Deferred<T>) : Deferred.fromCoroutine(coroutine);
}

/**
 * Calls `onValue` or `onError` with what `value` comes to: at once for a plain value or a Deferred that has fired, which
 * costs nothing for the former; else later.
 */
export function whenResult<T>(
  value: CallbackResult<T>,
  onValue: (value: T) => void,
  onError: (failure: Failure) => void,
): void {
  const deferred = asDeferred(value) as Deferred<T> | null;
  if (deferred !== null) deferred.addCallbacks(onValue, onError);
  else if (value instanceof Failure) logRejection(log, onError(value));
  else logRejection(log, onValue(value as T));
}

/** Makes a function that runs the generator of `generatorFunction` as a coroutine, and returns a Deferred of its end. */
export function inlineCallbacks<This, A extends unknown[], T, N>(
  generatorFunction: (this: This, ...args: A) => Generator<unknown, T, N>,
): (this: This, ...args: A) => Deferred<T> {
  return function (this: This, ...args: A): Deferred<T> {
    const generator: unknown = generatorFunction.apply(this, args);
    try {
      return Deferred.fromCoroutine(generator as Generator<unknown, T, never>);
    } catch (error) {
      if (!(error instanceof NotACoroutineError)) throw error;
      throw new TypeError("inlineCallbacks takes a function that returns a generator", { cause: error });
    }
  };
}

/** Logs the failure at critical and hands it on: an errback. */
export function logError(failure: Failure): Failure {
  log.failure("", failure);
  return failure;
}

/** Hands its argument on. */
export function passthru<T>(value: T): T {
  return value;
}

function deferredOf<R>(result: R): Deferred<Outcome<R>> {
  const deferred = asDeferred(result) ?? (result instanceof Failure ? fail(result) : succeed(result as Awaitable<R>));
  return deferred as Deferred<Outcome<R>>;
}
