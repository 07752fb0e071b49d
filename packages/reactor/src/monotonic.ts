/**
 * The system's clock that never goes back. It is asked by `process.hrtime`, which is there: `node:perf_hooks` has a dozen
 * modules to load, at the start of whatever imports a reactor.
 */

/** Milliseconds since some moment before this process. */
export function milliseconds(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
