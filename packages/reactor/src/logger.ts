/** Structured logging: events with a level, a namespace and fields, and observers for them (twisted.logger). */
export {
  type BeginLoggingOptions,
  LogBeginner,
  type LogBeginnerOptions,
  globalLogBeginner,
} from "./logger/beginner.js";
export { capturedLogs } from "./logger/captured.js";
export { escapeText } from "./logger/escape.js";
export type { LogEvent, LogFields, LogObserver } from "./logger/event.js";
export { FileLogObserver, type LogFile, textFileLogObserver } from "./logger/file.js";
export {
  FilteringLogObserver,
  type LogFilterPredicate,
  LogLevelFilterPredicate,
  PredicateResult,
} from "./logger/filter.js";
export { extractField, formatEvent } from "./logger/format.js";
export { LimitedHistoryLogObserver } from "./logger/history.js";
export { LoggingFile } from "./logger/io.js";
export { eventAsJSON, eventFromJSON } from "./logger/json.js";
export {
  type EventSource,
  type EventsFromFileOptions,
  eventsFromJSONLogFile,
  jsonFileLogObserver,
} from "./logger/json-file.js";
export { InvalidLogLevelError, LogLevel, LogLevelConstant, type LogLevelName } from "./logger/levels.js";
export { type FailureFields, Logger, type LoggerOptions, type Operation } from "./logger/logger.js";
export { LogPublisher, globalLogPublisher } from "./logger/publisher.js";
export {
  type FormatTimeOptions,
  type TextOptions,
  type TimeFormatter,
  eventAsText,
  formatEventAsClassicLogText,
  formatTime,
  timeFormatRFC3339,
} from "./logger/text.js";
