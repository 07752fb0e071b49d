/** Terminal modes of a client as operands for stty(1), which is how a terminal gets them (RFC 4254 section 8). */
import type { TerminalModes } from "../interfaces.js";
import { CS7, CS8, TTY_OP_ISPEED, TTY_OP_OSPEED, TTYMODES } from "../ttymodes.js";

/** What stty calls otherwise, or has not everywhere: null. One operand that it does not know would spoil all the others. */
const NAMES: Readonly<Record<string, string | null>> = {
  VREPRINT: "rprnt",
  VWERASE: "werase",
  VDISCARD: null,
  VFLUSH: null,
  VDSUSP: null,
  VSWTCH: null,
  VSTATUS: null,
  PENDIN: null,
  XCASE: null,
  IUCLC: null,
  OLCUC: null,
};

const SPEEDS: ReadonlySet<number> = new Set([
  50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400,
]);

const DISABLED = 255; // as it travels, for a control character that there is not

/** As terminals begin on most systems; node-pty has others. */
const BEGIN = ["eol", "undef", "eol2", "undef", "-ixany"];

export function sttyOperands(modes: TerminalModes): string[] {
  const operands = [...BEGIN];
  for (const [opcode, value] of modes) {
    if (opcode === CS7 || opcode === CS8) {
      if (value !== 0) operands.push(opcode === CS7 ? "cs7" : "cs8");
      continue;
    }
    if (opcode === TTY_OP_ISPEED || opcode === TTY_OP_OSPEED) {
      if (SPEEDS.has(value)) operands.push(opcode === TTY_OP_ISPEED ? "ispeed" : "ospeed", String(value));
      continue;
    }
    const mode = TTYMODES.get(opcode);
    if (mode === undefined) continue;
    const name = nameOf(typeof mode === "string" ? mode : mode[1]);
    if (name === null) continue;
    if (typeof mode !== "string") operands.push(value === 0 ? `-${name}` : name);
    else operands.push(name, character(value));
  }
  return operands;
}

function nameOf(mode: string): string | null {
  const own = NAMES[mode];
  return own === undefined ? mode.replace(/^V/, "").toLowerCase() : own;
}

/** One word, whatever the value. */
function character(value: number): string {
  const code = value & 0xff;
  if (code === DISABLED || code === 0) return "undef";
  if (code < 0x20) return `^${String.fromCharCode(code + 0x40)}`;
  if (code === 0x7f) return "^?";
  if (code === 0x20 || code > 0x7f) return `0x${code.toString(16)}`;
  return String.fromCharCode(code);
}
