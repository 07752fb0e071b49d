/**
 * Everything that opens closes: what a test has opened and left open makes it fail.
 *
 * ```ts
 * beforeEach(() => captureOpen());
 * afterEach(() => assertAllClosed());
 * ```
 */
import { watchDeferreds, type Deferred } from "../defer/deferred.js";
import { AssertionError } from "../exceptions.js";
import { reactor } from "../reactor.js";

/** Not opened by anybody: work of Node's own that ends by itself. */
const PASSING: ReadonlySet<string> = new Set(["Immediate", "TickObject", "FSReqCallback", "FSReqPromise", "CloseReq"]);

let before = new Map<string, number>();
let deferreds: Set<WeakRef<Deferred>> | null = null;

export interface CaptureOptions {
  /** Also fail for Deferreds that somebody waits for and that never fire. Default false. */
  pendingDeferreds?: boolean;
}

export interface ClosedOptions {
  /** How long to wait, in seconds, for what is closing: a socket takes a few turns to be gone. Default 2. */
  patience?: number;
}

const TURNS = 20; // of the event loop in which a socket is gone, before it is looked for now and then
const LOOK_INTERVAL = 5; // milliseconds

/** Remembers what is open now: a test runner's `beforeEach`. */
export function captureOpen({ pendingDeferreds = false }: CaptureOptions = {}): void {
  before = counts();
  deferreds = pendingDeferreds ? new Set() : null;
  const made = deferreds;
  watchDeferreds(made === null ? null : (deferred) => made.add(new WeakRef(deferred)));
}

/**
 * Waits a little for what is closing. What does not keep the process alive is not counted.
 * @throws AssertionError for handles, timers, delayed calls and Deferreds that were not there before: `afterEach`
 */
export async function assertAllClosed({ patience = 2 }: ClosedOptions = {}): Promise<void> {
  watchDeferreds(null);
  const until = performance.now() + patience * 1000;
  let left = leftOpen();
  for (let turns = 0; left.length > 0 && performance.now() < until; turns++) {
    await new Promise((resolve) => (turns < TURNS ? setImmediate(resolve) : setTimeout(resolve, LOOK_INTERVAL)));
    left = leftOpen();
  }
  deferreds = null;
  if (left.length > 0) throw new AssertionError(`left open: ${left.join(", ")}`);
}

function leftOpen(): string[] {
  const left: string[] = [];
  for (const [kind, count] of counts()) {
    const more = count - (before.get(kind) ?? 0);
    if (more > 0) left.push(`${more} ${kind}`);
  }
  for (const reference of deferreds ?? []) {
    const deferred = reference.deref();
    if (deferred?.called === false && deferred.callbacks.length > 0) left.push(String(deferred));
  }
  return left;
}

function counts(): Map<string, number> {
  const open = new Map<string, number>([["delayed call of the reactor", reactor.getDelayedCalls().length]]);
  for (const kind of process.getActiveResourcesInfo()) {
    if (!PASSING.has(kind)) open.set(kind, (open.get(kind) ?? 0) + 1);
  }
  return open;
}
