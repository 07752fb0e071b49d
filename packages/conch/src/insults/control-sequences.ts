/** What terminals send for keys: `ESC [`, parameters, and one last character. */
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import type { ITerminalProtocol } from "./interfaces.js";
import { KEYS } from "./keys.js";
import { integers } from "./sequence.js";
import type { ServerProtocol } from "./server.js";

/** Handles one kind of sequence; `buf` is all of it but its last character. */
export type ControlSequenceHandler = (proto: ServerProtocol, handler: ITerminalProtocol, buf: string) => MaybeAsync;

/** By the last character, `tilde` for `~`. */
export type ControlSequenceParser = Record<
  "A" | "B" | "C" | "D" | "E" | "F" | "H" | "R" | "Z" | "tilde",
  ControlSequenceHandler
>;

/** The number before `~` to the key; 7 and 8 are rxvt's. */
const NUMBERED: ReadonlyMap<number, string> = new Map([
  [1, KEYS.HOME],
  [2, KEYS.INSERT],
  [3, KEYS.DELETE],
  [4, KEYS.END],
  [5, KEYS.PGUP],
  [6, KEYS.PGDN],
  [7, KEYS.HOME],
  [8, KEYS.END],
  [11, KEYS.F1],
  [12, KEYS.F2],
  [13, KEYS.F3],
  [14, KEYS.F4],
  [15, KEYS.F5],
  [17, KEYS.F6],
  [18, KEYS.F7],
  [19, KEYS.F8],
  [20, KEYS.F9],
  [21, KEYS.F10],
  [23, KEYS.F11],
  [24, KEYS.F12],
]);

/** xterm's parameter for keys held down, less one, in bits. */
const HELD: readonly (readonly [bit: number, modifier: string])[] = [
  [1, KEYS.SHIFT],
  [2, KEYS.ALT],
  [4, KEYS.CONTROL],
];

/** Undefined for what is none. */
function modifierOf(parameter: number | undefined): string | null | undefined {
  if (parameter === undefined) return null;
  if (parameter < 1 || parameter > 8) return undefined;
  return HELD.flatMap(([bit, modifier]) => (((parameter - 1) & bit) === 0 ? [] : [modifier])).join("") || null;
}

function key(keyID: string, final: string): ControlSequenceHandler {
  return (proto, handler, buf) => {
    const parameters = buf.slice(2);
    if (parameters === "") return handler.keystrokeReceived(keyID, null);
    const [one, held, ...rest] = integers(parameters) ?? [];
    const modifier = one === 1 && held !== undefined && rest.length === 0 ? modifierOf(held) : undefined;
    if (modifier === undefined) return proto.unhandledControlSequence(buf + final);
    return handler.keystrokeReceived(keyID, modifier);
  };
}

export const CONTROL_SEQUENCES: ControlSequenceParser = {
  A: key(KEYS.UP_ARROW, "A"),
  B: key(KEYS.DOWN_ARROW, "B"),
  C: key(KEYS.RIGHT_ARROW, "C"),
  D: key(KEYS.LEFT_ARROW, "D"),
  E: key(KEYS.NUMPAD_MIDDLE, "E"),
  F: key(KEYS.END, "F"),
  H: key(KEYS.HOME, "H"),
  R(proto, _handler, buf) {
    const [row, column, ...rest] = integers(buf.slice(2)) ?? [];
    const waiting =
      rest.length === 0 && row !== undefined && column !== undefined ? proto._cursorReports.shift() : undefined;
    if (waiting === undefined) return proto.unhandledControlSequence(`${buf}R`);
    waiting.callback([column! - 1, row! - 1]);
  },
  Z(proto, handler, buf) {
    return buf === "\x1b["
      ? handler.keystrokeReceived(KEYS.TAB, KEYS.SHIFT)
      : proto.unhandledControlSequence(`${buf}Z`);
  },
  tilde(proto, handler, buf) {
    const [number, held, ...rest] = integers(buf.slice(2)) ?? [];
    const keyID = number === undefined || rest.length > 0 ? undefined : NUMBERED.get(number);
    const modifier = modifierOf(held);
    if (keyID === undefined || modifier === undefined) return proto.unhandledControlSequence(`${buf}~`);
    return handler.keystrokeReceived(keyID, modifier);
  },
};
