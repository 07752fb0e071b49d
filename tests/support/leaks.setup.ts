/** Each test begins with no error logged, and those that run in the process of the tests close what they open. */
import { beforeEach, expect } from "vitest";
import { assertAllClosed, captureOpen, flushLoggedErrors } from "@strombus/reactor/testing";

beforeEach(() => void flushLoggedErrors());
if (/\/packages\/|\/tests\/hostile\//.test(expect.getState().testPath ?? "")) {
  beforeEach(({ onTestFinished }) => {
    captureOpen();
    // Behind what the test has done when it is finished: the last comes first. What leaks is there for ever.
    onTestFinished(() => assertAllClosed({ patience: 10 }));
  });
}
