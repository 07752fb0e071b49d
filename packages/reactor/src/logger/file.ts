/** Observers that write text files (twisted.logger). */
import { EventEmitter } from "node:events";
import { isThenable } from "../guard.js";
import { CallableObserver, type LogEvent } from "./event.js";
import { formatEventAsClassicLogText, formatTime, timeFormatRFC3339 } from "./text.js";

/** Where an observer writes: a stream of Node, or anything alike. */
export interface LogFile {
  write(text: string): unknown;
  flush?(): unknown;
}

const guarded = new WeakSet<EventEmitter>();

/**
 * A stream whose disk is full or whose reader has gone costs lines of the log, not the process. It cannot be logged where
 * nothing can be: the process warns, once for each stream.
 */
function guard(file: LogFile): void {
  if (!(file instanceof EventEmitter) || guarded.has(file)) return;
  guarded.add(file);
  let warned = false;
  file.on("error", (error: Error) => {
    if (!warned) process.emitWarning(`lines of the log are lost: ${error.message}`, "LogWarning");
    warned = true;
  });
}

/** Writes what `formatEvent` makes of each event; events it makes nothing of are skipped. */
export class FileLogObserver extends CallableObserver {
  readonly #file: LogFile;
  readonly formatEvent: (event: LogEvent) => string | null;

  constructor(file: LogFile, formatEvent: (event: LogEvent) => string | null) {
    super();
    this.#file = file;
    this.formatEvent = formatEvent;
  }

  /** Returns what the file promises, for whoever tells others of it. */
  observe(event: LogEvent): unknown {
    const text = this.formatEvent(event);
    if (text === null || text === "") return undefined;
    guard(this.#file);
    const promises = [this.#file.write(text), this.#file.flush?.()].filter(isThenable);
    return promises.length === 0 ? undefined : Promise.all(promises);
  }
}

/** Writes one line an event, with its time in `timeFormat`; null leaves the time out ("-"). */
export function textFileLogObserver(
  file: LogFile,
  { timeFormat = timeFormatRFC3339 }: { timeFormat?: string | null } = {},
): FileLogObserver {
  return new FileLogObserver(file, (event) =>
    formatEventAsClassicLogText(event, { formatTime: (when) => formatTime(when, { timeFormat }) }),
  );
}
