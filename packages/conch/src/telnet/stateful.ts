/** Lines that mean what the state of the protocol says. */
import { implementer } from "@strombus/reactor/components";
import { NotImplementedError } from "@strombus/reactor/exceptions";
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";
import { LineReceiver } from "@strombus/reactor/protocols/basic";
import { isLater } from "../channel/later.js";
import { CR, LF } from "./constants.js";
import { ITelnetProtocol, type ITelnetTransport, TelnetHooks } from "./interfaces.js";

const log = new Logger({ namespace: "strombus.conch.telnet" });

type StateHandler = (line: Buffer) => unknown;

/**
 * Hands each line to the method `telnet_<state>(line: Buffer)`, whose result, if it is a string, is the next state. A line
 * ends with CR LF, CR NUL, CR or LF.
 *
 * ```ts
 * class Quiz extends StatefulTelnetProtocol {
 *   override state = "Guess";
 *   telnet_Guess(line: Buffer) {
 *     return line.toString() === "42" ? "Done" : "Guess";
 *   }
 * }
 * ```
 */
@implementer(ITelnetProtocol)
export class StatefulTelnetProtocol extends TelnetHooks(LineReceiver) implements ITelnetProtocol {
  declare transport: ITelnetTransport | null;
  override delimiter = "\n";
  state = "Discard";
  #afterReturn = false;

  /** In line mode each end of a line becomes LF; what telnet had as CR LF is LF already, and CR NUL is CR. */
  override dataReceived(data: Buffer): MaybeAsync {
    if (!this.line_mode || data.length === 0) return super.dataReceived(data);
    const text = data.toString("latin1", this.#afterReturn && data[0] === LF ? 1 : 0);
    this.#afterReturn = data.at(-1) === CR;
    return super.dataReceived(Buffer.from(text.replaceAll(/\r\n?/g, "\n"), "latin1"));
  }

  override lineReceived(line: Buffer): MaybeAsync {
    const { state } = this;
    const next = this.#handlerOf(state).call(this, line);
    if (isLater(next)) return Promise.resolve(next).then((later) => this.#enter(later, state));
    this.#enter(next, state);
  }

  telnet_Discard(line: Buffer): unknown {
    return null;
  }

  #handlerOf(state: string): StateHandler {
    const handler = (this as unknown as Readonly<Record<string, unknown>>)[`telnet_${state}`];
    if (typeof handler === "function") return handler as StateHandler;
    throw new NotImplementedError(`${this.logPrefix()} has no telnet_${state}`);
  }

  #enter(next: unknown, before: string): void {
    if (typeof next !== "string") return;
    if (this.state === before) this.state = next;
    else log.warn("telnet_{before} went to {state} itself, and not to {next}", { before, state: this.state, next });
  }
}
