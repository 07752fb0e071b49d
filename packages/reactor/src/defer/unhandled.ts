/** Failures that nobody handled: reported when their Deferred is collected, or when the reactor stops. */
import type { Failure } from "../failure.js";
import { Logger } from "../logger.js";

/** The failure that a Deferred ends with; `failure` is null while it has none, or one that somebody saw. */
export interface Unhandled {
  failure: Failure | null;
  /** Where the Deferred was made and fired, while debugging; else "". */
  debug: string;
}

const log = new Logger({ namespace: "strombus.defer" });
const known = new Set<Unhandled>();
const collected = new FinalizationRegistry<Unhandled>(report);

/** Watches `owner`, which must not be reachable from `unhandled`. */
export function watch(owner: object, unhandled: Unhandled): void {
  collected.register(owner, unhandled);
}

/** Says what `unhandled` holds now: the one way to write its `failure`. */
export function setUnhandled(unhandled: Unhandled, failure: Failure | null): void {
  unhandled.failure = failure;
  if (failure === null) known.delete(unhandled);
  else known.add(unhandled);
}

/** Reports each unhandled failure that is known now, without waiting for the collector: the reactor's last act. */
export function reportUnhandledErrors(): void {
  for (const unhandled of known) report(unhandled);
}

function report(unhandled: Unhandled): void {
  const { failure, debug } = unhandled;
  setUnhandled(unhandled, null);
  if (failure === null) return;
  log.critical("Unhandled error in Deferred:");
  log.failure(debug.replaceAll("{", "{{").replaceAll("}", "}}"), failure);
}
