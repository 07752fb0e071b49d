/** What servers send to terminals, and what is called for it. */
import { isLater } from "../channel/later.js";
import type { ClientProtocol } from "./client.js";
import type { CursorReport, ITerminalTransport } from "./interfaces.js";
import { integers } from "./sequence.js";

/** ESC and one character. */
export const ESCAPES: ReadonlyMap<string, (terminal: ITerminalTransport) => void> = new Map([
  ["D", (terminal) => terminal.index()],
  ["M", (terminal) => terminal.reverseIndex()],
  ["E", (terminal) => terminal.nextLine()],
  ["7", (terminal) => terminal.saveCursor()],
  ["8", (terminal) => terminal.restoreCursor()],
  ["=", (terminal) => terminal.applicationKeypadMode()],
  [">", (terminal) => terminal.numericKeypadMode()],
  ["N", (terminal) => terminal.singleShift2()],
  ["O", (terminal) => terminal.singleShift3()],
  ["H", (terminal) => terminal.horizontalTabulationSet()],
  ["c", (terminal) => terminal.reset()],
]);

/** Gets what is between `ESC [` and the last character. @returns false if that is not understood */
type Call = (terminal: ITerminalTransport, parameters: string, client: ClientProtocol) => boolean;

/** The terminal's where, if it knows at once. */
function whereIs(terminal: ITerminalTransport): CursorReport | null {
  const report = terminal.reportCursorPosition();
  return isLater(report) ? null : report;
}

function counted(call: (terminal: ITerminalTransport, n: number) => void): Call {
  return (terminal, parameters) => {
    const [n, ...rest] = parameters === "" ? [1] : (integers(parameters) ?? []);
    if (n === undefined || rest.length > 0) return false;
    call(terminal, Math.max(1, n));
    return true;
  };
}

function chosen(...calls: readonly [parameters: string, call: (terminal: ITerminalTransport) => void][]): Call {
  const table = new Map(calls);
  return (terminal, parameters) => {
    const call = table.get(parameters === "0" ? "" : parameters);
    call?.(terminal);
    return call !== undefined;
  };
}

function listed(
  plain: (terminal: ITerminalTransport, modes: number[]) => void,
  isPrivate: (terminal: ITerminalTransport, modes: number[]) => void,
): Call {
  return (terminal, parameters) => {
    const modes = integers(parameters.replace(/^\?/, ""));
    if (modes === null) return false;
    (parameters.startsWith("?") ? isPrivate : plain)(terminal, modes);
    return true;
  };
}

const position: Call = (terminal, parameters) => {
  if (parameters === "") {
    terminal.cursorHome();
    return true;
  }
  const [row, column, ...rest] = parameters.split(";").map((part) => (part === "" ? 1 : (integers(part)?.[0] ?? NaN)));
  if (rest.length > 0 || Number.isNaN(row) || Number.isNaN(column)) return false;
  terminal.cursorPosition(Math.max(0, (column ?? 1) - 1), Math.max(0, row! - 1));
  return true;
};

/** By the last character. */
export const DISPATCH: ReadonlyMap<string, Call> = new Map<string, Call>([
  ["A", counted((terminal, n) => terminal.cursorUp(n))],
  ["B", counted((terminal, n) => terminal.cursorDown(n))],
  ["C", counted((terminal, n) => terminal.cursorForward(n))],
  ["D", counted((terminal, n) => terminal.cursorBackward(n))],
  ["H", position],
  ["f", position],
  [
    "G",
    counted((terminal, n) => {
      const where = whereIs(terminal);
      if (where !== null) terminal.cursorPosition(n - 1, where[1]);
    }),
  ],
  [
    "d",
    counted((terminal, n) => {
      const where = whereIs(terminal);
      if (where !== null) terminal.cursorPosition(where[0], n - 1);
    }),
  ],
  [
    "h",
    listed(
      (terminal, modes) => terminal.setModes(modes),
      (terminal, modes) => terminal.setPrivateModes(modes),
    ),
  ],
  [
    "l",
    listed(
      (terminal, modes) => terminal.resetModes(modes),
      (terminal, modes) => terminal.resetPrivateModes(modes),
    ),
  ],
  [
    "r",
    (terminal, parameters) => {
      const parts = parameters.split(";");
      if (parts.some((part) => !/^\d*$/.test(part)) || parts.length > 2) return false;
      const [first, last] = parts.length < 2 ? ["", ""] : (parts as [string, string]);
      terminal.setScrollRegion(first === "" ? null : Number(first), last === "" ? null : Number(last));
      return true;
    },
  ],
  [
    "K",
    chosen(
      ["", (terminal) => terminal.eraseToLineEnd()],
      ["1", (terminal) => terminal.eraseToLineBeginning()],
      ["2", (terminal) => terminal.eraseLine()],
    ),
  ],
  [
    "J",
    chosen(
      ["", (terminal) => terminal.eraseToDisplayEnd()],
      ["1", (terminal) => terminal.eraseToDisplayBeginning()],
      ["2", (terminal) => terminal.eraseDisplay()],
      ["3", () => {}], // what has scrolled away, of which we keep nothing
    ),
  ],
  ["g", chosen(["", (terminal) => terminal.tabulationClear()], ["3", (terminal) => terminal.tabulationClearAll()])],
  ["s", chosen(["", (terminal) => terminal.saveCursor()])],
  ["u", chosen(["", (terminal) => terminal.restoreCursor()])],
  ["P", counted((terminal, n) => terminal.deleteCharacter(n))],
  ["L", counted((terminal, n) => terminal.insertLine(n))],
  ["M", counted((terminal, n) => terminal.deleteLine(n))],
  [
    "m",
    (terminal, parameters) => {
      if (/^[<-?]/.test(parameters)) return false; // a private sequence
      const parts = parameters === "" ? ["0"] : parameters.split(";");
      terminal.selectGraphicRendition(...parts.map((part) => (/^\d+$/.test(part) ? Number(part) : part)));
      return true;
    },
  ],
  [
    "n",
    (terminal, parameters, client) => {
      if (parameters !== "6") return false;
      const [x, y] = whereIs(terminal) ?? [0, 0];
      client.write(client.reportOrder === "ansi" ? `\x1b[${y + 1};${x + 1}R` : `\x1b[${x + 1};${y + 1}R`);
      return true;
    },
  ],
]);
