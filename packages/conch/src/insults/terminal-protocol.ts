/** The base of applications on terminals. */
import { implementer } from "@strombus/reactor/components";
import type { Failure } from "@strombus/reactor/failure";
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { ITerminalProtocol, type ITerminalTransport } from "./interfaces.js";

/** Does nothing with what it hears: override what matters. */
@implementer(ITerminalProtocol)
export class TerminalProtocol implements ITerminalProtocol {
  /** Set before `connectionMade`. */
  declare terminal: ITerminalTransport;
  /** Of the connection, where it has one. */
  factory: unknown = null;

  makeConnection(terminal: ITerminalTransport): MaybeAsync {
    this.terminal = terminal;
    return this.connectionMade();
  }

  /** The terminal is there. */
  connectionMade(): MaybeAsync {}

  keystrokeReceived(keyID: string, modifier: string | null): MaybeAsync {}

  terminalSize(width: number, height: number): MaybeAsync {}

  unhandledControlSequence(seq: string): MaybeAsync {}

  connectionLost(reason: Failure): MaybeAsync {}
}
