/** A terminal protocol in a session of SSH. */
import { type Componentized, implementer } from "@strombus/reactor/components";
import { ProcessDone } from "@strombus/reactor/error";
import { Failure } from "@strombus/reactor/failure";
import { type BytesLike, type IAddress, type ITransport, type MaybeAsync } from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";
import { connectionDone } from "@strombus/reactor/protocol";
import { after, isLater, settle } from "../channel/later.js";
import { made, type Source } from "../class.js";
import { ConchError } from "../error.js";
import { ServerProtocol } from "../insults/server.js";
import {
  type IConchUser,
  IConchUser as IConchUserToken,
  ISession,
  type TerminalModes,
  type WindowSize,
} from "../interfaces.js";
import { sizeOf } from "../session/terminal.js";
import type { SSHSessionProcessProtocol } from "../ssh/session.js";

const log = new Logger({ namespace: "strombus.conch.manhole" });

export type ServerSource = Source<ServerProtocol, []>;
export type TransportSource = Source<
  TerminalSessionTransport,
  [
    proto: SSHSessionProcessProtocol,
    chainedProtocol: ServerProtocol,
    avatar: IConchUser | null,
    width: number,
    height: number,
  ]
>;

/** Joins a session and a server of terminals: what the client types goes to the one, what that writes to the other. */
export class TerminalSessionTransport {
  /** Settles when the terminal protocol has begun, if that takes time. */
  readonly begun: MaybeAsync;
  #isLost = false;

  constructor(
    readonly proto: SSHSessionProcessProtocol,
    readonly chainedProtocol: ServerProtocol,
    readonly avatar: IConchUser | null,
    width: number,
    height: number,
  ) {
    this.begun = this.#begin(width, height);
    void proto.makeConnection(new FromClient(chainedProtocol, () => this.#lost()) as never);
  }

  /** A protocol that fails to begin has its end at once. */
  #begin(width: number, height: number): MaybeAsync {
    const failed = (error: unknown): never => {
      this.#lost();
      throw error;
    };
    try {
      const made = this.chainedProtocol.makeConnection(new ToClient(this.proto));
      const begun = after(made, () => {
        if (this.chainedProtocol.protocolFactory === null && this.chainedProtocol.terminalProtocol === null) {
          throw new ConchError("there is no terminal protocol: the realm's chainedProtocolFactory is to name one");
        }
        return this.terminalSize(width, height);
      });
      return isLater(begun) ? begun.then(undefined, failed) : undefined;
    } catch (error) {
      return failed(error);
    }
  }

  terminalSize(width: number, height: number): MaybeAsync {
    return this.chainedProtocol.terminalSize(width, height);
  }

  /** Closes the channel: the program has ended, with success. */
  loseConnection(): void {
    end(this.proto);
  }

  /** The terminal protocol hears of it once, and can do nothing more about it. */
  #lost(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    settle(
      () => this.chainedProtocol.connectionLost(connectionDone),
      () => {},
      (error) => log.failure("a terminal protocol failed at its end", new Failure(error)),
    );
  }
}

function end(proto: SSHSessionProcessProtocol): void {
  if (!proto.session.closing && !proto.session.localClosed) void proto.processEnded(new Failure(new ProcessDone()));
}

/** The transport of the server of terminals. */
class ToClient implements ITransport {
  constructor(readonly proto: SSHSessionProcessProtocol) {}

  write(data: BytesLike): void {
    this.proto.write(data);
  }

  writeSequence(data: Iterable<BytesLike>): void {
    this.proto.writeSequence(data);
  }

  loseConnection(): void {
    end(this.proto);
  }

  getPeer(): IAddress {
    return this.proto.getPeer();
  }

  getHost(): IAddress {
    return this.proto.getHost();
  }
}

/** What a session takes for its program. */
class FromClient {
  constructor(
    readonly chained: ServerProtocol,
    readonly lost: () => void,
  ) {}

  write(data: Buffer): MaybeAsync {
    return this.chained.dataReceived(data);
  }

  loseConnection(): void {
    this.lost();
  }
}

/** The session of one channel: a shell is a terminal protocol. Commands are refused. */
@implementer(ISession)
export class TerminalSession implements ISession {
  transportFactory: TransportSource = TerminalSessionTransport;
  chainedProtocolFactory: ServerSource = ServerProtocol;
  /** Columns and rows, until the client says otherwise. */
  width = 80;
  height = 24;
  /** The name of the terminal, as the client has it; null without one. */
  term: string | null = null;
  #transport: TerminalSessionTransport | null = null;

  constructor(readonly original: Componentized) {}

  getPty(term: string, windowSize: WindowSize, modes: TerminalModes): MaybeAsync {
    this.term = term;
    this.#setSize(windowSize);
  }

  openShell(proto: SSHSessionProcessProtocol): MaybeAsync {
    const user = this.original.getComponent(IConchUserToken);
    const server = made(this.chainedProtocolFactory);
    this.#transport = made(this.transportFactory, proto, server, user, this.width, this.height);
    return this.#transport.begun;
  }

  /** @throws ConchError always: override it for commands. */
  execCommand(proto: SSHSessionProcessProtocol, command: Buffer): MaybeAsync {
    throw new ConchError("Cannot execute commands");
  }

  windowChanged(newWindowSize: WindowSize): MaybeAsync {
    this.#setSize(newWindowSize);
    return this.#transport?.terminalSize(this.width, this.height);
  }

  eofReceived(): MaybeAsync {
    this.#transport?.loseConnection();
  }

  closed(): MaybeAsync {}

  #setSize([rows, columns]: WindowSize): void {
    const size = sizeOf(columns, rows);
    this.width = size.columns;
    this.height = size.rows;
  }
}
