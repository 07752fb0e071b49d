import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import * as ttymodes from "../ttymodes.js";
import { sttyOperands } from "./terminal-modes.js";

const BEGIN = ["eol", "undef", "eol2", "undef", "-ixany"];
const operands = (...modes: [number, number][]) => sttyOperands(modes).slice(BEGIN.length);

test("flags are words, with a hyphen when they are off", () => {
  const { ECHO, ICRNL, IUTF8, ONLCR, PARENB, CS7, CS8 } = ttymodes;
  expect(operands([ECHO, 0], [ICRNL, 1], [IUTF8, 1], [ONLCR, 7], [PARENB, 0], [CS7, 0], [CS8, 1])).toEqual([
    "-echo",
    "icrnl",
    "iutf8",
    "onlcr",
    "-parenb",
    "cs8",
  ]);
});

test("characters are one word each, whatever the client sends", () => {
  const { VINTR, VERASE, VKILL, VEOF, VSUSP, VREPRINT, VWERASE } = ttymodes;
  expect(operands([VINTR, 3], [VERASE, 127], [VKILL, 255], [VEOF, 0])).toEqual([
    "intr",
    "^C",
    "erase",
    "^?",
    "kill",
    "undef",
    "eof",
    "undef",
  ]);
  expect(operands([VSUSP, 0x2a], [VREPRINT, 0x20], [VWERASE, 0xfffffe9])).toEqual([
    "susp",
    "*",
    "rprnt",
    "0x20",
    "werase",
    "0xe9",
  ]);
});

test("speeds that stty knows are passed on; what is unknown, or unknown to some stty, is left out", () => {
  const { TTY_OP_ISPEED, TTY_OP_OSPEED, VSTATUS, PENDIN } = ttymodes;
  expect(operands([TTY_OP_ISPEED, 38400], [TTY_OP_OSPEED, 12345], [VSTATUS, 20], [PENDIN, 1], [200, 1])).toEqual([
    "ispeed",
    "38400",
  ]);
});

test("stty knows every operand that we may make", () => {
  const codes = [...ttymodes.TTYMODES.keys(), ttymodes.CS7, ttymodes.CS8];
  const all = sttyOperands(codes.map((opcode) => [opcode, opcode >= ttymodes.TTY_OP_ISPEED ? 9600 : 1]));
  // A terminal without wires has neither parity nor 7 bits, which stty says when it has set the rest.
  const said = execFileSync("script", ["-qc", `stty ${all.join(" ")}; stty -a`, "/dev/null"]).toString();
  expect(said).not.toContain("invalid");
  expect(said).toMatch(/tostop/);
  expect(said).not.toMatch(/-tostop/);
});
