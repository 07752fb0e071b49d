/** What a reactor does: time, life cycle, and all that can be opened. */
import { type InterfaceToken, interfaceToken } from "../components.js";
import type { Deferred } from "../defer.js";
import { IReactorPluggableNameResolver } from "./names.js";
import { IReactorProcess } from "./processes.js";
import { IReactorMulticast, IReactorSocket, IReactorSSL, IReactorTCP, IReactorUDP, IReactorUNIX } from "./sockets.js";
import type { SystemEventTriggerID, TriggerPhase } from "./values.js";

/** A call in the future. */
export interface IDelayedCall {
  /** When it is due, in the seconds of the clock that made it, delays added. */
  getTime(): number;
  /** @throws AlreadyCalled if it ran or is running, AlreadyCancelled if it was cancelled. */
  cancel(): void;
  /** Moves it to that many seconds from now. @throws AlreadyCalled, AlreadyCancelled */
  reset(secondsFromNow: number): void;
  /** Moves it by that many seconds; negative is sooner. @throws AlreadyCalled, AlreadyCancelled */
  delay(secondsLater: number): void;
  /** Neither called nor cancelled. */
  active(): boolean;
  /** In any state. */
  toString(): string;
}
export const IDelayedCall: InterfaceToken<IDelayedCall> = interfaceToken<IDelayedCall>(
  "IDelayedCall",
  [],
  ["getTime", "cancel", "reset", "delay", "active"],
);

/** Time, in seconds. */
export interface IReactorTime {
  /** Never goes back; the reactor's starts from the system's clock (seconds since 1970). */
  seconds(): number;
  /** Calls once, that many seconds from now. @throws AssertionError if the delay is negative. */
  callLater<A extends unknown[]>(delay: number, callable: (...args: A) => unknown, ...args: A): IDelayedCall;
  /** All that are pending, in any order. */
  getDelayedCalls(): IDelayedCall[];
}
export const IReactorTime: InterfaceToken<IReactorTime> = interfaceToken<IReactorTime>(
  "IReactorTime",
  [],
  ["seconds", "callLater", "getDelayedCalls"],
);

export interface RunOptions {
  /** Stop on SIGTERM, and on SIGINT if nobody else listens for it. Default true. */
  installSignalHandlers?: boolean;
}

/** The life of the reactor: start, events, stop. */
export interface IReactorCore {
  /** From the during phase of "startup" to the during phase of "shutdown". */
  readonly running: boolean;
  /** The IPv4 address of a name, within `timeout` seconds in all (default 60). Fails with DNSLookupError. */
  resolve(name: string, options?: { timeout?: readonly number[] }): Deferred<string>;
  /**
   * Fires "startup", keeps the process alive, and settles after the last "shutdown" trigger. Sockets and timers work
   * without it: Node's loop is already turning.
   * @throws ReactorAlreadyRunning, ReactorNotRestartable
   */
  run(options?: RunOptions): Promise<void>;
  /** Fires "shutdown" on the next turn. @throws ReactorNotRunning */
  stop(): void;
  /** Ends `run` with no triggers; connections stay, and the reactor may be run again. @throws ReactorNotRunning */
  crash(): void;
  /** @throws NotImplementedError: Node's loop cannot be turned by hand. */
  iterate(options?: { delay?: number }): never;
  fireSystemEvent(eventType: string): void;
  /** @throws KeyError for another phase, AssertionError if it cannot be called. */
  addSystemEventTrigger<A extends unknown[]>(
    phase: TriggerPhase,
    eventType: string,
    callable: (...args: A) => unknown,
    ...args: A
  ): SystemEventTriggerID;
  /** @throws TypeError, ValueError or KeyError for what is not, or no longer, a trigger. */
  removeSystemEventTrigger(triggerID: SystemEventTriggerID): void;
  /** Running: calls now and returns null. Else calls after "startup". */
  callWhenRunning<A extends unknown[]>(callable: (...args: A) => unknown, ...args: A): SystemEventTriggerID | null;
}
export const IReactorCore: InterfaceToken<IReactorCore> = interfaceToken<IReactorCore>(
  "IReactorCore",
  [],
  [
    "resolve",
    "run",
    "stop",
    "crash",
    "iterate",
    "fireSystemEvent",
    "addSystemEventTrigger",
    "removeSystemEventTrigger",
    "callWhenRunning",
  ],
);

/** Calls from anywhere, on a later turn of the loop, in order. */
export interface IReactorFromThreads {
  /** @throws AssertionError if it cannot be called. */
  callFromThread<A extends unknown[]>(callable: (...args: A) => unknown, ...args: A): void;
}
export const IReactorFromThreads: InterfaceToken<IReactorFromThreads> = interfaceToken<IReactorFromThreads>(
  "IReactorFromThreads",
  [],
  ["callFromThread"],
);

/** Calls beside the event loop: as far as Node can, see "threads". */
export interface IReactorInThreads {
  callInThread<A extends unknown[]>(callable: (...args: A) => unknown, ...args: A): void;
}
export const IReactorInThreads: InterfaceToken<IReactorInThreads> = interfaceToken<IReactorInThreads>(
  "IReactorInThreads",
  [],
  ["callInThread"],
);

/** Both, and how many threads there are. */
export interface IReactorThreads extends IReactorFromThreads, IReactorInThreads {
  suggestThreadPoolSize(size: number): void;
}
export const IReactorThreads: InterfaceToken<IReactorThreads> = interfaceToken<IReactorThreads>(
  "IReactorThreads",
  [IReactorFromThreads, IReactorInThreads],
  ["suggestThreadPoolSize"],
);

/** To be told that the process goes into the background: no process of Node's does, so these do nothing. */
export interface IReactorDaemonize {
  beforeDaemonize(): void;
  afterDaemonize(): void;
}
export const IReactorDaemonize: InterfaceToken<IReactorDaemonize> = interfaceToken<IReactorDaemonize>(
  "IReactorDaemonize",
  [],
  ["beforeDaemonize", "afterDaemonize"],
);

/** All that the reactor of this package does. */
export interface IReactor
  extends
    IReactorCore,
    IReactorTime,
    IReactorFromThreads,
    IReactorTCP,
    IReactorProcess,
    IReactorSSL,
    IReactorUNIX,
    IReactorSocket,
    IReactorUDP,
    IReactorMulticast,
    IReactorInThreads,
    IReactorPluggableNameResolver {}
export const IReactor: InterfaceToken<IReactor> = interfaceToken<IReactor>("IReactor", [
  IReactorCore,
  IReactorTime,
  IReactorFromThreads,
  IReactorTCP,
  IReactorProcess,
  IReactorSSL,
  IReactorUNIX,
  IReactorSocket,
  IReactorUDP,
  IReactorMulticast,
  IReactorInThreads,
  IReactorPluggableNameResolver,
]);
