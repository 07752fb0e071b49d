/** Calls in the future on Node's timers. */
import { AlreadyCalled, AlreadyCancelled } from "./error.js";
import type { IDelayedCall } from "./interfaces.js";

const LONGEST_MS = 2 ** 31 - 1; // a longer Node timer would fire at once; longer waits go in slices

/** What a delayed call needs of its reactor. */
export interface TimerHost {
  seconds(): number;
  /** False when a pending call must not keep the process alive. */
  readonly holdsProcess: boolean;
  /** Called with each call that is no longer pending, before its function runs. */
  forget(call: DelayedCall): void;
  /** Runs a function; what it throws is logged. */
  runLogged(what: string, callable: () => unknown): void;
}

/** One pending call. Moving it later costs nothing until the timer fires; then the timer is set again. */
export class DelayedCall implements IDelayedCall {
  readonly #host: TimerHost;
  readonly #callable: (...args: never[]) => unknown;
  readonly #args: readonly unknown[];
  #due: number; // seconds
  #state: "pending" | "called" | "cancelled" = "pending";
  #timer: NodeJS.Timeout | NodeJS.Immediate | null = null;
  #timerDue = 0; // seconds; when the timer fires, at the latest

  constructor(host: TimerHost, delay: number, callable: (...args: never[]) => unknown, args: readonly unknown[]) {
    this.#host = host;
    this.#callable = callable;
    this.#args = args;
    this.#due = host.seconds() + delay;
    this.#arm(delay);
  }

  getTime(): number {
    return this.#due;
  }

  active(): boolean {
    return this.#state === "pending";
  }

  cancel(): void {
    this.#checkPending();
    this.#state = "cancelled";
    this.#disarm();
    this.#host.forget(this);
  }

  reset(secondsFromNow: number): void {
    this.#checkPending();
    this.#move(this.#host.seconds() + secondsFromNow);
  }

  delay(secondsLater: number): void {
    this.#checkPending();
    this.#move(this.#due + secondsLater);
  }

  /** From here on this call does not keep the process alive. */
  unref(): void {
    this.#timer?.unref();
  }

  toString(): string {
    return `DelayedCall(${this.#state}, due at ${this.#due.toFixed(3)})`;
  }

  #move(due: number): void {
    this.#due = due;
    if (due >= this.#timerDue) return;
    this.#disarm();
    this.#arm(due - this.#host.seconds());
  }

  /** No delay at all means the next turn of the loop: a chain of such calls never keeps sockets waiting. */
  #arm(delay: number): void {
    this.#timerDue = this.#due;
    this.#timer =
      delay > 0
        ? setTimeout(DelayedCall.#fired, Math.min(Math.ceil(delay * 1000), LONGEST_MS), this)
        : setImmediate(DelayedCall.#fired, this);
    if (!this.#host.holdsProcess) this.#timer.unref();
  }

  #disarm(): void {
    // Each of the two takes the other's kind for nothing.
    clearTimeout(this.#timer as NodeJS.Timeout);
    clearImmediate(this.#timer as NodeJS.Immediate);
  }

  static #fired(this: void, self: DelayedCall): void {
    const early = self.#due - self.#host.seconds(); // moved, sliced, or rounded down by the loop's clock
    if (early > 0) {
      self.#arm(early);
      return;
    }
    self.#state = "called";
    self.#host.forget(self);
    self.#host.runLogged("a delayed call", () => self.#callable(...(self.#args as never[])));
  }

  #checkPending(): void {
    if (this.#state === "called") throw new AlreadyCalled();
    if (this.#state === "cancelled") throw new AlreadyCancelled();
  }
}
