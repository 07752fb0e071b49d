/** A terminal on which JavaScript is typed. */
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { HistoricRecvLine } from "../recvline/historic.js";
import { ManholeInterpreter, type Namespace, type OutputHandler } from "./interpreter.js";

export const CTRL_A = "\x01";
export const CTRL_C = "\x03";
export const CTRL_D = "\x04";
export const CTRL_E = "\x05";
export const CTRL_L = "\x0c";
export const CTRL_BACKSLASH = "\x1c";

/** Gives whoever types full control of the process: never serve it to users who have not logged in. */
export class Manhole extends HistoricRecvLine implements OutputHandler {
  /** What code finds by name: a copy, of each connection's own. */
  readonly namespace: Namespace;
  declare interpreter: ManholeInterpreter;
  #lastOutput = "\n";
  #isLost = false;

  constructor(namespace: Namespace | null = null) {
    super();
    this.namespace = { ...namespace };
  }

  override connectionMade(): MaybeAsync {
    const made = super.connectionMade();
    this.interpreter = new ManholeInterpreter(this, this.namespace);
    for (const [key, handler] of [
      [CTRL_C, () => this.handle_INT()],
      [CTRL_D, () => this.handle_EOF()],
      [CTRL_L, () => this.handle_FF()],
      [CTRL_A, () => this.handle_HOME()],
      [CTRL_E, () => this.handle_END()],
      [CTRL_BACKSLASH, () => this.handle_QUIT()],
    ] as const) {
      this.keyHandlers.set(key, handler);
    }
    return made;
  }

  override connectionLost(): MaybeAsync {
    this.#isLost = true;
  }

  /** Ctrl-C: the line and the statement are dropped. */
  handle_INT(): MaybeAsync {
    this.pn = 0;
    this.lineBuffer = [];
    this.lineBufferIndex = 0;
    this.interpreter.resetBuffer();
    this.terminal.nextLine();
    this.terminal.write("KeyboardInterrupt");
    this.terminal.nextLine();
    this.terminal.write(this.prompt);
  }

  /** Ctrl-D: the end, if nothing is typed. */
  handle_EOF(): MaybeAsync {
    if (this.lineBuffer.length === 0) return this.handle_QUIT();
    this.terminal.write("\x07");
  }

  /** Ctrl-L: nothing but the line. */
  handle_FF(): MaybeAsync {
    this.terminal.eraseDisplay();
    this.terminal.cursorHome();
    this.drawInputLine();
  }

  handle_QUIT(): MaybeAsync {
    this.terminal.loseConnection();
  }

  _needsNewline(): boolean {
    return !/(\n|\x1bE)$/.test(this.#lastOutput);
  }

  /** What is said while nobody has asked goes above the line that is being typed. */
  addOutput(data: string, isAsync = false): void {
    if (this.#isLost || data === "") return;
    if (!isAsync) {
      this.#write(data);
      return;
    }
    this.terminal.eraseLine();
    const column = this.lineBufferIndex + this.prompt.length;
    if (column > 0) this.terminal.cursorBackward(column);
    this.#write(data);
    if (this._needsNewline()) this.terminal.nextLine();
    this.drawInputLine();
  }

  override lineReceived(line: string): MaybeAsync {
    this.#lastOutput = "\n";
    const more = this.interpreter.push(line);
    this.pn = more ? 1 : 0;
    if (this.#isLost) return;
    if (this._needsNewline()) this.terminal.nextLine();
    this.terminal.write(this.prompt);
  }

  #write(data: string): void {
    this.#lastOutput = data;
    this.terminal.write(data);
  }
}
