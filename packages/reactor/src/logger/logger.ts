/** Logger: turns calls into events (twisted.logger). */
import { Failure } from "../failure.js";
import { onRejection } from "../guard.js";
import { type LogEvent, type LogFields, type LogObserver, passOn } from "./event.js";
import { InvalidLogLevelError, LogLevel, LogLevelConstant } from "./levels.js";
import { globalLogPublisher, observerFailed } from "./publisher.js";

/** How a piece of work went that `failuresHandled` ran. */
export interface Operation {
  readonly succeeded: boolean;
  readonly failed: boolean;
  readonly failure: Failure | null;
}

/** Fields of the event, and its level: critical by default. */
export interface FailureFields extends LogFields {
  readonly level?: LogLevelConstant;
}

export interface LoggerOptions {
  /** Who logs, in dotted form; default `<unknown>`. */
  readonly namespace?: string;
  /** The object that logs. */
  readonly source?: unknown;
  /** Default the global publisher. */
  readonly observer?: LogObserver;
}

/**
 * Logs for one namespace. A format is fixed text with fields in braces, `log.info("{peer} said {text}", { peer, text })`:
 * what came from a peer goes into a field, where it is escaped, and never into the format.
 */
export class Logger {
  readonly namespace: string;
  readonly source: unknown;
  readonly observer: LogObserver;

  constructor({ namespace = "<unknown>", source = null, observer = globalLogPublisher }: LoggerOptions = {}) {
    this.namespace = namespace;
    this.source = source;
    this.observer = observer;
  }

  /** A Logger for a class, or one of its instances: named `<module>.<Class>`, with `owner` as its source. */
  static for(module: string, owner: object, observer: LogObserver = globalLogPublisher): Logger {
    const { name } = typeof owner === "function" ? owner : owner.constructor;
    return new Logger({ namespace: `${module}.${name}`, source: owner, observer });
  }

  /** Something that is no level is logged as a critical failure instead. */
  emit(level: LogLevelConstant, format: string | null = null, fields: LogFields = {}): void {
    if (!(level instanceof LogLevelConstant)) {
      const failure = new Failure(new InvalidLogLevelError(level));
      this.failure("an event was logged at a level that does not exist: {invalidLevel!r}", failure, {
        invalidLevel: level,
      });
      return;
    }
    const own = {
      log_logger: this,
      log_level: level,
      log_namespace: this.namespace,
      log_source: this.source,
      log_format: format,
      log_time: Date.now() / 1000,
    };
    const event: LogEvent = Object.assign(withPlaces(fields), own);
    const { observer } = this;
    onRejection(passOn(this, observer, event), (error) => globalLogPublisher(observerFailed(this, observer, error)));
  }

  debug(format: string | null = null, fields: LogFields = {}): void {
    this.emit(LogLevel.debug, format, fields);
  }

  info(format: string | null = null, fields: LogFields = {}): void {
    this.emit(LogLevel.info, format, fields);
  }

  warn(format: string | null = null, fields: LogFields = {}): void {
    this.emit(LogLevel.warn, format, fields);
  }

  error(format: string | null = null, fields: LogFields = {}): void {
    this.emit(LogLevel.error, format, fields);
  }

  critical(format: string | null = null, fields: LogFields = {}): void {
    this.emit(LogLevel.critical, format, fields);
  }

  /** Logs a Failure, by default at critical. */
  failure(format: string | null, failure: Failure, { level = LogLevel.critical, ...fields }: FailureFields = {}): void {
    this.emit(level, format, { ...fields, log_failure: failure });
  }

  /** Runs `body`; an exception, or the rejection of the Promise it returns, is logged and goes no further. */
  failuresHandled(
    format: string | null,
    body: (operation: Operation) => unknown,
    { level = LogLevel.critical, ...fields }: FailureFields = {},
  ): Operation {
    const operation = { succeeded: false, failed: false, failure: null as Failure | null };
    const succeeded = (): void => {
      operation.succeeded = true;
    };
    const failed = (error: unknown): void => {
      operation.failed = true;
      operation.failure = new Failure(error);
      this.failure(format, operation.failure, { ...fields, level });
    };
    try {
      const result = body(operation) as PromiseLike<unknown> | undefined;
      if (typeof result?.then === "function") result.then(succeeded, failed);
      else succeeded();
    } catch (error) {
      failed(error);
    }
    return operation;
  }

  /** A reusable `failuresHandled`, for a message without fields. */
  failureHandler(
    staticMessage: string,
    { level = LogLevel.critical }: { level?: LogLevelConstant } = {},
  ): (body: () => unknown) => void {
    return (body) => void this.failuresHandled(staticMessage, body, { level });
  }

  toString(): string {
    return `<Logger ${this.namespace}>`;
  }
}

/** A copy of `fields`, before them the places of what a Logger sets: to add behind a spread takes V8 a microsecond a name. */
function withPlaces(fields: LogFields): LogFields {
  return {
    log_logger: null,
    log_level: null,
    log_namespace: null,
    log_source: null,
    log_format: null,
    log_time: null,
    ...fields,
  };
}
