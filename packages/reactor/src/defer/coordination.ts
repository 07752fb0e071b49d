/** Locks, semaphores and queues on Deferreds (twisted.internet.defer). */
import { AssertionError, ValueError } from "../exceptions.js";
import type { Failure } from "../failure.js";
import { type CallbackResult, Deferred } from "./deferred.js";
import { QueueOverflow, QueueUnderflow } from "./errors.js";
import { type Outcome, maybeDeferred, succeed } from "./functions.js";

/** What is granted to one after the other, in the order of asking. */
abstract class Turnstile {
  /** Those who wait for their turn. */
  readonly waiting: Deferred<this>[] = [];

  /** Fires with this object when it is granted. Cancelling stops the waiting; what was granted stays so. */
  acquire(): Deferred<this> {
    if (this._take()) return succeed(this);
    const waiter = new Deferred<this>(() => void this.waiting.splice(this.waiting.indexOf(waiter), 1));
    this.waiting.push(waiter);
    return waiter;
  }

  /** Hands over to the first who waits. @throws AssertionError if nothing was acquired. */
  release(): void {
    this._giveBack();
    if (this.waiting.length > 0 && this._take()) this.waiting.shift()!.callback(this);
  }

  /** Acquires, calls, waits for what the call comes to, and releases, also after an error. */
  run<A extends unknown[], R>(callable: (...args: A) => R, ...args: A): Deferred<Outcome<R>> {
    return this.acquire().addCallback(() =>
      maybeDeferred(callable, ...args).addBoth((result): CallbackResult<Outcome<R>> => {
        this.release();
        return result;
      }),
    );
  }

  /** For `await using lock = await deferredLock.acquire()`: releases. */
  [Symbol.asyncDispose](): Promise<void> {
    this.release();
    return Promise.resolve();
  }

  /** Takes one if there is one. */
  protected abstract _take(): boolean;
  protected abstract _giveBack(): void;
}

/** Held by one at a time. */
export class DeferredLock extends Turnstile {
  locked = false;

  protected _take(): boolean {
    if (this.locked) return false;
    this.locked = true;
    return true;
  }

  protected _giveBack(): void {
    if (!this.locked) throw new AssertionError("the lock is not held");
    this.locked = false;
  }
}

/** Held by as many at a time as it has tokens. */
export class DeferredSemaphore extends Turnstile {
  readonly limit: number;
  /** How many are left. */
  tokens: number;

  /** @throws ValueError for fewer than one token. */
  constructor(tokens: number) {
    super();
    if (!(tokens >= 1)) throw new ValueError(`a semaphore of ${tokens} tokens would never be granted`);
    this.limit = this.tokens = tokens;
  }

  protected _take(): boolean {
    if (this.tokens === 0) return false;
    this.tokens--;
    return true;
  }

  protected _giveBack(): void {
    if (this.tokens >= this.limit) throw new AssertionError("the semaphore has all its tokens");
    this.tokens++;
  }
}

/** Null is no limit, which is the default. */
export interface DeferredQueueOptions {
  /** How many objects may be stored. */
  readonly size?: number | null;
  /** How many may wait for one. */
  readonly backlog?: number | null;
}

/** Objects for those who wait, or ones who wait for objects: first in, first out. */
export class DeferredQueue<T> {
  readonly size: number | null;
  readonly backlog: number | null;
  readonly waiting: Deferred<T>[] = [];
  readonly pending: T[] = [];

  constructor({ size = null, backlog = null }: DeferredQueueOptions = {}) {
    this.size = size;
    this.backlog = backlog;
  }

  /** Gives it to the first who waits, or stores it. @throws QueueOverflow */
  put(object: T | Failure): void {
    const waiter = this.waiting.shift();
    if (waiter !== undefined) waiter.callback(object);
    else if (this.pending.length < (this.size ?? Infinity)) this.pending.push(object as T);
    else throw new QueueOverflow(`the queue holds ${this.pending.length} objects already`);
  }

  /** Fires with the next object. A cancelled one is forgotten. @throws QueueUnderflow */
  get(): Deferred<T> {
    if (this.pending.length > 0) return succeed(this.pending.shift() as T);
    if (this.waiting.length >= (this.backlog ?? Infinity)) {
      throw new QueueUnderflow(`${this.waiting.length} are waiting for the queue already`);
    }
    const waiter = new Deferred<T>(() => void this.waiting.splice(this.waiting.indexOf(waiter), 1));
    this.waiting.push(waiter);
    return waiter;
  }
}
