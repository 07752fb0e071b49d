/** A test that needs a program never passes without it. */
import { expect, test } from "vitest";
import { needed } from "../support/needed.js";

test("a program that is there is found by its path", () => {
  expect(needed("sh")).toMatch(/^\/.*\/sh$/);
});

test("one that is missing fails the test, and says how to get it", () => {
  expect(() => needed("no-such-program")).toThrow(/no-such-program is not installed: run \.ci\/install-peers/);
});
