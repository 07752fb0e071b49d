/** Each test begins with no error logged, and those that run in the process of the tests close what they open. */
import { beforeEach, expect } from "vitest";
import { assertAllClosed, captureOpen, flushLoggedErrors } from "@strombus/reactor/testing";

beforeEach(() => void flushLoggedErrors());
if (/\/packages\/|\/tests\/(hostile|acceptance)\//.test(expect.getState().testPath ?? "")) {
  beforeEach(({ onTestFinished }) => {
    captureOpen();
    onTestFinished(() => assertAllClosed()); // behind what the test has done when it is finished: the last comes first
  });
}
