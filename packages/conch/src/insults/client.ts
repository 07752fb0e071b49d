/** The client's side of a terminal: what a server sends becomes calls on a terminal. */
import { implementer } from "@strombus/reactor/components";
import { ValueError } from "@strombus/reactor/exceptions";
import type { Failure } from "@strombus/reactor/failure";
import { type BytesLike, type IAddress, ITransport, type MaybeAsync } from "@strombus/reactor/interfaces";
import { connectionDone, Protocol } from "@strombus/reactor/protocol";
import { made, type Source } from "../class.js";
import { DISPATCH, ESCAPES } from "./client-sequences.js";
import type { ITerminalTransport } from "./interfaces.js";
import { DESIGNATORS, G0, G1, type Slot } from "./numbers.js";
import { collected, isFinal, MAX_SEQUENCE } from "./sequence.js";

/** What a ClientProtocol draws on. */
export interface ClientTerminal extends ITerminalTransport {
  /** What the terminal writes to `transport` goes to the server. */
  makeConnection(transport: ITransport): MaybeAsync;
  connectionLost(reason: Failure): MaybeAsync;
}

export type ClientState =
  | "data"
  | "escaped"
  | "bracket-escape"
  | "bracket-overlong"
  | "select-g0"
  | "select-g1"
  | "select-height-width"
  | "operating-system-command"
  | "operating-system-command-escaped";

/** How the cursor's position is told: "twisted" has the column first, "ansi" the row, as terminals do. */
export type ReportOrder = "twisted" | "ansi";

const ESC = 0x1b;
const BEL = 0x07;
const BACKSPACE = 0x08;
/** The standard's, and Twisted's. */
const SHIFTS_OUT: ReadonlySet<number> = new Set([0x0e, 0x14]);
const SHIFTS_IN: ReadonlySet<number> = new Set([0x0f, 0x15]);

const CHARSETS: ReadonlyMap<string, string> = new Map([...DESIGNATORS].map(([name, letter]) => [letter, name]));

/**
 * Makes a terminal, such as a `TerminalBuffer`, and draws on it.
 *
 * ```ts
 * const client = new ClientProtocol(TerminalBuffer);
 * client.makeConnection(transport);
 * ```
 */
@implementer(ITransport)
export class ClientProtocol extends Protocol implements ITransport {
  terminalFactory: Source<ClientTerminal, never[]> | null;
  terminalArgs: readonly unknown[];
  /** From the connection's begin to its end. */
  terminal: ClientTerminal | null = null;
  state: ClientState = "data";
  reportOrder: ReportOrder = "twisted";
  #sequence = "";

  constructor(terminalFactory: Source<ClientTerminal, never[]> | null = null, ...terminalArgs: unknown[]) {
    super();
    this.terminalFactory = terminalFactory;
    this.terminalArgs = terminalArgs;
  }

  override connectionMade(): MaybeAsync {
    if (this.terminalFactory === null) return;
    this.terminal = made(this.terminalFactory, ...(this.terminalArgs as never[]));
    (this.terminal as { factory?: unknown }).factory = this.factory;
    return this.terminal.makeConnection(this);
  }

  override dataReceived(data: Buffer): MaybeAsync {
    return collected((result) => {
      let plain = 0; // where what is plain began
      for (let at = 0; at < data.length; at++) {
        const byte = data[at]!;
        if (this.state === "data" && !isControl(byte)) continue;
        if (plain < at) this.terminal?.write(data.subarray(plain, at));
        plain = at + 1;
        result(this.#controlReceived(byte));
      }
      if (plain < data.length) this.terminal?.write(data.subarray(plain));
    });
  }

  override connectionLost(reason: Failure = connectionDone): MaybeAsync {
    const terminal = this.terminal;
    this.terminal = null;
    return terminal?.connectionLost(reason);
  }

  // The terminal's transport, which leads to the server

  write(data: BytesLike): void {
    this.transport?.write(data);
  }

  writeSequence(data: Iterable<BytesLike>): void {
    this.transport?.writeSequence(data);
  }

  loseConnection(): void {
    this.transport?.loseConnection();
  }

  getPeer(): IAddress {
    return this.transport!.getPeer();
  }

  getHost(): IAddress {
    return this.transport!.getHost();
  }

  #controlReceived(byte: number): MaybeAsync {
    const { terminal } = this;
    const ch = String.fromCharCode(byte);
    switch (this.state) {
      case "data":
        if (byte === ESC) this.state = "escaped";
        else if (byte === BACKSPACE) terminal?.cursorBackward();
        else if (SHIFTS_IN.has(byte)) terminal?.shiftIn();
        else terminal?.shiftOut();
        return;
      case "escaped":
        return this.#escapedReceived(ch);
      case "bracket-escape":
        return this.#bracketReceived(ch);
      case "bracket-overlong":
        if (isFinal(ch)) this.state = "data";
        return;
      case "select-g0":
        return this.#selectCharacterSet(ch, G0);
      case "select-g1":
        return this.#selectCharacterSet(ch, G1);
      case "select-height-width":
        this.state = "data";
        return this.#heightWidthReceived(ch);
      case "operating-system-command":
        if (byte === BEL) this.state = "data";
        else if (byte === ESC) this.state = "operating-system-command-escaped";
        return;
      case "operating-system-command-escaped":
        this.state = ch === "\\" ? "data" : byte === ESC ? this.state : "operating-system-command";
        return;
      default:
        throw new ValueError("Illegal state");
    }
  }

  #escapedReceived(ch: string): MaybeAsync {
    this.state = NEXT.get(ch) ?? "data";
    if (this.state !== "data") {
      this.#sequence = "";
      return;
    }
    const call = ESCAPES.get(ch);
    if (call === undefined) return this.terminal?.unhandledControlSequence(`\x1b${ch}`);
    if (this.terminal !== null) call(this.terminal);
  }

  #bracketReceived(ch: string): MaybeAsync {
    if (!isFinal(ch)) {
      this.#sequence += ch;
      if (this.#sequence.length < MAX_SEQUENCE) return;
      this.state = "bracket-overlong";
      return this.terminal?.unhandledControlSequence(`\x1b[${this.#sequence}`);
    }
    this.state = "data";
    const { terminal } = this;
    if (terminal === null) return;
    const call = DISPATCH.get(ch);
    if (call?.(terminal, this.#sequence, this) === true) return;
    return terminal.unhandledControlSequence(`\x1b[${this.#sequence}${ch}`);
  }

  #selectCharacterSet(ch: string, which: Slot): void {
    this.state = "data";
    this.terminal?.selectCharacterSet(CHARSETS.get(ch) ?? ch, which);
  }

  #heightWidthReceived(ch: string): MaybeAsync {
    switch (ch) {
      case "3":
        return this.terminal?.doubleHeightLine(true);
      case "4":
        return this.terminal?.doubleHeightLine(false);
      case "5":
        return this.terminal?.singleWidthLine();
      case "6":
        return this.terminal?.doubleWidthLine();
      default:
        return this.terminal?.unhandledControlSequence(`\x1b#${ch}`);
    }
  }
}

/** What follows ESC and is not the end yet. */
const NEXT: ReadonlyMap<string, ClientState> = new Map([
  ["[", "bracket-escape"],
  ["(", "select-g0"],
  [")", "select-g1"],
  ["#", "select-height-width"],
  ["]", "operating-system-command"],
]);

function isControl(byte: number): boolean {
  return byte === ESC || byte === BACKSPACE || SHIFTS_IN.has(byte) || SHIFTS_OUT.has(byte);
}
