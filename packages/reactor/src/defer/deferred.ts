/** Deferred: a result that may come later, and the callbacks that wait for it (twisted.internet.defer). */
import { inspect } from "node:util";
import { Failure } from "../failure.js";
import { isThenable, onRejection } from "../guard.js";
import type { IReactorTime } from "../interfaces.js";
import { Logger } from "../logger.js";
import { Coroutine } from "./coroutine.js";
import { AlreadyCalledError, CancelledError, NotACoroutineError, TimeoutError } from "./errors.js";
import { type Unhandled, setUnhandled } from "./unhandled.js";

/** A value, or a Deferred or Promise of it. */
export type Awaitable<T> = T | PromiseLike<T>;

/** What a callback may return: a Failure, or a Deferred or Promise that fails, takes the errback path. */
export type CallbackResult<T> = T | PromiseLike<T> | Failure;

/** Called by `cancel` once, to stop the work; it may fire the Deferred with an outcome of its own. */
export type Canceller<T> = (deferred: Deferred<T>) => void;

// Each pair has its own types; what fits what is settled where it is added.
type Step = (result: never, ...args: never[]) => unknown;

/** A pair of callbacks in line. */
export interface CallbackPair {
  readonly callback: Step | null;
  readonly callbackArgs: readonly unknown[];
  readonly errback: Step | null;
  readonly errbackArgs: readonly unknown[];
}

/** What stands in line: a pair, an outer Deferred that takes the result away, or one who just looks at it. */
interface Entry extends CallbackPair {
  readonly outer: Deferred | null;
  readonly look: ((result: unknown) => void) | null;
  next: Entry | null;
}

const log = new Logger({ namespace: "strombus.defer" });
const NO_ARGS: readonly never[] = [];
let debugging = false;

/** While on, Deferreds remember where they were made and fired, for AlreadyCalledError and unhandled errors. */
export function setDebugging(on: boolean): void {
  debugging = on;
}

/** What `setDebugging` has set. */
export function getDebugging(): boolean {
  return debugging;
}

let made: ((deferred: Deferred) => void) | null = null;

/** For tests: `watcher` is told of each Deferred that is made, until another, or null, takes its place. */
export function watchDeferreds(watcher: ((deferred: Deferred) => void) | null): void {
  made = watcher;
}

/**
 * A result that may come later. Callbacks run in order and synchronously: inside `callback` and `errback`, or at once
 * when they are added to a Deferred that has fired. Each gets what the one before it returned.
 */
export class Deferred<T = unknown> implements PromiseLike<T> {
  /** Fired, or cancelled. */
  called = false;
  /** How many `pause` calls wait for their `unpause`. */
  paused = 0;
  /** Absent until fired; then the value, Failure, or the Deferred or Promise waited for. Null once moved elsewhere. */
  result: unknown = undefined;

  #head: Entry | null = null;
  #tail: Entry | null = null;
  #running = false;
  #waiting: PromiseLike<unknown> | null = null;
  #canceller: Canceller<never> | null;
  #swallowOne = false;
  #seen: Failure | null = null; // a failure that `then` handed on
  #unhandled: Unhandled | null = null;
  #stacks: { created: string; fired: string } | null = null;

  constructor(canceller: Canceller<T> | null = null) {
    this.#canceller = canceller;
    if (debugging) this.#stacks = { created: stackHere(), fired: "" };
    made?.(this);
  }

  /** @see setDebugging */
  static get debug(): boolean {
    return debugging;
  }
  static set debug(on: boolean) {
    debugging = on;
  }

  /** A Deferred of what the Promise settles to. Cancelling aborts `controller`, if one is given, and fails at once. */
  static fromFuture<T>(promise: PromiseLike<T>, controller: AbortController | null = null): Deferred<T> {
    const deferred = new Deferred<T>(controller === null ? null : () => controller.abort());
    promise.then(
      (value) => {
        if (!deferred.called) deferred.callback(value);
      },
      (error: unknown) => {
        if (!deferred.called) deferred.errback(error);
      },
    );
    return deferred;
  }

  /** Another name for `fromFuture`. */
  static fromPromise<T>(promise: PromiseLike<T>, controller: AbortController | null = null): Deferred<T> {
    return Deferred.fromFuture(promise, controller);
  }

  /** Fails with the reason of the signal when that is aborted: for `race`, or to be told. Cancelling lets the signal go. */
  static fromSignal(signal: AbortSignal): Deferred<never> {
    const deferred = new Deferred<never>(() => signal.removeEventListener("abort", abort));
    const abort = (): void => deferred.errback(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    return deferred;
  }

  /** Runs a generator, which yields what it waits for, or takes a Promise. @throws NotACoroutineError */
  static fromCoroutine<T>(coroutine: Generator<unknown, T, never> | PromiseLike<T>): Deferred<T> {
    if (isGenerator(coroutine)) return new CoroutineDeferred<T>(coroutine as Generator<unknown, T>);
    if (isThenable(coroutine)) return Deferred.fromFuture(coroutine);
    throw new NotACoroutineError(`neither a generator nor a Promise: ${inspect(coroutine, { depth: 0 })}`);
  }

  /** The pairs still in line. */
  get callbacks(): readonly CallbackPair[] {
    const pairs: CallbackPair[] = [];
    for (let entry = this.#head; entry !== null; entry = entry.next) pairs.push(entry);
    return pairs;
  }

  /** Fires with a value; a Failure takes the errback path. @throws AlreadyCalledError; TypeError for a Deferred or Promise */
  callback(result: T | Failure): void {
    if (isThenable(result)) throw new TypeError("callback takes a value; chain Deferreds and Promises instead");
    this.#fire(result);
  }

  /** Fires with a Failure, or an error to wrap in one. @throws AlreadyCalledError; NoCurrentExceptionError without argument */
  errback(...error: [error?: unknown]): void {
    this.#fire(error[0] instanceof Failure ? error[0] : new Failure(...error));
  }

  /** Adds a pair; a half that is null hands on the value or Failure. */
  addCallbacks<U = T, V = never>(
    callback: ((result: T, ...args: never[]) => CallbackResult<U>) | null,
    errback: ((failure: Failure, ...args: never[]) => CallbackResult<V>) | null = null,
    { callbackArgs = NO_ARGS, errbackArgs = NO_ARGS }: AddCallbacksOptions = {},
  ): Deferred<U | Exclude<V, Failure>> {
    this.#add(callback, callbackArgs, errback, errbackArgs);
    return this as unknown as Deferred<U | Exclude<V, Failure>>;
  }

  /** Adds a callback for the value, which is called with `args` after it. */
  addCallback<U, A extends unknown[]>(callback: (result: T, ...args: A) => CallbackResult<U>, ...args: A): Deferred<U> {
    this.#add(callback as unknown as Step, args, null, NO_ARGS);
    return this as unknown as Deferred<U>;
  }

  /** Adds a callback for a Failure: what it returns is the value from there on, unless that is a Failure. */
  addErrback<A extends unknown[], U = never>(
    errback: (failure: Failure, ...args: A) => CallbackResult<U>,
    ...args: A
  ): this {
    this.#add(null, NO_ARGS, errback as unknown as Step, args);
    return this;
  }

  /** Adds a callback for both. */
  addBoth<U, A extends unknown[]>(
    callback: (result: T | Failure, ...args: A) => CallbackResult<U>,
    ...args: A
  ): Deferred<U> {
    const step = callback as unknown as Step;
    this.#add(step, args, step, args);
    return this as unknown as Deferred<U>;
  }

  /** Fires `deferred` with the outcome of this one, which goes on with null. */
  chainDeferred<U>(this: Deferred<U>, deferred: Deferred<U>): Deferred<null> {
    return this.addCallbacks(
      (value) => (deferred.callback(value), null),
      (failure) => (deferred.errback(failure), null),
    );
  }

  /** Holds the callbacks back until `unpause` was called as often. */
  pause(): void {
    this.paused++;
  }

  unpause(): void {
    if (this.paused > 0 && --this.paused === 0 && this.called) this.#run();
  }

  /** Stops the work, as far as it can be stopped: not fired, it fails with CancelledError unless the canceller says otherwise. */
  cancel(): void {
    const waiting = this.#waiting;
    if (!this.called) {
      const canceller = this.#canceller;
      this.#canceller = null;
      if (canceller === null) this.#swallowOne = true;
      try {
        onRejection(canceller?.(this as unknown as Deferred<never>), cancellerFailed);
      } finally {
        // The canceller may have fired it; if it failed, who waits is told all the same.
        if (!(this.called as boolean)) this.#fire(new Failure(new CancelledError("the Deferred was cancelled")));
      }
    } else if (waiting instanceof Deferred) {
      let innermost: Deferred = waiting;
      while (innermost.#waiting instanceof Deferred) innermost = innermost.#waiting;
      innermost.cancel();
    } else if (waiting !== null) {
      this.#arrive(
        waiting,
        new Failure(new CancelledError("the Deferred was cancelled while it waited for a Promise")),
      );
    }
  }

  /**
   * Cancels after `timeout` seconds on `clock`, unless the callbacks added until now have a result by then.
   * `onTimeoutCancel` turns what came of the cancelling into the result: by default CancelledError into TimeoutError.
   */
  addTimeout<U = T>(
    timeout: number,
    clock: Pick<IReactorTime, "callLater">,
    { onTimeoutCancel = null }: AddTimeoutOptions<T, U> = {},
  ): Deferred<T | U> {
    let timedOut = false;
    const delayed = clock.callLater(timeout, () => {
      timedOut = true;
      this.cancel();
    });
    return this.addBoth((value): CallbackResult<T | U> => {
      if (delayed.active()) delayed.cancel();
      if (!timedOut) return value;
      return onTimeoutCancel === null ? cancelledToTimedOut(value, timeout) : onTimeoutCancel(value, timeout);
    });
  }

  /** Cancels when the signal is aborted, unless the callbacks added until now have a result by then. */
  addSignal(signal: AbortSignal): this {
    const abort = (): void => this.cancel();
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    return this.addBoth((value: T | Failure) => {
      signal.removeEventListener("abort", abort);
      return value;
    }) as unknown as this;
  }

  /** A Promise of the outcome, which is taken: this Deferred goes on with null. */
  asFuture(): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.addCallbacks(
        (value) => (resolve(value), null),
        (failure) => (reject(failure.value), null),
      );
    });
  }

  /** Another name for `asFuture`. */
  asPromise(): Promise<T> {
    return this.asFuture();
  }

  /** For `await`: the outcome is looked at, not taken, and a failure counts as handled. Rejects with the Failure's value. */
  then<A = T, B = never>(
    onFulfilled?: ((value: T) => Awaitable<A>) | null,
    onRejected?: ((error: unknown) => Awaitable<B>) | null,
  ): Promise<A | B> {
    const outcome = new Promise<T>((resolve, reject) => {
      this.#enter(
        newEntry(null, (result) => {
          if (result instanceof Failure) reject(result.value);
          else resolve(result as T);
        }),
      );
    });
    return outcome.then(onFulfilled, onRejected);
  }

  toString(): string {
    const state =
      this.#waiting !== null ? ` waiting for ${shown(this.#waiting)}` : this.called ? ` ${shown(this.result)}` : "";
    return `<${this.constructor.name}${state}>`;
  }

  [inspect.custom](): string {
    return this.toString();
  }

  #fire(result: unknown): void {
    if (this.called) {
      if (!this.#swallowOne) throw new AlreadyCalledError(`the Deferred was fired before${this.#history()}`);
      this.#swallowOne = false;
      return;
    }
    this.called = true;
    this.#canceller = null;
    this.result = result;
    if (this.#stacks !== null) this.#stacks.fired = stackHere();
    this.#run();
  }

  #add(
    callback: Step | null,
    callbackArgs: readonly unknown[],
    errback: Step | null,
    errbackArgs: readonly unknown[],
  ): void {
    if (this.#idle() && this.#head === null) {
      // Fired, and nothing is in line: no need to stand in it.
      if (this.result instanceof Failure) this.#step(errback, errbackArgs);
      else this.#step(callback, callbackArgs);
      this.#run();
    } else {
      this.#enter({ callback, callbackArgs, errback, errbackArgs, outer: null, look: null, next: null });
    }
  }

  #enter(entry: Entry): void {
    if (this.#tail === null) this.#head = entry;
    else this.#tail.next = entry;
    this.#tail = entry;
    if (this.called) this.#run();
  }

  /** Has a result of its own that callbacks may have now. */
  #idle(): boolean {
    return this.called && this.paused === 0 && this.#waiting === null && !this.#running;
  }

  /** Runs what can run here and in the Deferreds that wait for this one: in a loop, so that no chain is too deep. */
  #run(): void {
    let current = this as unknown as Deferred;
    let later: Deferred[] | null = null; // gave their result away, and have callbacks left
    for (;;) {
      const outer = current.#drain();
      if (outer !== null) {
        if (current.#head !== null) (later ??= []).push(current);
        else current.#note();
        current = outer;
      } else {
        const left = later?.pop();
        if (left === undefined) return;
        current = left;
      }
    }
  }

  /** Runs callbacks until none is left, or one makes it wait, or the result goes to an outer Deferred, which it returns. */
  #drain(): Deferred | null {
    while (this.#idle()) {
      const entry = this.#head;
      if (entry === null) {
        this.#note();
        return null;
      }
      this.#head = entry.next;
      if (entry.next === null) this.#tail = null;

      const { outer, look } = entry;
      if (outer !== null) {
        outer.#waiting = null;
        outer.result = this.result;
        this.result = null;
        return outer;
      }
      if (look !== null) {
        if (this.result instanceof Failure) this.#seen = this.result;
        look(this.result);
      } else if (this.result instanceof Failure) this.#step(entry.errback, entry.errbackArgs);
      else this.#step(entry.callback, entry.callbackArgs);
    }
    if (!(this.result instanceof Failure)) this.#note(); // it waits: what failed before has been handled
    return null;
  }

  /** Calls one half of a pair and takes what comes of it as the new result. */
  #step(half: Step | null, args: readonly unknown[]): void {
    if (half === null) return;
    const call = half as (result: unknown, ...args: readonly unknown[]) => unknown;
    this.#running = true;
    try {
      const result = args.length === 0 ? call(this.result) : call(this.result, ...args);
      this.result = result;
      if (isThenable(result)) this.#waitFor(result);
    } catch (error) {
      this.#waiting = null;
      this.result = new Failure(error);
    }
    this.#running = false;
  }

  #waitFor(inner: PromiseLike<unknown>): void {
    if (!(inner instanceof Deferred)) {
      this.#waiting = inner;
      inner.then(
        (value) => this.#arrive(inner, value),
        (error: unknown) => this.#arrive(inner, new Failure(error)),
      );
    } else if ((inner as unknown) === this) {
      throw new TypeError("a callback returned the Deferred that it belongs to");
    } else if (inner.#idle() && inner.#head === null) {
      this.result = inner.result;
      inner.result = null;
      inner.#note();
    } else {
      this.#waiting = inner;
      inner.#enter(newEntry(this, null));
    }
  }

  /** The Promise has settled, unless that is no longer of interest. */
  #arrive(promise: PromiseLike<unknown>, result: unknown): void {
    if (this.#waiting !== promise) return;
    this.#waiting = null;
    this.result = result;
    this.#run();
  }

  /** Keeps account of a failure that nobody has handled. */
  #note(): void {
    if (this.result instanceof Failure && this.result !== this.#seen) {
      this.#unhandled ??= { failure: null, debug: "", watched: false };
      this.#unhandled.debug = this.#history();
      setUnhandled(this, this.#unhandled, this.result);
    } else if (this.#unhandled !== null && this.#unhandled.failure !== null) {
      setUnhandled(this, this.#unhandled, null);
    }
  }

  #history(): string {
    return this.#stacks === null ? "" : `\ncreated:\n${this.#stacks.created}\nfired:\n${this.#stacks.fired}`;
  }
}

export interface AddCallbacksOptions {
  readonly callbackArgs?: readonly unknown[];
  readonly errbackArgs?: readonly unknown[];
}

export interface AddTimeoutOptions<T, U> {
  readonly onTimeoutCancel?: ((value: T | Failure, timeout: number) => CallbackResult<U>) | null;
}

/** What a generator comes to. */
class CoroutineDeferred<T> extends Deferred<T> {
  readonly #coroutine: Coroutine<T>;

  constructor(generator: Generator<unknown, T>) {
    super();
    this.#coroutine = new Coroutine(generator, this, asDeferred);
    this.#coroutine.proceed(undefined);
  }

  /** Cancels what the generator waits for. What it then does decides: it may even wait for something else. */
  override cancel(): void {
    if (this.called) super.cancel();
    else this.#coroutine.awaited?.cancel();
  }
}

/** The Deferred of something to wait for; null for a plain value. */
export function asDeferred(value: unknown): Deferred | null {
  if (value instanceof Deferred) return value;
  if (typeof value !== "object" || value === null) return null;
  return isGenerator(value) || isThenable(value) ? Deferred.fromCoroutine(value) : null;
}

function isGenerator(value: object): value is Generator<unknown, unknown, never> {
  return Object.prototype.toString.call(value) === "[object Generator]";
}

function cancelledToTimedOut<T>(value: T | Failure, timeout: number): T | Failure {
  if (!(value instanceof Failure) || value.check(CancelledError) === null) return value;
  return new Failure(new TimeoutError(timeout, "Deferred"));
}

function newEntry(outer: Deferred | null, look: ((result: unknown) => void) | null): Entry {
  return { callback: null, callbackArgs: NO_ARGS, errback: null, errbackArgs: NO_ARGS, outer, look, next: null };
}

function cancellerFailed(error: unknown): void {
  log.failure("a canceller failed", new Failure(error));
}

function stackHere(): string {
  return new Error().stack?.split("\n").slice(3).join("\n") ?? "";
}

function shown(result: unknown): string {
  return result instanceof Failure ? result.toString() : inspect(result, { depth: 0 });
}
