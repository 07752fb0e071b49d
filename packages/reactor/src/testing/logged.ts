/** Failures that a test caused to be logged: expected ones are flushed, others fail the test. */
import { AssertionError } from "../exceptions.js";
import type { ErrorClass, Failure } from "../failure.js";
import { type LogEvent, globalLogPublisher } from "../logger.js";

let logged: Failure[] = [];

/** Collects the failures logged from now on; what was collected before is forgotten. For a test runner's `beforeEach`. */
export function captureLoggedErrors(): void {
  logged = [];
  globalLogPublisher.addObserver(collect);
}

/** The failures logged since the test began whose errors are of one of `types`, or all: they count as expected now. */
export function flushLoggedErrors(...types: (ErrorClass | string)[]): Failure[] {
  const isExpected = (failure: Failure): boolean => types.length === 0 || failure.check(...types) !== null;
  const flushed = logged.filter(isExpected);
  logged = logged.filter((failure) => !isExpected(failure));
  return flushed;
}

/** Stops collecting. @throws AssertionError if failures are left that were not flushed. For a test runner's `afterEach`. */
export function assertNoLoggedErrors(): void {
  globalLogPublisher.removeObserver(collect);
  const left = flushLoggedErrors();
  if (left.length === 0) return;
  const cause: unknown = left[0]!.value;
  throw new AssertionError(`logged and not flushed:\n${left.map((failure) => failure.getTraceback()).join("\n")}`, {
    cause,
  });
}

function collect(event: LogEvent): void {
  if (event.log_failure !== undefined) logged.push(event.log_failure);
}
