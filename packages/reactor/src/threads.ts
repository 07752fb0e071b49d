/**
 * Work beside the event loop (twisted.internet.threads). A function cannot move to another thread in JavaScript: what is
 * given as one runs on a later turn of this thread, and blocks it. What is to run elsewhere is named, as a function that a
 * module exports: `deferToWorker(new URL("./hash.js", import.meta.url), "hash", password)`.
 */
import { Deferred } from "./defer.js";
import { NotImplementedError } from "./exceptions.js";
import { logRejection } from "./logged-calls.js";
import { Logger } from "./logger.js";
import { reactor as theReactor } from "./reactor.js";
import type { ThreadPool } from "./threads/pool.js";

export { ThreadPool } from "./threads/pool.js";

const log = new Logger({ namespace: "strombus.threads" });

type Args = readonly unknown[];

/** Fires with what the function comes to, which runs on a later turn of this thread. */
export function deferToThread<A extends unknown[], T>(f: (...args: A) => T | PromiseLike<T>, ...args: A): Deferred<T> {
  return deferToThreadPool(theReactor, theReactor.getThreadPool(), f, ...args);
}

/** `deferToThread` with a pool of one's own. */
export function deferToThreadPool<A extends unknown[], T>(
  reactor: { callFromThread(callable: () => unknown): void },
  pool: ThreadPool,
  f: (...args: A) => T | PromiseLike<T>,
  ...args: A
): Deferred<T> {
  const done = new Deferred<T>();
  pool.callInThreadWithCallback(
    (success, result) => {
      reactor.callFromThread(() => {
        if (done.called) return; // cancelled
        if (success) done.callback(result as T);
        else done.errback(result);
      });
    },
    f,
    ...args,
  );
  return done;
}

/** Runs functions one after the other on a later turn: `[[f, args], ...]`. */
export function callMultipleInThread(tuples: Iterable<readonly [f: (...args: never[]) => unknown, args?: Args]>): void {
  const all = [...tuples];
  theReactor.callInThread(() => {
    for (const [f, args = []] of all) logRejection(log, f(...(args as never[])));
  });
}

/** @throws NotImplementedError: nothing may wait for the event loop that it runs on */
export function blockingCallFromThread(): never {
  throw new NotImplementedError("the one thread that runs the event loop cannot wait for it");
}

/**
 * Calls a function that a module exports, in a worker thread, and fires with its result. Arguments and result are copied
 * (the structured clone of the platform); cancelling ends the worker.
 */
export function deferToWorker<T = unknown>(module: URL | string, name: string, ...args: unknown[]): Deferred<T> {
  return theReactor.getThreadPool().callInWorker<T>(module, name, args);
}
