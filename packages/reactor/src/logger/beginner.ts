/** What happens to events before an application says where they go, and how it says so (twisted.logger). */
import { Console } from "node:console";
import type { LogEvent, LogObserver } from "./event.js";
import { FileLogObserver, type LogFile } from "./file.js";
import { FilteringLogObserver, PredicateResult } from "./filter.js";
import { LimitedHistoryLogObserver } from "./history.js";
import { LoggingFile } from "./io.js";
import { LogLevel, type LogLevelConstant } from "./levels.js";
import { Logger } from "./logger.js";
import { globalLogPublisher, LogPublisher } from "./publisher.js";
import { eventAsText } from "./text.js";

const HISTORY_SIZE = 200; // events

export interface BeginLoggingOptions {
  /** Forget what was logged before. Default false. */
  readonly discardBuffer?: boolean;
  /** Make `console.log` and its kin log at info, `console.error` and `console.warn` at error. Default true. */
  readonly redirectStandardIO?: boolean;
}

export interface LogBeginnerOptions {
  /** Where critical events go until logging begins; default stderr. */
  readonly errorStream?: LogFile;
  /** Whose `console` is redirected; default the process's. */
  readonly standardIO?: { console: typeof console };
}

/** Until logging begins, keeps the last 200 events of `publisher`, and writes the critical ones to stderr. */
export class LogBeginner {
  readonly #publisher: LogPublisher;
  readonly #log: Logger;
  readonly #standardIO: { console: typeof console };
  readonly #history = new LimitedHistoryLogObserver({ size: HISTORY_SIZE });
  readonly #critical: LogObserver;
  #begun = false;

  constructor(
    publisher: LogPublisher,
    { errorStream = process.stderr, standardIO = globalThis }: LogBeginnerOptions = {},
  ) {
    this.#publisher = publisher;
    this.#standardIO = standardIO;
    this.#log = new Logger({ namespace: "strombus.logger", observer: publisher });
    this.#critical = new FilteringLogObserver(new FileLogObserver(errorStream, asLines), [isCritical]);
    publisher.addObserver(this.#history);
    publisher.addObserver(this.#critical);
  }

  /** Logs to `observers` from now on, beginning with the events kept until now. Again: adds observers, and warns. */
  beginLoggingTo(
    observers: Iterable<LogObserver>,
    { discardBuffer = false, redirectStandardIO = true }: BeginLoggingOptions = {},
  ): void {
    const added = [...observers];
    if (this.#begun) {
      this.#log.warn("logging has begun already; observers were added");
    } else {
      this.#begun = true;
      this.#publisher.removeObserver(this.#history);
      this.#publisher.removeObserver(this.#critical);
      if (!discardBuffer) this.#history.replayTo(new LogPublisher(...added));
      if (redirectStandardIO) this.#redirect();
    }
    for (const observer of added) this.#publisher.addObserver(observer);
  }

  // Python's print goes through sys.stdout, a reference that can be replaced; here that is `console`. process.stdout and
  // process.stderr stay as they are, for the observers.
  #redirect(): void {
    const stdout = this.#redirected("stdout", LogLevel.info);
    const stderr = this.#redirected("stderr", LogLevel.error);
    this.#standardIO.console = new Console({ stdout, stderr, ignoreErrors: false });
  }

  #redirected(namespace: "stdout" | "stderr", level: LogLevelConstant): NodeJS.WritableStream {
    const file = new LoggingFile({ logger: new Logger({ namespace, observer: this.#publisher }), level });
    let publishing = false;
    const write = (text: string): boolean => {
      // An observer that prints would feed on itself: what it prints of a printed line is really printed.
      if (publishing) return process[namespace].write(text);
      publishing = true;
      try {
        return file.write(text);
      } finally {
        publishing = false;
      }
    };
    return { write } as unknown as NodeJS.WritableStream; // all that Console asks of a stream
  }
}

/** Says where the events of the whole process go. */
export const globalLogBeginner = new LogBeginner(globalLogPublisher);

function isCritical(event: LogEvent): PredicateResult {
  return event.log_level === LogLevel.critical ? PredicateResult.yes : PredicateResult.no;
}

function asLines(event: LogEvent): string {
  const text = eventAsText(event, { includeTimestamp: false, includeSystem: false });
  return text === "" ? "" : `${text}\n`;
}
