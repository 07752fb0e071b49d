/** The server's side of a terminal: keys come in, commands go out. */
import { implementer } from "@strombus/reactor/components";
import { Deferred } from "@strombus/reactor/defer";
import { ValueError } from "@strombus/reactor/exceptions";
import type { Failure } from "@strombus/reactor/failure";
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { connectionDone } from "@strombus/reactor/protocol";
import { made, type Source } from "../class.js";
import { CONTROL_SEQUENCES, type ControlSequenceParser } from "./control-sequences.js";
import { type CursorReport, ITerminalProtocol, ITerminalTransport } from "./interfaces.js";
import { KEYS } from "./keys.js";
import { Vector } from "./numbers.js";
import { TerminalOutput } from "./output.js";
import { collected, isFinal, MAX_SEQUENCE } from "./sequence.js";

export type ServerState = "data" | "escaped" | "bracket-escaped" | "bracket-overlong" | "low-function-escaped";

const FINALS: ReadonlyMap<string, keyof ControlSequenceParser> = new Map(
  (["A", "B", "C", "D", "E", "F", "H", "R", "Z"] as const).map((ch) => [ch, ch]),
);

/** After `ESC O`: F1 to F4, and what a keypad in application mode sends. */
const LOW_FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ["P", KEYS.F1],
  ["Q", KEYS.F2],
  ["R", KEYS.F3],
  ["S", KEYS.F4],
]);
const APPLICATION_KEYS: ReadonlyMap<string, string> = new Map([
  ["A", KEYS.UP_ARROW],
  ["B", KEYS.DOWN_ARROW],
  ["C", KEYS.RIGHT_ARROW],
  ["D", KEYS.LEFT_ARROW],
  ["F", KEYS.END],
  ["H", KEYS.HOME],
]);

/**
 * Makes a terminal protocol, tells it of keys, and is the terminal to it.
 *
 * ```ts
 * const protocol = new ServerProtocol(Editor, "argument of the editor");
 * protocol.makeConnection(transport);
 * ```
 */
@implementer(ITerminalTransport)
export class ServerProtocol extends TerminalOutput implements ITerminalTransport {
  /** Of all that are made without one of their own, in every realm of the process. */
  static protocolFactory: Source<ITerminalProtocol, never[]> | null = null;

  protocolFactory: Source<ITerminalProtocol, never[]> | null;
  protocolArgs: readonly unknown[];
  /** From the connection's begin to its end. */
  terminalProtocol: ITerminalProtocol | null = null;
  /** What of a control sequence has come; "data" is none. */
  state: ServerState = "data";
  /** Handlers by the last character of a sequence. */
  controlSequenceParser: ControlSequenceParser = CONTROL_SEQUENCES;
  /** Those who wait for the cursor's position. */
  readonly _cursorReports: Deferred<CursorReport>[] = [];

  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #sequence = "";
  #bracketed = false;

  /** `protocolFactory` is a class or a function, and is called with `protocolArgs` when the connection is made. */
  constructor(protocolFactory: null);
  constructor();
  constructor(protocolFactory: Source<ITerminalProtocol, never[]>, ...protocolArgs: unknown[]);
  constructor(protocolFactory: Source<ITerminalProtocol, never[]> | null = null, ...protocolArgs: unknown[]) {
    super();
    this.protocolFactory = protocolFactory ?? new.target.protocolFactory;
    this.protocolArgs = protocolArgs;
  }

  override connectionMade(): MaybeAsync {
    if (this.protocolFactory === null) return;
    const protocol = made(this.protocolFactory, ...(this.protocolArgs as never[]));
    if (this.factory !== null) (protocol as { factory?: unknown }).factory = this.factory;
    this.terminalProtocol = protocol;
    return protocol.makeConnection(this);
  }

  /** UTF-8; a character is one key, whatever it has of bytes. */
  override dataReceived(data: Buffer): MaybeAsync {
    return collected((result) => {
      for (const ch of this.#decoder.decode(data, { stream: true })) result(this.#characterReceived(ch));
    });
  }

  override connectionLost(reason: Failure = connectionDone): MaybeAsync {
    const protocol = this.terminalProtocol;
    this.terminalProtocol = null;
    for (const waiting of this._cursorReports.splice(0)) waiting.errback(reason);
    return protocol?.connectionLost(reason);
  }

  /** The client's terminal has this size. */
  terminalSize(width: number, height: number): MaybeAsync {
    this.termSize = new Vector(width, height);
    this.cursorPos = new Vector(Math.min(this.cursorPos.x, width - 1), Math.min(this.cursorPos.y, height - 1));
    return this.terminalProtocol?.terminalSize(width, height);
  }

  /** Fires with the column and row that the terminal answers, or fails when it has gone before. */
  reportCursorPosition(): Deferred<CursorReport> {
    this.write("\x1b[6n");
    const waiting = new Deferred<CursorReport>();
    this._cursorReports.push(waiting);
    return waiting;
  }

  unhandledControlSequence(seq: string): MaybeAsync {
    return this.terminalProtocol?.unhandledControlSequence(seq);
  }

  keystrokeReceived(keyID: string, modifier: string | null): MaybeAsync {
    return this.terminalProtocol?.keystrokeReceived(keyID, modifier);
  }

  /** `ESC [` and one character. */
  _handleShortControlSequence(ch: string): MaybeAsync {
    return this.#dispatch("\x1b[", ch);
  }

  /** A whole sequence that began with `ESC [`. */
  _handleControlSequence(buf: string): MaybeAsync {
    return this.#dispatch(buf.slice(0, -1), buf.slice(-1));
  }

  /** What follows `ESC O`, or `ESC [ O`. */
  _handleLowFunctionControlSequence(ch: string): MaybeAsync {
    const key = LOW_FUNCTIONS.get(ch) ?? (this.#bracketed ? undefined : APPLICATION_KEYS.get(ch));
    return key === undefined ? this.unhandledControlSequence(`\x1b[O${ch}`) : this.keystrokeReceived(key, null);
  }

  #dispatch(buf: string, final: string): MaybeAsync {
    const name = final === "~" ? "tilde" : FINALS.get(final);
    if (name === undefined || this.terminalProtocol === null) return this.unhandledControlSequence(buf + final);
    return this.controlSequenceParser[name](this, this.terminalProtocol, buf);
  }

  #characterReceived(ch: string): MaybeAsync {
    switch (this.state) {
      case "data":
        if (ch !== "\x1b") return this.keystrokeReceived(ch, null);
        this.state = "escaped";
        return;
      case "escaped":
        this.#bracketed = ch === "[";
        this.#sequence = "\x1b[";
        this.state = ch === "[" ? "bracket-escaped" : ch === "O" ? "low-function-escaped" : "data";
        return this.state === "data" ? this.keystrokeReceived(ch, KEYS.ALT) : undefined;
      case "bracket-escaped":
        return this.#bracketReceived(ch);
      case "bracket-overlong":
        if (isFinal(ch)) this.state = "data";
        return;
      case "low-function-escaped":
        this.state = "data";
        return this._handleLowFunctionControlSequence(ch);
      default:
        throw new ValueError("Illegal state");
    }
  }

  #bracketReceived(ch: string): MaybeAsync {
    if (ch === "O") {
      this.state = "low-function-escaped";
      return;
    }
    this.#sequence += ch;
    if (isFinal(ch)) {
      this.state = "data";
      const sequence = this.#sequence;
      return sequence.length === 3 ? this._handleShortControlSequence(ch) : this._handleControlSequence(sequence);
    }
    if (this.#sequence.length < MAX_SEQUENCE) return;
    this.state = "bracket-overlong";
    return this.unhandledControlSequence(this.#sequence);
  }
}
