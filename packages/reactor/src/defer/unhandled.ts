/** Failures that nobody handled: reported when their Deferred is collected, or when the reactor stops. */
import type { Failure } from "../failure.js";
import { Logger } from "../logger.js";

/** The failure that a Deferred ends with; `failure` is null while it has none, or one that somebody saw. */
export interface Unhandled {
  failure: Failure | null;
  /** Where the Deferred was made and fired, while debugging; else "". */
  debug: string;
  /** The collector, or the end of this turn, tells of its Deferred. */
  watched: boolean;
}

const log = new Logger({ namespace: "strombus.defer" });
const known = new Set<Unhandled>();
const collected = new FinalizationRegistry<Unhandled>(report);

/** Those of this turn. Most failures are handled in it, and the collector keeps what it is to tell of for longer. */
let fresh: { readonly owner: object; readonly unhandled: Unhandled }[] = [];

/** Says what `unhandled` holds now: the one way to write its `failure`. `owner` must not be reachable from it. */
export function setUnhandled(owner: object, unhandled: Unhandled, failure: Failure | null): void {
  unhandled.failure = failure;
  if (failure === null) known.delete(unhandled);
  else if (unhandled.watched) known.add(unhandled);
  else watch(owner, unhandled);
}

/** Reports each unhandled failure that is known now, without waiting for the collector: the reactor's last act. */
export function reportUnhandledErrors(): void {
  settle();
  for (const unhandled of known) report(unhandled);
}

function watch(owner: object, unhandled: Unhandled): void {
  unhandled.watched = true;
  if (fresh.length === 0) queueMicrotask(settle);
  fresh.push({ owner, unhandled });
}

/** The turn is over: what is unhandled still is left to the collector. */
function settle(): void {
  const turn = fresh;
  fresh = [];
  for (const { owner, unhandled } of turn) {
    unhandled.watched = unhandled.failure !== null;
    if (!unhandled.watched) continue;
    known.add(unhandled);
    collected.register(owner, unhandled);
  }
}

function report(unhandled: Unhandled): void {
  const { failure, debug } = unhandled;
  unhandled.failure = null;
  known.delete(unhandled);
  if (failure === null) return;
  log.critical("Unhandled error in Deferred:");
  log.failure(debug.replaceAll("{", "{{").replaceAll("}", "}}"), failure);
}
