/** capturedLogs: what a piece of code logged, for tests (twisted.logger). */
import type { LogEvent } from "./event.js";
import { globalLogPublisher } from "./publisher.js";

/** Runs `body` and returns the events published globally meanwhile. */
export function capturedLogs(body: () => void): LogEvent[] {
  const events: LogEvent[] = [];
  const observer = (event: LogEvent): void => void events.push(event);
  globalLogPublisher.addObserver(observer);
  try {
    body();
  } finally {
    globalLogPublisher.removeObserver(observer);
  }
  return events;
}
