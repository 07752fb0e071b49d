/** Each test begins with no error logged, and those of the reactor and of cred close what they open. */
import { afterEach, beforeEach, expect } from "vitest";
import { assertAllClosed, captureOpen, flushLoggedErrors } from "@strombus/reactor/testing";

beforeEach(() => void flushLoggedErrors());
if (/\/packages\/(reactor|cred)\//.test(expect.getState().testPath ?? "")) {
  beforeEach(() => captureOpen());
  afterEach(() => assertAllClosed());
}
