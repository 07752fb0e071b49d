/** Log events, and those who observe them. */
import type { Failure } from "../failure.js";
import type { LogLevelConstant } from "./levels.js";

/** What was logged: fields of any name, and these, which `Logger.emit` sets. */
export interface LogEvent {
  log_logger?: unknown;
  log_level?: LogLevelConstant;
  log_namespace?: string;
  log_source?: unknown;
  /** Text with fields in braces; null for an event without text. */
  log_format?: string | null;
  /** Seconds since 1970. */
  log_time?: number;
  log_failure?: Failure;
  log_system?: string;
  /** Receives a pair at each hop: who passed the event on, and to whom. */
  log_trace?: (readonly [sender: unknown, observer: LogObserver])[];
  /** Present in an event that came back from JSON: what the fields of the format were. */
  log_flattened?: Readonly<Record<string, unknown>>;
  [field: string]: unknown;
}

/** Fields that the caller gives; those of the reserved names above do not win. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Gets each event as it happens. */
export type LogObserver = (event: LogEvent) => void;

interface Observing {
  observe(event: LogEvent): unknown;
}

/** Base of observers and predicates that are classes: an instance is a function, which calls its own method `observe`. */
class CallableInstance {
  constructor() {
    const instance = (event: LogEvent): unknown => (instance as unknown as Observing).observe(event);
    return Object.setPrototypeOf(instance, new.target.prototype) as CallableInstance;
  }
}
Object.setPrototypeOf(CallableInstance.prototype, Function.prototype);

/** The base class for instances that are called like `F`. */
export function callable<F extends (event: LogEvent) => unknown>(): abstract new () => F {
  return CallableInstance as unknown as abstract new () => F;
}

export const CallableObserver: abstract new () => LogObserver = callable<LogObserver>();

/** Passes `event` on; if it is traced, that is noted. */
export function passOn(sender: unknown, observer: LogObserver, event: LogEvent): unknown {
  event.log_trace?.push([sender, observer]);
  return observer(event);
}
