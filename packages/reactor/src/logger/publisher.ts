/** LogPublisher: an observer that hands each event to all of its own (twisted.logger). */
import { Failure } from "../failure.js";
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
      const failed = (error: unknown): void => {
        const others = new LogPublisher(...observers.filter((other) => other !== observer));
        others(observerFailed(this, observer, error));
      };
      try {
        const result = passOn(this, observer, event);
        if (result instanceof Promise) result.catch(failed); // an observer may be an async function
      } catch (error) {
        failed(error);
      }
    }
  }
}

function observerFailed(publisher: LogPublisher, observer: LogObserver, error: unknown): LogEvent {
  return {
    observer,
    log_logger: null,
    log_level: LogLevel.critical,
    log_namespace: "strombus.logger",
    log_source: publisher,
    log_format: "the log observer {observer} threw an exception",
    log_time: Date.now() / 1000,
    log_failure: new Failure(error),
  };
}

/** Where every Logger sends its events unless told otherwise. */
export const globalLogPublisher = new LogPublisher();
