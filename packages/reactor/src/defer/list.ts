/** Several Deferreds as one: all of them, the first success, the first failure. */
import { Failure } from "../failure.js";
import { Logger } from "../logger.js";
import { type Awaitable, Deferred, asDeferred } from "./deferred.js";
import { FailureGroup, FirstError } from "./errors.js";
import { succeed } from "./functions.js";

const log = new Logger({ namespace: "strombus.defer" });

export const SUCCESS = true;
export const FAILURE = false;

/** One member's outcome. */
export type ListResult<T> =
  readonly [success: typeof SUCCESS, result: T] | readonly [success: typeof FAILURE, failure: Failure];

/** All default to false. */
export interface DeferredListOptions {
  /** Fire with `[result, index]` at the first success. */
  readonly fireOnOneCallback?: boolean;
  /** Fail with FirstError at the first failure. */
  readonly fireOnOneErrback?: boolean;
  /** Members that failed go on with null, so that their failure counts as handled. */
  readonly consumeErrors?: boolean;
}

/**
 * Fires when all members have: with their `[success, result or Failure]` in list order. Members keep their values.
 * An empty list fires at once, but never with `fireOnOneCallback`.
 */
export class DeferredList<T, O extends DeferredListOptions = DeferredListOptions> extends Deferred<
  O["fireOnOneCallback"] extends true ? readonly [result: T, index: number] : ListResult<T>[]
> {
  readonly fireOnOneCallback: boolean;
  readonly fireOnOneErrback: boolean;
  readonly consumeErrors: boolean;
  readonly resultList: ListResult<T>[];
  finishedCount = 0;
  readonly #members: readonly Deferred<T>[];

  constructor(members: Iterable<Awaitable<T>>, options?: O) {
    super();
    this.#members = Array.from(members, deferredOf<T>);
    this.resultList = new Array<ListResult<T>>(this.#members.length);
    this.fireOnOneCallback = options?.fireOnOneCallback ?? false;
    this.fireOnOneErrback = options?.fireOnOneErrback ?? false;
    this.consumeErrors = options?.consumeErrors ?? false;
    if (this.#members.length === 0 && !this.fireOnOneCallback) this.#finish([]);
    for (const [index, member] of this.#members.entries()) {
      member.addCallbacks(
        (value) => this.#arrived(index, [SUCCESS, value], value),
        (failure) => this.#arrived(index, [FAILURE, failure], this.consumeErrors ? null : failure),
      );
    }
  }

  /** Cancels every member, unless this list has fired. */
  override cancel(): void {
    if (this.called) super.cancel();
    else cancelAll(this.#members);
  }

  #arrived<R>(index: number, outcome: ListResult<T>, goOnWith: R): R {
    this.resultList[index] = outcome;
    this.finishedCount++;
    if (!this.called) {
      const [success, result] = outcome;
      if (success && this.fireOnOneCallback) this.#finish([result, index]);
      else if (!success && this.fireOnOneErrback) this.errback(new FirstError(result, index));
      else if (this.finishedCount === this.#members.length) this.#finish(this.resultList);
    }
    return goOnWith;
  }

  #finish(result: readonly [T, number] | ListResult<T>[]): void {
    (this as Deferred).callback(result);
  }
}

/** The results in list order, or FirstError at the first failure. Cancelling cancels all. */
export function gatherResults<T>(
  members: Iterable<Awaitable<T>>,
  { consumeErrors = false }: Pick<DeferredListOptions, "consumeErrors"> = {},
): Deferred<T[]> {
  const list = new DeferredList(members, { fireOnOneErrback: true, consumeErrors } as const);
  return list.addCallback((results) => results.map(([, result]) => result as T));
}

/**
 * `[index, result]` of the first success; the others are cancelled. Fails with FailureGroup when all have failed.
 * Cancelling cancels all. An empty list never fires.
 */
export function race<T>(members: Iterable<Awaitable<T>>): Deferred<readonly [index: number, result: T]> {
  const all = Array.from(members, deferredOf<T>);
  const failures = new Array<Failure>(all.length);
  let failed = 0;
  let won = false;
  const winner = new Deferred<readonly [index: number, result: T]>(() => cancelAll(all));
  for (const [index, member] of all.entries()) {
    member.addCallbacks(
      (result) => {
        if (won) return;
        won = true;
        cancelAll(all.filter((other) => other !== member));
        winner.callback([index, result]);
      },
      (failure) => {
        failures[index] = failure;
        if (++failed === all.length) winner.errback(new FailureGroup(failures));
      },
    );
  }
  return winner;
}

function deferredOf<T>(value: Awaitable<T>): Deferred<T> {
  return (asDeferred(value) as Deferred<T> | null) ?? succeed(value as T);
}

/** An error of one canceller must not keep the others from being called. */
function cancelAll(members: readonly Deferred[]): void {
  for (const member of members) {
    try {
      member.cancel();
    } catch (error) {
      log.failure("a member could not be cancelled", new Failure(error));
    }
  }
}
