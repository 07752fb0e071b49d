/** What an application on a terminal is, and what a terminal is to it. */
import { type InterfaceToken, interfaceToken } from "@strombus/reactor/components";
import type { Failure } from "@strombus/reactor/failure";
import { ITransport, type MaybeAsync } from "@strombus/reactor/interfaces";
import type { MaybeLater } from "../interfaces.js";
import type { KeyNames } from "./keys.js";
import type { Slot } from "./numbers.js";

/** An application on a terminal. What a method throws, or promises and rejects, ends the connection. */
export interface ITerminalProtocol {
  makeConnection(terminal: ITerminalTransport): MaybeAsync;
  /**
   * A key. `keyID` is a character, or a name such as `"[UP_ARROW]"`; `modifier` is null, `"[SHIFT]"`, `"[ALT]"`,
   * `"[CONTROL]"`, or several of these in this order.
   */
  keystrokeReceived(keyID: string, modifier: string | null): MaybeAsync;
  /** The size in columns and rows is known, or has changed; until then take it for 80 by 24. */
  terminalSize(width: number, height: number): MaybeAsync;
  /** What the terminal sent was not understood; of what is too long the beginning. */
  unhandledControlSequence(seq: string): MaybeAsync;
  /** Once, and the last call. */
  connectionLost(reason: Failure): MaybeAsync;
}
export const ITerminalProtocol: InterfaceToken<ITerminalProtocol> = interfaceToken<ITerminalProtocol>(
  "ITerminalProtocol",
  [],
  ["makeConnection", "keystrokeReceived", "terminalSize", "unhandledControlSequence", "connectionLost"],
);

/** Column and row of the cursor, from 0. */
export type CursorReport = readonly [x: number, y: number];

/** A terminal, which also has the names of its keys. Numbers of rows and columns are at least 1. */
export interface ITerminalTransport extends ITransport, KeyNames {
  cursorUp(n?: number): void;
  cursorDown(n?: number): void;
  cursorForward(n?: number): void;
  cursorBackward(n?: number): void;
  /** From 0, the top left. */
  cursorPosition(column: number, line: number): void;
  cursorHome(): void;
  /** Down, scrolling at the bottom. */
  index(): void;
  /** Up, scrolling at the top. */
  reverseIndex(): void;
  /** To the first column of the next line, scrolling at the bottom. */
  nextLine(): void;
  saveCursor(): void;
  /** To where it was saved, or home. */
  restoreCursor(): void;
  setModes(modes: readonly number[]): void;
  resetModes(modes: readonly number[]): void;
  setPrivateModes(modes: readonly number[]): void;
  resetPrivateModes(modes: readonly number[]): void;
  applicationKeypadMode(): void;
  numericKeypadMode(): void;
  /** @throws ValueError for an unknown set, and for a slot that is neither G0 nor G1. */
  selectCharacterSet(charSet: string, which: Slot): void;
  /** The set in G0 is active. */
  shiftIn(): void;
  /** The set in G1 is active. */
  shiftOut(): void;
  /** The set in G2 for one character. */
  singleShift2(): void;
  /** The set in G3 for one character. */
  singleShift3(): void;
  /** Attributes and colours of what is written from now on; none is NORMAL. */
  selectGraphicRendition(...attributes: (number | string)[]): void;
  horizontalTabulationSet(): void;
  tabulationClear(): void;
  tabulationClearAll(): void;
  /** The upper or the lower half of characters that are twice as high. */
  doubleHeightLine(top?: boolean): void;
  singleWidthLine(): void;
  doubleWidthLine(): void;
  /** The cursor's cell is erased too, here and below. */
  eraseToLineEnd(): void;
  eraseToLineBeginning(): void;
  eraseLine(): void;
  eraseToDisplayEnd(): void;
  eraseToDisplayBeginning(): void;
  eraseDisplay(): void;
  deleteCharacter(n?: number): void;
  insertLine(n?: number): void;
  deleteLine(n?: number): void;
  /** First and last line that scroll, from 1; null is the screen's own. */
  setScrollRegion(first?: number | null, last?: number | null): void;
  resetScrollRegion(): void;
  reportCursorPosition(): MaybeLater<CursorReport>;
  reset(): void;
  unhandledControlSequence(seq: string): MaybeAsync;
}
export const ITerminalTransport: InterfaceToken<ITerminalTransport> = interfaceToken<ITerminalTransport>(
  "ITerminalTransport",
  [ITransport],
  ["cursorPosition", "eraseDisplay", "selectGraphicRendition", "setModes", "reportCursorPosition", "reset"],
);
