/** What stream transports need of their reactor. */
import type { Failure } from "../failure.js";
import type { Deferred } from "../defer.js";
import type { IReactorTime } from "../interfaces.js";
import type { IRoster } from "../roster.js";

/** A port or connection that the reactor closes when it stops. */
export interface OpenTransport {
  /** Ends it now, for this reason, as far as it has not ended. */
  connectionLost(reason: Failure): void;
}

/** Calls once, so many seconds from now: not a delayed call, and no reason for the process to stay. @returns what cancels it */
export type Timer = (seconds: number, call: () => void) => () => void;

/** Node's time. */
export const nodeTimer: Timer = (seconds, call) => {
  const timeout = setTimeout(call, seconds * 1000).unref();
  return () => clearTimeout(timeout);
};

export interface TransportHost extends IReactorTime {
  /** Everything open: each enters when it opens and leaves when it ends. */
  readonly openTransports: IRoster<OpenTransport>;
  /** Whether names are to be looked up by `resolve`, not by Node. */
  readonly resolvesNames?: boolean;
  resolve?(name: string): Deferred<string>;
  /** For what transports see to by themselves; without one, Node's time. */
  readonly timer?: Timer;
}
