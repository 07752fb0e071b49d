/** Commands on SSH servers, as endpoints (twisted.conch.endpoints). */
import { constants } from "node:os";
import { CancelledError, Deferred } from "@strombus/reactor/defer";
import { implementer, providedBy } from "@strombus/reactor/components";
import { ConnectionDone, ConnectionLost, NoProtocol, ProcessTerminated } from "@strombus/reactor/error";
import { Failure } from "@strombus/reactor/failure";
import {
  IHalfCloseableProtocol,
  type IProtocol,
  type IProtocolFactory,
  type IReactorTCP,
  IStreamClientEndpoint,
  type ITransport,
  type MaybeAsync,
} from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";
import { succeed } from "@strombus/reactor/defer";
import { EXTENDED_DATA_STDERR } from "../channel/numbers.js";
import type { ConchError } from "../error.js";
import { ExitSignal, ExitStatus } from "../messages/connection.js";
import { peerLog } from "../peer-log.js";
import { SSHChannel } from "../ssh/channel.js";
import { NS } from "../ssh/common.js";
import type { SSHConnection } from "../ssh/connection.js";
import { SSHCommandAddress } from "./address.js";
import type { ISSHConnectionCreator } from "./creator.js";
import { EndpointTransport, NewConnection, type NewConnectionOptions } from "./new-connection.js";

const log = new Logger({ namespace: "strombus.conch.endpoints" });
const NO_SUCH_SIGNAL = -1;

/** What a command's protocol has as its transport. */
export interface ICommandTransport extends ITransport {
  /** The connection, on which more commands may run. */
  readonly conn: SSHConnection | null;
  readonly id: number | null;
  /** Ends the command's input; what it writes still comes. */
  loseWriteConnection(): void;
}

/** A protocol that also wants what a command writes to its standard error. */
interface ErrorListener {
  errReceived?(data: Buffer): MaybeAsync;
}

/**
 * Runs a command on a server: what it writes the protocol receives, and what the protocol writes is its input. The reason
 * of `connectionLost` is how the command ended: ConnectionDone for status 0, else ProcessTerminated; ConnectionLost when the
 * connection went first.
 *
 * The protocol's transport is an {@link ICommandTransport}. A protocol with a method `errReceived` gets standard error too.
 */
@implementer(IStreamClientEndpoint)
export class SSHCommandClientEndpoint implements IStreamClientEndpoint {
  readonly #creator: ISSHConnectionCreator;
  readonly #command: string;

  constructor(creator: ISSHConnectionCreator, command: string) {
    this.#creator = creator;
    this.#command = command;
  }

  /**
   * On a connection of its own, which is closed when the command has ended.
   *
   * ```ts
   * const endpoint = SSHCommandClientEndpoint.newConnection(reactor, "uptime", "alice", "host.example", {
   *   keys: [Key.fromFile("id_ed25519")],
   * });
   * const protocol = await endpoint.connect(Factory.forProtocol(Printer));
   * ```
   */
  static newConnection(
    reactor: IReactorTCP,
    command: string,
    username: string,
    hostname: string,
    options: NewConnectionOptions = {},
  ): SSHCommandClientEndpoint {
    return new SSHCommandClientEndpoint(new NewConnection(reactor, hostname, command, username, options), command);
  }

  /** On a connection that there is, such as a protocol's `transport.conn`, and that stays. */
  static existingConnection(connection: SSHConnection, command: string): SSHCommandClientEndpoint {
    return new SSHCommandClientEndpoint(new ExistingConnection(connection), command);
  }

  /** Fires with the protocol when the command runs; may be cancelled until then. */
  connect(protocolFactory: IProtocolFactory): Deferred<IProtocol> {
    let running: Deferred<IProtocol> | null = null;
    return this.#creator.secureConnection().addCallback((connection: SSHConnection) => {
      running = new Deferred<IProtocol>((deferred) => {
        deferred.errback(new CancelledError("the Deferred was cancelled"));
        channel.giveUp();
      });
      const channel = new CommandChannel(this.#creator, connection, this.#command, protocolFactory, running);
      void connection.openChannel(channel);
      return running;
    });
  }
}

/** Gives a connection that there is, and leaves it alone. */
class ExistingConnection implements ISSHConnectionCreator {
  readonly #connection: SSHConnection;

  constructor(connection: SSHConnection) {
    this.#connection = connection;
  }

  secureConnection(): Deferred<SSHConnection> {
    return succeed(this.#connection);
  }

  cleanupConnection(_connection: SSHConnection, _immediate: boolean): void {}
}

/** The session in which the command runs; to the protocol it is the transport. */
class CommandChannel extends SSHChannel implements ICommandTransport {
  override name = "session";
  readonly #creator: ISSHConnectionCreator;
  readonly #connection: SSHConnection;
  readonly #command: string;
  readonly #factory: IProtocolFactory;
  readonly #running: Deferred<IProtocol>;
  #protocol: IProtocol | null = null;
  /** How the command ended, as far as the server has told. */
  #end: Error | null = null;

  constructor(
    creator: ISSHConnectionCreator,
    connection: SSHConnection,
    command: string,
    factory: IProtocolFactory,
    running: Deferred<IProtocol>,
  ) {
    super();
    this.#creator = creator;
    this.#connection = connection;
    this.#command = command;
    this.#factory = factory;
    this.#running = running;
  }

  override openFailed(reason: ConchError | Error): MaybeAsync {
    this.#tell(reason);
  }

  override channelOpen(_specificData: Buffer): MaybeAsync {
    if (this.#running.called) return; // nobody waits any more: it is closing
    this.#connection.sendRequest(this, "exec", NS(this.#command), true)!.addCallbacks(
      () => this.#begin(),
      (failure: Failure) => this.#fail(failure),
    );
  }

  override dataReceived(data: Buffer): MaybeAsync {
    return this.#protocol?.dataReceived(data);
  }

  override extReceived(dataType: number, data: Buffer): MaybeAsync {
    const listener = this.#protocol as ErrorListener | null;
    if (dataType === EXTENDED_DATA_STDERR && listener?.errReceived) return listener.errReceived(data);
    return super.extReceived(dataType, data);
  }

  override eofReceived(): MaybeAsync {
    if (this.#protocol !== null && providedBy(IHalfCloseableProtocol, this.#protocol)) {
      return this.#protocol.readConnectionLost();
    }
  }

  request_exit_status(data: Buffer): boolean {
    const { status } = ExitStatus.decode(data);
    this.#end = status === 0 ? closedChannel() : new ProcessTerminated(status);
    return true;
  }

  request_exit_signal(data: Buffer): boolean {
    const { signal, coreDumped, message, language } = ExitSignal.decode(data);
    const name = `SIG${signal}`;
    const number = new Map<string, number>(Object.entries(constants.signals)).get(name) ?? NO_SUCH_SIGNAL;
    peerLog(log, this.conn?.transport).info("the command ended by signal {shortSignalName}: {errorMessage}", {
      shortSignalName: signal,
      coreDumped,
      errorMessage: message,
      languageTag: language,
    });
    this.#end = new ProcessTerminated(null, number);
    return true;
  }

  override closed(): MaybeAsync {
    const protocol = this.#protocol;
    if (protocol === null) return this.#fail(new ConnectionLost("the channel closed before the command ran"));
    this.#protocol = null;
    this.#creator.cleanupConnection(this.#connection, false);
    // `closing` is set whichever side closes the channel.
    this.#end ??= this.closing ? closedChannel() : new ConnectionLost("the connection ended before the command");
    return protocol.connectionLost(new Failure(this.#end));
  }

  loseWriteConnection(): void {
    this.#connection.sendEOF(this);
  }

  /** Whoever waited waits no more. */
  giveUp(): void {
    this.loseConnection();
    this.#creator.cleanupConnection(this.#connection, true);
  }

  #begin(): MaybeAsync {
    if (this.#running.called) return;
    try {
      const protocol = this.#factory.buildProtocol(addressOf(this.#connection, this.#command));
      if (protocol === null) throw new NoProtocol();
      this.#protocol = protocol;
      const made = protocol.makeConnection(this);
      this.#running.callback(protocol);
      return made;
    } catch (error) {
      this.#protocol = null;
      this.#fail(error);
    }
  }

  /** There is no command, and so no need for the channel. */
  #fail(reason: unknown): void {
    this.loseConnection();
    this.#tell(reason);
  }

  /** Nor for the connection. */
  #tell(reason: unknown): void {
    if (!this.#running.called) this.#running.errback(reason);
    this.#creator.cleanupConnection(this.#connection, false);
  }
}

function closedChannel(): ConnectionDone {
  return new ConnectionDone("ssh channel closed");
}

function addressOf(connection: SSHConnection, command: string): SSHCommandAddress {
  const transport = connection.transport!;
  const username = transport instanceof EndpointTransport ? transport.creator.username : null;
  return new SSHCommandAddress(transport.getPeer(), username, command);
}
