/** LoopingCall: a function called again and again (twisted.internet.task). */
import { Deferred, type Failure, maybeDeferred } from "../defer.js";
import { AssertionError, ValueError } from "../exceptions.js";
import type { IDelayedCall, IReactorTime } from "../interfaces.js";
import { reactor } from "../reactor.js";

/**
 * Calls `f(...a)` every `interval` seconds, on the grid that starts with `start`. What a slow call misses is skipped.
 * If `f` returns a Deferred or Promise, the next call waits for it; an error ends the loop.
 */
export class LoopingCall<A extends unknown[] = unknown[]> {
  /** Where time comes from; set it before `start`. Default the reactor. */
  clock: Pick<IReactorTime, "callLater" | "seconds"> = reactor;
  readonly f: (...args: never[]) => unknown;
  readonly a: readonly unknown[];
  running = false;
  /** Seconds; null before the first `start`. */
  interval: number | null = null;

  #startTime = 0;
  #lastCounted: number | null = null; // seconds; when withCount's function was last called
  #firstIndex = 0; // the interval that counts as called before the first call
  #call: IDelayedCall | null = null;
  #deferred: Deferred<this> | null = null;

  constructor(f: (...args: A) => unknown, ...args: A) {
    this.f = f;
    this.a = args;
  }

  /** Calls `f` with the number of intervals that passed since its last call: 1, or more where calls were skipped. */
  static withCount(f: (count: number) => unknown): LoopingCall<[]> {
    const counted = (): unknown => {
      const count = loop.#countIntervals();
      // A timer that fired a little early: these intervals count with the next call.
      return count > 0 ? f(count) : undefined;
    };
    const loop = new LoopingCall<[]>(counted);
    return loop;
  }

  /**
   * Starts, with a call now unless told otherwise; an interval of 0 is every turn of the loop. Fires with this object
   * on `stop`, fails with the error of `f`. @throws AssertionError if it is running, ValueError if negative
   */
  start(interval: number, { now = true }: { now?: boolean } = {}): Deferred<this> {
    if (this.running) throw new AssertionError("the loop is running already");
    if (!(interval >= 0)) throw new ValueError(`an interval of ${interval} seconds`);
    const deferred = (this.#deferred = new Deferred<this>());
    this.running = true;
    this.interval = interval;
    this.#startTime = this.clock.seconds();
    this.#lastCounted = null;
    this.#firstIndex = now ? -1 : 0;
    if (now) this.#tick();
    else this.#schedule();
    return deferred;
  }

  /** Ends the loop: now, or if `f` is at work, when that is done. @throws AssertionError if it is not running */
  stop(): void {
    if (!this.running) throw new AssertionError("the loop is not running");
    this.running = false;
    if (this.#call === null) return;
    this.#call.cancel();
    this.#call = null;
    this.#takeDeferred().callback(this);
  }

  /** The next call is one interval from now; while `f` is at work nothing changes. @throws AssertionError if not running */
  reset(): void {
    if (!this.running) throw new AssertionError("the loop is not running");
    if (this.#call === null) return;
    this.#call.cancel();
    this.#startTime = this.clock.seconds();
    this.#schedule();
  }

  #tick(): void {
    this.#call = null;
    maybeDeferred(this.f as (...args: unknown[]) => unknown, ...this.a).addCallbacks(
      () => {
        if (this.running) this.#schedule();
        else this.#takeDeferred().callback(this);
      },
      (failure: Failure) => {
        this.running = false;
        this.#takeDeferred().errback(failure);
      },
    );
  }

  #schedule(): void {
    this.#call = this.clock.callLater(this.#untilNextTick(), () => this.#tick());
  }

  /** Seconds to the next point of the grid that lies in the future. */
  #untilNextTick(): number {
    const interval = this.interval!;
    if (interval === 0) return 0;
    const now = this.clock.seconds();
    const left = interval - ((now - this.#startTime) % interval);
    // What is too small to change the time is a rounding error on a point of the grid.
    return now + left === now ? interval : left;
  }

  #countIntervals(): number {
    const interval = this.interval!;
    if (interval === 0) return 1;
    const now = this.clock.seconds();
    const last = this.#lastCounted === null ? this.#firstIndex : this.#gridIndex(this.#lastCounted);
    const count = this.#gridIndex(now) - last;
    if (count > 0) this.#lastCounted = now;
    return count;
  }

  #gridIndex(time: number): number {
    return Math.floor((time - this.#startTime) / this.interval!);
  }

  #takeDeferred(): Deferred<this> {
    const deferred = this.#deferred!;
    this.#deferred = null;
    return deferred;
  }
}
