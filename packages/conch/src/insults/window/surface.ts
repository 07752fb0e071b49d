/** What widgets draw on: a terminal, or a part of one. */
import type { BytesLike } from "@strombus/reactor/interfaces";
import type { ITerminalTransport } from "../interfaces.js";
import type { Slot } from "../numbers.js";

/** Every terminal is one. */
export type Surface = Pick<
  ITerminalTransport,
  | "cursorForward"
  | "cursorHome"
  | "cursorPosition"
  | "restoreCursor"
  | "saveCursor"
  | "selectCharacterSet"
  | "selectGraphicRendition"
  | "write"
>;

/** A part of a terminal, `width` by `height` from column `xoff` and row `yoff` on. Text is not cut: widgets cut theirs. */
export class BoundedTerminalWrapper implements Surface {
  constructor(
    readonly terminal: Surface,
    readonly width: number,
    readonly height: number,
    readonly xoff: number,
    readonly yoff: number,
  ) {}

  /** Within the part. */
  cursorPosition(column: number, line: number): void {
    this.terminal.cursorPosition(this.xoff + Math.min(this.width, column), this.yoff + Math.min(this.height, line));
  }

  cursorHome(): void {
    this.terminal.cursorPosition(this.xoff, this.yoff);
  }

  cursorForward(n?: number): void {
    this.terminal.cursorForward(n);
  }

  selectCharacterSet(charSet: string, which: Slot): void {
    this.terminal.selectCharacterSet(charSet, which);
  }

  selectGraphicRendition(...attributes: (number | string)[]): void {
    this.terminal.selectGraphicRendition(...attributes);
  }

  saveCursor(): void {
    this.terminal.saveCursor();
  }

  restoreCursor(): void {
    this.terminal.restoreCursor();
  }

  write(data: BytesLike): void {
    this.terminal.write(data);
  }
}
