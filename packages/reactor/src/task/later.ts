/** deferLater: a Deferred of a later call (twisted.internet.task). */
import { type CallbackResult, Deferred } from "../defer.js";
import type { IReactorTime } from "../interfaces.js";

type TimeSource = Pick<IReactorTime, "callLater">;

/** Fires after `delay` seconds with what `callable(...args)` comes to, or with null. Cancelling cancels the call. */
export function deferLater(clock: TimeSource, delay: number): Deferred<null>;
export function deferLater<A extends unknown[], T>(
  clock: TimeSource,
  delay: number,
  callable: (...args: A) => CallbackResult<T>,
  ...args: A
): Deferred<T>;
export function deferLater(
  clock: TimeSource,
  delay: number,
  callable: ((...args: unknown[]) => unknown) | null = null,
  ...args: unknown[]
): Deferred {
  const later = new Deferred<null>(() => delayed.cancel());
  const delayed = clock.callLater(delay, () => later.callback(null));
  return callable === null ? later : later.addCallback(() => callable(...args));
}
