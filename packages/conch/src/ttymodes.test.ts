import { expect, test } from "vitest";
import * as ttymodes from "./ttymodes.js";

test("opcodes have the numbers of RFC 4254 section 8", () => {
  const { VINTR, VEOF, VDISCARD, IGNPAR, IMAXBEL, ISIG, ECHO, PENDIN, OPOST, ONLRET, CS7, PARODD } = ttymodes;
  expect([VINTR, VEOF, VDISCARD, IGNPAR, IMAXBEL, ISIG, ECHO, PENDIN, OPOST, ONLRET, CS7, PARODD]).toEqual([
    1, 5, 18, 30, 41, 50, 53, 62, 70, 75, 90, 93,
  ]);
});

test("a control character has a name, a flag its group too", () => {
  expect(ttymodes.TTYMODES.get(ttymodes.VINTR)).toBe("VINTR");
  expect(ttymodes.TTYMODES.get(ttymodes.ICRNL)).toEqual(["input", "ICRNL"]);
  expect(ttymodes.TTYMODES.get(ttymodes.ECHO)).toEqual(["local", "ECHO"]);
  expect(ttymodes.TTYMODES.get(ttymodes.ONLCR)).toEqual(["output", "ONLCR"]);
  expect(ttymodes.TTYMODES.get(ttymodes.PARENB)).toEqual(["control", "PARENB"]);
});

test("speeds are named without their prefix, character sizes are not in the table", () => {
  expect([128, 129, 90, 91].map((opcode) => ttymodes.TTYMODES.get(opcode))).toEqual([
    "ISPEED",
    "OSPEED",
    undefined,
    undefined,
  ]);
});
