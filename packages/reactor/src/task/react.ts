/** react: a program that is one Deferred long (twisted.internet.task). */
import { ensureDeferred } from "../defer.js";
import { ReactorNotRunning } from "../error.js";
import { SystemExit } from "../exceptions.js";
import { Failure } from "../failure.js";
import type { IReactorCore } from "../interfaces.js";
import { Logger } from "../logger.js";
import { reactor as theReactor } from "../reactor.js";

const log = new Logger({ namespace: "strombus.task" });

/** What `react` needs of a reactor. */
export type ReactReactor = Pick<IReactorCore, "addSystemEventTrigger" | "callWhenRunning" | "run" | "stop">;

export interface ReactOptions<R> {
  /** What `main` gets after the reactor. */
  readonly argv?: readonly string[];
  /** Default the process's. */
  readonly reactor?: R;
  /** Ends the process; default `process.exit`. */
  readonly exit?: (code: number) => void;
}

/**
 * Calls `main(reactor, ...argv)`, runs the reactor until what that returns has fired, stops it and exits: with 0, the
 * code of a SystemExit, or 1 for any other failure, which is logged. What `main` itself throws goes to the caller.
 */
export function react<R extends ReactReactor = typeof theReactor>(
  main: (reactor: R, ...argv: string[]) => PromiseLike<unknown> | Generator<unknown, unknown, never>,
  { argv = [], reactor = theReactor as unknown as R, exit = (code) => process.exit(code) }: ReactOptions<R> = {},
): Promise<void> {
  let code = 0;
  let stopping = false;
  const finished = ensureDeferred(main(reactor, ...argv));
  reactor.addSystemEventTrigger("before", "shutdown", () => {
    stopping = true;
  });
  finished.addBoth((result) => {
    if (result instanceof Failure) code = exitCodeOf(result);
    // Stopped from elsewhere, it needs no second stop.
    if (!stopping) reactor.callWhenRunning(() => stop(reactor));
  });
  return reactor.run().then(() => {
    process.exitCode = code;
    return exit(code);
  });
}

function exitCodeOf(failure: Failure): number {
  if (failure.value instanceof SystemExit) return failure.value.code;
  log.failure("the main function failed", failure);
  return 1;
}

function stop(reactor: ReactReactor): void {
  try {
    reactor.stop();
  } catch (error) {
    // It was told to stop, and the trigger that says so is yet to run.
    if (!(error instanceof ReactorNotRunning)) throw error;
  }
}
