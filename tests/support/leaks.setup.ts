/** Each test of the reactor and of cred closes what it opens. */
import { afterEach, beforeEach, expect } from "vitest";
import { assertAllClosed, captureOpen } from "@strombus/reactor/testing";

if (/\/packages\/(reactor|cred)\//.test(expect.getState().testPath ?? "")) {
  beforeEach(() => captureOpen());
  afterEach(() => assertAllClosed());
}
