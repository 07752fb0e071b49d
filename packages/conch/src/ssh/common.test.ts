import { AssertionError } from "@strombus/reactor/exceptions";
import { expect, test } from "vitest";
import { ffs, getMP, getNS, MP, NS } from "./common.js";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

test("NS counts bytes, and encodes text as UTF-8", () => {
  expect(NS("")).toEqual(hex("00000000"));
  expect(NS("é")).toEqual(hex("00000002 c3a9"));
  expect(NS(new Uint8Array([1, 2]))).toEqual(hex("00000002 0102"));
});

test("getNS gives as many strings as asked for, and the rest", () => {
  const [one, two, rest] = getNS(Buffer.concat([NS("one"), NS("two"), Buffer.from("rest")]), 2);
  expect([one, two, rest].map(String)).toEqual(["one", "two", "rest"]);
  expect(getNS(NS("one")).map(String)).toEqual(["one", ""]);
});

test("getNS rejects input that ends inside a length or a body", () => {
  expect(() => getNS(hex("000000"))).toThrow(RangeError);
  expect(() => getNS(hex("00000003 6162"))).toThrow(RangeError);
});

test("MP is minimal, and has a zero byte before a set top bit", () => {
  expect(MP(0)).toEqual(hex("00000000"));
  expect(MP(255)).toEqual(hex("00000002 00ff"));
  expect(MP(0x7f00n)).toEqual(hex("00000002 7f00"));
  expect(() => MP(-1)).toThrow(AssertionError);
});

test("getMP reads integers without a sign, and gives back what follows", () => {
  expect(getMP(hex("00000004 00000001"))).toEqual([1n, Buffer.alloc(0)]);
  expect(getMP(hex("00000004 01020304"))).toEqual([16909060n, Buffer.alloc(0)]);
  expect(getMP(hex("00000004 00000001 00000001 ff 0102"), 2)).toEqual([1n, 255n, hex("0102")]);
  expect(() => getMP(hex("0200"))).toThrow(RangeError);
});

test("ffs is the first of the first list that the second has too", () => {
  expect(ffs(["a", "b", "c"], ["c", "b"])).toBe("b");
  expect(ffs(["a"], ["b"])).toBeNull();
});
