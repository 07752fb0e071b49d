/** Clock: time that stands still until it is told to move, for tests (twisted.internet.task). */
import { AlreadyCalled, AlreadyCancelled } from "../error.js";
import { AssertionError } from "../exceptions.js";
import type { IDelayedCall, IReactorTime } from "../interfaces.js";

/** An IReactorTime that is moved by hand. Calls due at the same time run in the order in which they became due then. */
export class Clock implements IReactorTime {
  /** Seconds. */
  rightNow = 0;
  /** What is pending, the next one first. */
  readonly calls: ClockCall[] = [];

  seconds(): number {
    return this.rightNow;
  }

  /** @throws AssertionError for a negative delay. */
  callLater<A extends unknown[]>(delay: number, callable: (...args: A) => unknown, ...args: A): IDelayedCall {
    if (!(delay >= 0)) throw new AssertionError(`a delay of ${delay} seconds is not in the future`);
    const call = new ClockCall(this, this.rightNow + delay, () => callable(...args));
    schedule(this.calls, call);
    return call;
  }

  getDelayedCalls(): IDelayedCall[] {
    return [...this.calls];
  }

  /**
   * Moves time on by `amount` seconds, then runs all that is due, also what these calls schedule for now. An exception
   * in one leaves `advance`; what else is due runs at the next one.
   */
  advance(amount: number): void {
    this.rightNow += amount;
    for (let next = this.calls[0]; next !== undefined && next.getTime() <= this.rightNow; next = this.calls[0]) {
      this.calls.shift();
      next.run();
    }
  }

  /** Advances by each of `amounts` in turn. */
  pump(amounts: Iterable<number>): void {
    for (const amount of amounts) this.advance(amount);
  }
}

/** A call on a Clock. */
export class ClockCall implements IDelayedCall {
  readonly #clock: Clock;
  readonly #call: () => unknown;
  #time: number;
  #state: "pending" | "called" | "cancelled" = "pending";

  constructor(clock: Clock, time: number, call: () => unknown) {
    this.#clock = clock;
    this.#time = time;
    this.#call = call;
  }

  getTime(): number {
    return this.#time;
  }

  active(): boolean {
    return this.#state === "pending";
  }

  cancel(): void {
    this.#unschedule();
    this.#state = "cancelled";
  }

  reset(secondsFromNow: number): void {
    this.#moveTo(this.#clock.rightNow + secondsFromNow);
  }

  delay(secondsLater: number): void {
    this.#moveTo(this.#time + secondsLater);
  }

  /** For the Clock, which has taken it off its list. */
  run(): void {
    this.#state = "called";
    this.#call();
  }

  toString(): string {
    return `DelayedCall(${this.#state}, due at ${this.#time.toFixed(3)})`;
  }

  #moveTo(time: number): void {
    this.#unschedule();
    this.#time = time;
    schedule(this.#clock.calls, this);
  }

  #unschedule(): void {
    if (this.#state === "called") throw new AlreadyCalled();
    if (this.#state === "cancelled") throw new AlreadyCancelled();
    this.#clock.calls.splice(this.#clock.calls.indexOf(this), 1);
  }
}

/** Behind all that are due at the same time or before. */
function schedule(calls: ClockCall[], call: ClockCall): void {
  const behind = calls.findLastIndex((other) => other.getTime() <= call.getTime());
  calls.splice(behind + 1, 0, call);
}
