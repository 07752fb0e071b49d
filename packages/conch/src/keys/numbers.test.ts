import { describe, expect, test } from "vitest";
import { Reader } from "../wire/reader.js";
import { DerReader, Tag, der, derInteger } from "./der.js";
import { BadKeyError } from "./errors.js";
import { bitLength, modularInverse, modularPower, readPositive, toBigInt, toMagnitude } from "./numbers.js";

const hex = (text: string): Buffer => Buffer.from(text, "hex");

describe("numbers", () => {
  for (const [wire, value] of [
    ["0000000101", 1n],
    ["000000020080", 0x80n],
    ["0000000301ffff", 0x1ffffn],
  ] as const) {
    test(`${wire} is ${value}`, () => expect(toBigInt(readPositive(new Reader(hex(wire))))).toBe(value));
  }

  for (const [wire, what] of [
    ["00000000", "zero"],
    ["0000000100", "zero with a byte"],
    ["0000000180", "a negative number"],
    ["00000002007f", "a zero too many"],
  ] as const) {
    test(`${what} is refused`, () => expect(() => readPositive(new Reader(hex(wire)))).toThrow(BadKeyError));
  }

  test("magnitudes go both ways", () => {
    expect(toMagnitude(0x0102n)).toEqual(hex("0102"));
    expect(toMagnitude(0x80n, 3)).toEqual(hex("000080"));
    expect(toMagnitude(0n)).toEqual(hex(""));
    expect(toBigInt(hex(""))).toBe(0n);
    expect([hex(""), hex("00"), hex("01"), hex("80"), hex("01ff"), hex("0001ff")].map(bitLength)).toEqual([
      0, 0, 1, 8, 9, 9,
    ]);
  });

  test("inverses and powers", () => {
    expect(modularInverse(3n, 11n)).toBe(4n);
    expect(modularInverse(-8n, 11n)).toBe(4n);
    expect(() => modularInverse(6n, 9n)).toThrow(BadKeyError);
    expect(() => modularInverse(0n, 9n)).toThrow(BadKeyError);
    expect(modularPower(5n, 117n, 19n)).toBe(1n);
  });
});

describe("DER", () => {
  test("lengths take one byte or more", () => {
    expect(der(Tag.OCTET_STRING, Buffer.alloc(127)).subarray(0, 2)).toEqual(hex("047f"));
    expect(der(Tag.OCTET_STRING, Buffer.alloc(128)).subarray(0, 3)).toEqual(hex("048180"));
    expect(der(Tag.OCTET_STRING, Buffer.alloc(256)).subarray(0, 4)).toEqual(hex("04820100"));
    for (const length of [0, 127, 128, 255, 256, 70_000]) {
      expect(new DerReader(der(Tag.SEQUENCE, Buffer.alloc(length))).read(Tag.SEQUENCE)).toHaveLength(length);
    }
  });

  test("integers are positive", () => {
    expect(derInteger(0n)).toEqual(hex("020100"));
    expect(derInteger(0x80n)).toEqual(hex("02020080"));
  });

  for (const [what, bytes] of [
    ["nothing", ""],
    ["a tag alone", "30"],
    ["another tag", "0400"],
    ["a body cut short", "300201"],
    ["an endless length", "308000"],
    ["a length of five bytes", "30850000000000"],
  ] as const) {
    test(`${what} is a BadKeyError`, () => {
      expect(() => new DerReader(hex(bytes)).read(Tag.SEQUENCE)).toThrow(BadKeyError);
    });
  }
});
