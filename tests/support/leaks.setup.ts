/**
 * Each test begins with no error logged, and everything that opens closes: with the test where it runs in the process of
 * the tests, with the file where servers and connections live from test to test.
 */
import { afterAll, beforeEach, expect } from "vitest";
import { reportUnhandledErrors } from "@strombus/reactor/defer";
import { assertAllClosed, captureOpen, flushLoggedErrors } from "@strombus/reactor/testing";

const PATIENCE = { patience: 10 }; // what leaks is there for ever
/** Milliseconds: for what is left to be told. */
const LONGER = 2 * PATIENCE.patience * 1000;

beforeEach(() => void flushLoggedErrors());
afterAll(() => {
  reportUnhandledErrors(); // now, and not while the next file's tests listen
  flushLoggedErrors();
});
if (/\/packages\/|\/tests\/hostile\//.test(expect.getState().testPath ?? "")) {
  beforeEach(({ onTestFinished }) => {
    captureOpen();
    // Behind what the test has done when it is finished: the last comes first.
    onTestFinished(() => assertAllClosed(PATIENCE), LONGER);
  });
} else {
  captureOpen();
  afterAll(() => assertAllClosed(PATIENCE), LONGER); // behind the file's own: the last comes first
}
