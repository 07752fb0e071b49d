/** LogPublisher: an observer that hands each event to all of its own (twisted.logger). */
import { Failure } from "../failure.js";
import { guarded } from "../guard.js";
import { CallableObserver, type LogEvent, type LogObserver, passOn } from "./event.js";
import { LogLevel } from "./levels.js";

/** Called with an event, it calls its observers in order; one that throws is reported to the others. */
export class LogPublisher extends CallableObserver {
  #observers: readonly LogObserver[] = [];

  constructor(...observers: LogObserver[]) {
    super();
    for (const observer of observers) this.addObserver(observer);
  }

  /** Adds one; again has no effect. @throws TypeError if it cannot be called. */
  addObserver(observer: LogObserver): void {
    if (typeof observer !== "function") throw new TypeError("a log observer is a function");
    // A new list each time: the one that an event is on its way through stays as it is.
    if (!this.#observers.includes(observer)) this.#observers = [...this.#observers, observer];
  }

  removeObserver(observer: LogObserver): void {
    this.#observers = this.#observers.filter((other) => other !== observer);
  }

  observe(event: LogEvent): void {
    const observers = this.#observers;
    for (const observer of observers) {
      guarded(
        () => passOn(this, observer, event),
        (error) => {
          const others = new LogPublisher(...observers.filter((other) => other !== observer));
          others(observerFailed(this, observer, error));
        },
      );
    }
  }
}

/** The event that tells of an observer's failure. */
export function observerFailed(sender: unknown, observer: LogObserver, error: unknown): LogEvent {
  return {
    observer,
    log_logger: null,
    log_level: LogLevel.critical,
    log_namespace: "strombus.logger",
    log_source: sender,
    log_format: "the log observer {observer} threw an exception",
    log_time: Date.now() / 1000,
    log_failure: new Failure(error),
  };
}

/** Where every Logger sends its events unless told otherwise. */
export const globalLogPublisher = new LogPublisher();
