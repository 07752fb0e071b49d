/** Runs a generator that yields what it waits for. */
import { AsyncLocalStorage } from "node:async_hooks";
import { Failure } from "../failure.js";
import type { Deferred } from "./deferred.js";

/**
 * Runs a generator to its first wait at once, and fires `end` with what it returns or throws. What it yields is a
 * Deferred, Promise or generator to wait for, whose value is sent back or whose error is thrown in, or a plain value,
 * which is sent back. Each part runs in the asynchronous context (AsyncLocalStorage) of the one before.
 */
export class Coroutine<T> {
  readonly #generator: Generator<unknown, T>;
  readonly #end: Deferred<T>;
  readonly #asDeferred: (value: unknown) => Deferred | null;
  #awaited: Deferred | null = null;
  #inContext: ReturnType<typeof AsyncLocalStorage.snapshot> | null = null;
  #arrived: { outcome: unknown } | null = null;

  /** `asDeferred` tells what is to be waited for; null for a plain value. */
  constructor(generator: Generator<unknown, T>, end: Deferred<T>, asDeferred: (value: unknown) => Deferred | null) {
    this.#generator = generator;
    this.#end = end;
    this.#asDeferred = asDeferred;
  }

  /** What the generator waits for now. */
  get awaited(): Deferred | null {
    return this.#awaited;
  }

  /** Sends a value, or throws the error of a Failure, into the generator, until it waits or ends. */
  proceed(outcome: unknown): void {
    let sent = outcome;
    try {
      for (;;) {
        const turn = sent instanceof Failure ? sent.throwExceptionIntoGenerator(this.#generator) : this.#send(sent);
        if (turn.done) {
          this.#end.callback(turn.value);
          return;
        }
        sent = turn.value;
        const awaited = this.#asDeferred(sent);
        if (awaited === null) continue;
        awaited.addBoth(this.#arrive);
        const arrived = this.#takeArrived();
        if (arrived === null) {
          this.#awaited = awaited;
          this.#inContext = AsyncLocalStorage.snapshot();
          return;
        }
        sent = arrived.outcome;
      }
    } catch (error) {
      this.#end.errback(error);
    }
  }

  #send(value: unknown): IteratorResult<unknown, T> {
    return this.#generator.next(value);
  }

  // One function for all waits. While the generator still runs, the outcome was at hand, and the loop takes it up.
  readonly #arrive = (outcome: unknown): null => {
    const inContext = this.#inContext;
    this.#awaited = this.#inContext = null;
    if (inContext === null) this.#arrived = { outcome };
    else inContext(() => this.proceed(outcome));
    return null;
  };

  #takeArrived(): { outcome: unknown } | null {
    const arrived = this.#arrived;
    this.#arrived = null;
    return arrived;
  }
}
