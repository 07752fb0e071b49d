/** Lines that were typed before, by the arrow keys. */
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { KEYS } from "../insults/keys.js";
import { RecvLine } from "./recvline.js";

/** Lines that are edited, with those before them by the arrow keys. */
export class HistoricRecvLine extends RecvLine {
  /** The oldest first. */
  historyLines: string[] = [];
  /** Which of them is shown; behind the last it is the line that is being typed. */
  historyPosition = 0;
  /** So many lines are kept; older ones are forgotten. */
  historyLimit = 500;

  override connectionMade(): MaybeAsync {
    this.historyLines = [];
    this.historyPosition = 0;
    const made = super.connectionMade();
    this.keyHandlers.set(KEYS.UP_ARROW, () => this.handle_UP());
    this.keyHandlers.set(KEYS.DOWN_ARROW, () => this.handle_DOWN());
    return made;
  }

  /** What is older and what is newer than the line shown. */
  currentHistoryBuffer(): [older: string[], newer: string[]] {
    return [this.historyLines.slice(0, this.historyPosition), this.historyLines.slice(this.historyPosition)];
  }

  /** What is typed, and not sent, is kept as if it were. */
  handle_UP(): MaybeAsync {
    if (this.lineBuffer.length > 0 && this.historyPosition === this.historyLines.length) {
      const before = this.historyLines.length;
      this.#remember(this.lineBuffer.join(""));
      this.historyPosition = Math.min(before, this.historyLines.length - 1);
    }
    if (this.historyPosition > 0) return this.#show(this.historyPosition - 1);
  }

  handle_DOWN(): MaybeAsync {
    if (this.historyPosition < this.historyLines.length - 1) return this.#show(this.historyPosition + 1);
    this.#clear();
    this.historyPosition = this.historyLines.length;
  }

  override handle_RETURN(): MaybeAsync {
    if (this.lineBuffer.length > 0) this.#remember(this.lineBuffer.join(""));
    this.historyPosition = this.historyLines.length;
    return super.handle_RETURN();
  }

  #show(position: number): MaybeAsync {
    this.#clear();
    this.historyPosition = position;
    return this._deliverBuffer(this.historyLines[position]!);
  }

  #clear(): void {
    void this.handle_HOME();
    this.terminal.eraseToLineEnd();
    this.lineBuffer = [];
    this.lineBufferIndex = 0;
  }

  #remember(line: string): void {
    this.historyLines.push(line);
    this.historyLines.splice(0, this.historyLines.length - this.historyLimit);
  }
}
