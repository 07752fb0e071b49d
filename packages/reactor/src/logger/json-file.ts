/** Files of log events in JSON text sequences (RFC 7464), or one a line (twisted.logger). */
import { readSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { Failure } from "../failure.js";
import type { LogEvent } from "./event.js";
import { FileLogObserver, type LogFile } from "./file.js";
import { eventAsJSON, eventFromJSON } from "./json.js";
import { LogLevel } from "./levels.js";
import { Logger } from "./logger.js";

const RECORD_SEPARATOR = "\x1e";
const log = new Logger({ namespace: "strombus.logger" });

/** Writes each event as `recordSeparator`, JSON and newline. */
export function jsonFileLogObserver(
  file: LogFile,
  { recordSeparator = RECORD_SEPARATOR }: { recordSeparator?: string } = {},
): FileLogObserver {
  return new FileLogObserver(file, (event) => `${recordSeparator}${eventAsJSON(event)}\n`);
}

/** A file to read from, by descriptor or as an object; nothing is the end. */
export type EventSource = number | { read(size: number): Uint8Array | string };

export interface EventsFromFileOptions {
  /** "\x1e", or "" for one event a line. Default: as the file begins. */
  readonly recordSeparator?: string | null;
  /** How much is read at a time. */
  readonly bufferSize?: number;
}

/** The events of a file. What cannot be read is logged at error and left out. */
export function* eventsFromJSONLogFile(
  source: EventSource,
  { recordSeparator = null, bufferSize = 4096 }: EventsFromFileOptions = {},
): Generator<LogEvent, void> {
  let separator = recordSeparator;
  let text = "";
  for (const chunk of textChunks(source, bufferSize)) {
    text += chunk;
    separator ??= text.startsWith(RECORD_SEPARATOR) ? RECORD_SEPARATOR : "";
    const records = text.split(separator === "" ? "\n" : separator);
    text = records.pop()!;
    for (const record of records) yield* eventOf(record, separator !== "");
  }
  yield* eventOf(text, (separator ?? "") !== "");
}

/** The event of a record, if there is one. A record between separators is whole only if a newline ends it. */
function* eventOf(record: string, endsWithNewline: boolean): Generator<LogEvent, void> {
  if (record.trim() === "") return;
  if (endsWithNewline && !record.endsWith("\n")) {
    log.error("a truncated record of the log file was left out: {record!r}", { record });
    return;
  }
  let event: LogEvent;
  try {
    event = eventFromJSON(record);
  } catch (error) {
    const level = LogLevel.error;
    log.failure("a record of the log file cannot be read: {record!r}", new Failure(error), { record, level });
    return;
  }
  yield event;
}

function* textChunks(source: EventSource, size: number): Generator<string, void> {
  const decoder = new StringDecoder("utf8");
  for (;;) {
    const data = typeof source === "number" ? readDescriptor(source, size) : source.read(size);
    if (data.length === 0) break;
    yield typeof data === "string" ? data : decoder.write(data);
  }
  yield decoder.end();
}

function readDescriptor(descriptor: number, size: number): Uint8Array {
  const buffer = Buffer.alloc(size);
  return buffer.subarray(0, readSync(descriptor, buffer, 0, size, null));
}
