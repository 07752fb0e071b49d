/** Log events as text for people (twisted.logger). */
import { escapeLines, escapeText } from "./escape.js";
import type { LogEvent } from "./event.js";
import { formatEvent } from "./format.js";

/** RFC 3339, with the offset as +hhmm. */
export const timeFormatRFC3339 = "%Y-%m-%dT%H:%M:%S%z";

export interface FormatTimeOptions {
  /** With strftime's %Y %m %d %H %M %S %f %z %%; null gives `default`. */
  readonly timeFormat?: string | null;
  /** What stands for no time; "-". */
  readonly default?: string;
}

export type TimeFormatter = (when: number | null | undefined) => string;

/** Seconds since 1970 as local time. */
export function formatTime(
  when: number | null | undefined,
  { timeFormat = timeFormatRFC3339, default: noTime = "-" }: FormatTimeOptions = {},
): string {
  if (when === null || when === undefined || timeFormat === null) return noTime;
  const date = new Date(when * 1000);
  if (Number.isNaN(date.getTime())) return noTime;
  return timeFormat.replace(/%[YmdHMSfz%]/g, (directive) => TIME_PARTS.get(directive)!(date));
}

export interface TextOptions {
  readonly includeTraceback?: boolean;
  readonly includeTimestamp?: boolean;
  readonly includeSystem?: boolean;
  readonly formatTime?: TimeFormatter;
}

/** `time [system] message`, and on the next lines the traceback of a failure. "" when there is neither message nor failure. */
export function eventAsText(
  event: LogEvent,
  {
    includeTraceback = true,
    includeTimestamp = true,
    includeSystem = true,
    formatTime: timeText = formatTime,
  }: TextOptions = {},
): string {
  const message = formatEvent(event);
  const traceback = includeTraceback ? tracebackOf(event) : "";
  if (message === "" && traceback === "") return "";
  const heading = [
    ...(includeTimestamp ? [timeText(event.log_time)] : []),
    ...(includeSystem ? [`[${escapeText(systemOf(event))}]`] : []),
    ...(message === "" ? [] : [message]),
  ].join(" ");
  return [heading, traceback].filter((part) => part !== "").join("\n");
}

/** One record of a log file: lines after the first start with a tab. Null when there is nothing to say. */
export function formatEventAsClassicLogText(
  event: LogEvent,
  options: Pick<TextOptions, "formatTime"> = {},
): string | null {
  const text = eventAsText(event, options);
  return text === "" ? null : `${text.replaceAll("\n", "\n\t")}\n`;
}

/** Who logged it, as a line of a log says; not escaped. */
export function systemOf(event: LogEvent): string {
  return event.log_system ?? `${event.log_namespace ?? "-"}#${event.log_level?.name ?? "-"}`;
}

function tracebackOf(event: LogEvent): string {
  if (event.log_failure === undefined) return "";
  try {
    return escapeLines(event.log_failure.getTraceback().trimEnd());
  } catch {
    return "(the traceback of this failure cannot be shown)";
  }
}

const two = (part: number): string => String(part).padStart(2, "0");

const TIME_PARTS: ReadonlyMap<string, (date: Date) => string> = new Map([
  ["%Y", (date: Date) => String(date.getFullYear())],
  ["%m", (date: Date) => two(date.getMonth() + 1)],
  ["%d", (date: Date) => two(date.getDate())],
  ["%H", (date: Date) => two(date.getHours())],
  ["%M", (date: Date) => two(date.getMinutes())],
  ["%S", (date: Date) => two(date.getSeconds())],
  ["%f", (date: Date) => `${String(date.getMilliseconds()).padStart(3, "0")}000`],
  ["%z", (date: Date) => offsetText(-date.getTimezoneOffset())],
  ["%%", () => "%"],
]);

function offsetText(minutes: number): string {
  const distance = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.trunc(distance / 60))}${two(distance % 60)}`;
}
