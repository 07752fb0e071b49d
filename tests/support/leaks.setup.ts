/** Each test of the reactor closes what it opens. */
import { afterEach, beforeEach, expect } from "vitest";
import { assertAllClosed, captureOpen } from "@strombus/reactor/testing";

if (expect.getState().testPath?.includes("/packages/reactor/") === true) {
  beforeEach(() => captureOpen());
  afterEach(() => assertAllClosed());
}
