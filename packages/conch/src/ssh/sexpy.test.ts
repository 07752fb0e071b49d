import { AssertionError } from "@strombus/reactor/exceptions";
import { expect, test } from "vitest";
import { pack, parse } from "./sexpy.js";

test("lists and byte strings are packed and parsed", () => {
  const packed = pack([["first", ["n", Buffer.of(0, 1)], [], ""]]);
  expect(packed.toString("latin1")).toBe("(5:first(1:n2:\0\x01)()0:)");
  expect(parse(packed)).toEqual([Buffer.from("first"), [Buffer.from("n"), Buffer.of(0, 1)], [], Buffer.alloc(0)]);
});

for (const bad of ["", "3:abc", "(", "(3:abc", "(3:ab)", "()()", "())", "(abc)", "(:)", "() ", "(99999999999:a)"]) {
  test(`${JSON.stringify(bad)} is no list`, () => expect(() => parse(bad)).toThrow(AssertionError));
}

test("lists are not nested without end", () => {
  expect(() => parse("(".repeat(10_000))).toThrow(AssertionError);
});
