/** A terminal at the other end of a telnet connection. */
import type { Failure } from "@strombus/reactor/failure";
import type { IProtocol, MaybeAsync } from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";
import { connectionDone } from "@strombus/reactor/protocol";
import { made, type Source } from "../class.js";
import { peerLog } from "../peer-log.js";
import { sizeOf } from "../session/terminal.js";
import {
  AYT,
  BINARY,
  BRK,
  EC,
  ECHO,
  EL,
  IP,
  LINEMODE,
  LINEMODE_ABORT,
  LINEMODE_EOF,
  LINEMODE_MODE,
  LINEMODE_SLC,
  LINEMODE_SUSP,
  LINEMODE_TRAPSIG,
  NAWS,
  NEW_ENVIRON,
  SGA,
  TTYPE,
} from "./constants.js";
import { SEND_TTYPE, SEND_VARIABLES, terminalName, variables } from "./environment.js";
import { ProtocolTransportMixin, TelnetProtocol } from "./transport.js";

const log = new Logger({ namespace: "strombus.conch.telnet" });

/** What clients send for keys that they take for signals or for editing (RFC 1184 section 2.5), as the keys. */
const KEYS_OF_COMMANDS: ReadonlyMap<number, number> = new Map([
  [IP, 0x03],
  [BRK, 0x03],
  [LINEMODE_EOF, 0x04],
  [EL, 0x15],
  [LINEMODE_SUSP, 0x1a],
  [LINEMODE_ABORT, 0x1c],
  [EC, 0x7f],
]);

/** What this side does, and what the other may do. */
const LOCAL: ReadonlySet<number> = new Set([BINARY, ECHO, SGA]);
const REMOTE: ReadonlySet<number> = new Set([BINARY, LINEMODE, NAWS, NEW_ENVIRON, SGA, TTYPE]);

/** What is asked for when the connection is made, and behind the answer, since of one option one side is asked at a time. */
const WISHES: readonly (readonly [wish: Wish, option: number, then?: Wish])[] = [
  ["do", LINEMODE],
  ["do", NAWS],
  ["do", SGA, "will"],
  ["will", ECHO],
  ["do", TTYPE],
  ["do", NEW_ENVIRON],
  ["will", BINARY, "do"],
];

type Wish = "do" | "will";

/**
 * Asks the client for a terminal whose keys come one by one, and is the transport of the protocol that it makes, such as a
 * ServerProtocol.
 *
 * ```ts
 * factory.protocol = () => new TelnetTransport(TelnetBootstrapProtocol, ServerProtocol, Editor);
 * ```
 */
export class TelnetBootstrapProtocol extends ProtocolTransportMixin(TelnetProtocol) {
  protocolFactory: Source<IProtocol, never[]>;
  protocolArgs: readonly unknown[];
  /** From the connection's begin to its end. */
  protocol: IProtocol | null = null;
  /** The terminal's name, once the client has told it. */
  term = "ansi";
  /** COLORTERM and LANG, as far as the client tells them. */
  readonly environment = new Map<string, string>();
  /** A key that waits, and what has come behind it. */
  #held: Buffer[] = [];

  /** `protocolFactory` is a class or a function, and is called with `protocolArgs` when the connection is made. */
  constructor(protocolFactory: Source<IProtocol, never[]>, ...protocolArgs: unknown[]) {
    super();
    this.protocolFactory = protocolFactory;
    this.protocolArgs = protocolArgs;
  }

  override connectionMade(): MaybeAsync {
    const { negotiationMap } = this.transport!;
    negotiationMap.set(NAWS, (bytes) => this.telnet_NAWS(bytes));
    negotiationMap.set(LINEMODE, (bytes) => this.telnet_LINEMODE(bytes));
    negotiationMap.set(TTYPE, (bytes) => this.telnet_TTYPE(bytes));
    negotiationMap.set(NEW_ENVIRON, (bytes) => this.telnet_NEW_ENVIRON(bytes));
    for (const [wish, option, then] of WISHES) this.#ask(wish, option, then);
    const protocol = made(this.protocolFactory, ...(this.protocolArgs as never[]));
    if (this.factory !== null) (protocol as { factory?: unknown }).factory = this.factory;
    this.protocol = protocol;
    return protocol.makeConnection(this);
  }

  override dataReceived(data: Buffer): MaybeAsync {
    if (this.#held.length === 0) return this.protocol?.dataReceived(data);
    this.#held.push(data);
  }

  override connectionLost(reason: Failure = connectionDone): MaybeAsync {
    const { protocol } = this;
    this.protocol = null;
    return protocol?.connectionLost(reason);
  }

  override enableLocal(option: number): boolean {
    return LOCAL.has(option);
  }

  override enableRemote(option: number): boolean {
    const { transport } = this;
    if (option === LINEMODE) transport?.requestNegotiation(LINEMODE, Buffer.of(LINEMODE_MODE, LINEMODE_TRAPSIG));
    if (option === TTYPE) transport?.requestNegotiation(TTYPE, SEND_TTYPE);
    if (option === NEW_ENVIRON) transport?.requestNegotiation(NEW_ENVIRON, SEND_VARIABLES);
    return REMOTE.has(option);
  }

  override unhandledCommand(command: number, argument: number | null): MaybeAsync {
    const key = KEYS_OF_COMMANDS.get(command);
    if (key !== undefined) return this.#pressed(key);
    if (command === AYT) this.write("\n[Yes]\n");
  }

  /** The client's window: columns and rows, in two bytes each (RFC 1073). */
  telnet_NAWS(bytes: Buffer): MaybeAsync {
    if (bytes.length !== 4) {
      peerLog(log, this.transport).error("a window size of {count} bytes", { count: bytes.length });
      return;
    }
    const { columns, rows } = sizeOf(bytes.readUInt16BE(0), bytes.readUInt16BE(2));
    const terminal = this.protocol as Partial<Resizable> | null;
    return terminal?.terminalSize?.(columns, rows);
  }

  /** The client's own ideas of its keys (RFC 1184) are not followed. */
  telnet_LINEMODE(bytes: Buffer): MaybeAsync {
    if (bytes[0] === LINEMODE_SLC) return this.linemode_SLC(bytes.subarray(1));
  }

  linemode_SLC(bytes: Buffer): MaybeAsync {}

  telnet_TTYPE(bytes: Buffer): MaybeAsync {
    this.term = terminalName(bytes) ?? this.term;
  }

  telnet_NEW_ENVIRON(bytes: Buffer): MaybeAsync {
    for (const [name, value] of variables(bytes) ?? []) this.environment.set(name, value);
  }

  /**
   * The key is pressed when all has been read that has come with the command: a client sends a TIMING-MARK (RFC 860) behind
   * a signal, and until it is answered throws away what comes, which would be what the signal brings about.
   */
  async #pressed(key: number): Promise<void> {
    this.#held.push(Buffer.of(key));
    if (this.#held.length > 1) return;
    await Promise.resolve();
    const data = Buffer.concat(this.#held);
    this.#held = [];
    await this.protocol?.dataReceived(data);
  }

  /** A client may well refuse. */
  #ask(wish: Wish, option: number, then?: Wish): void {
    this.transport![wish](option)
      .addErrback((failure: Failure) => {
        peerLog(log, this.transport).debug("{why}", { why: String(failure.value) });
      })
      .addCallback(() => {
        if (then !== undefined) this.#ask(then, option);
      });
  }
}

interface Resizable {
  terminalSize(width: number, height: number): MaybeAsync;
}
