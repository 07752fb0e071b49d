/** Connecting a stream: one attempt at a time, and again on demand. */
import { logRejection } from "../logged-calls.js";
import type * as net from "node:net";
import { implementer } from "../components.js";
import { ConnectError, ConnectionDone, NotConnectingError, TimeoutError, UserError } from "../error.js";
import { RuntimeError } from "../exceptions.js";
import { Failure } from "../failure.js";
import {
  type IAddress,
  type IClientFactory,
  IConnector,
  type IDelayedCall,
  type IProtocol,
  type ITLSContextFactory,
} from "../interfaces.js";
import { Logger } from "../logger.js";
import { StreamConnection } from "./connection.js";
import type { OpenTransport, TransportHost } from "./host.js";
import { negotiating } from "./negotiating.js";

const log = new Logger({ namespace: "strombus.reactor.stream" });

type State =
  | { name: "disconnected" }
  | { name: "connecting"; socket: net.Socket; timer: IDelayedCall | null }
  | { name: "connected"; connection: StreamConnection | null };

/** What each family brings: how it connects, what addresses its connections have, and what its errors mean. */
@implementer(IConnector)
export abstract class StreamConnector implements IConnector, OpenTransport {
  protected readonly reactor: TransportHost;
  readonly #factory: IClientFactory;
  readonly #timeout: number | null;
  readonly #tls: ITLSContextFactory | null;
  #state: State = { name: "disconnected" };
  #usesFactory = false;

  /** @param tls what each connection begins TLS with, if at all. @throws what that throws */
  constructor(
    reactor: TransportHost,
    factory: IClientFactory,
    timeout: number | null,
    tls: ITLSContextFactory | null = null,
  ) {
    this.reactor = reactor;
    this.#factory = factory;
    this.#timeout = timeout;
    this.#tls = tls === null ? null : negotiating(tls, factory);
    this.#tls?.settingsForTLS(true);
  }

  /** A socket that has begun to connect. */
  protected abstract open(): net.Socket;
  protected abstract addressesOf(socket: net.Socket): { host: IAddress; peer: IAddress };
  protected abstract connectError(error: NodeJS.ErrnoException): Error;
  abstract getDestination(): IAddress;

  get state(): "disconnected" | "connecting" | "connected" {
    return this.#state.name;
  }

  /** The connection, while there is one. */
  get transport(): StreamConnection | null {
    return this.#state.name === "connected" ? this.#state.connection : null;
  }

  connect(): void {
    if (this.#state.name !== "disconnected") throw new RuntimeError(`the connector is ${this.#state.name}`);
    if (!this.#usesFactory) logRejection(log, this.#factory.doStart());
    this.#usesFactory = true;
    const socket = this.open();
    // The connection brings its own listeners; an error that comes later finds the state changed.
    socket.on("error", (error) => this.#isCurrent(socket) && this.#failed(new Failure(this.connectError(error))));
    socket.once("connect", () => this.#isCurrent(socket) && this.#established(socket));
    const timer =
      this.#timeout === null
        ? null
        : this.reactor.callLater(this.#timeout, () => this.#failed(new Failure(new TimeoutError())));
    this.#state = { name: "connecting", socket, timer };
    this.reactor.openTransports.add(this);
    logRejection(log, this.#factory.startedConnecting(this));
  }

  stopConnecting(): void {
    if (this.#state.name !== "connecting") throw new NotConnectingError("the connector is not connecting");
    this.#failed(new Failure(new UserError()));
  }

  disconnect(): void {
    if (this.#state.name === "connecting") this.stopConnecting();
    else this.transport?.loseConnection();
  }

  /** The reactor stops while an attempt is under way. */
  connectionLost(reason: Failure): void {
    this.#failed(reason);
  }

  #isCurrent(socket: net.Socket): boolean {
    return this.#state.name === "connecting" && this.#state.socket === socket;
  }

  #established(socket: net.Socket): void {
    const { host, peer } = this.addressesOf(socket);
    let protocol: IProtocol | null;
    try {
      protocol = this.#factory.buildProtocol(peer);
    } catch (error) {
      log.failure("building a protocol for {peer} failed", new Failure(error), { peer: String(peer) });
      this.#failed(new Failure(new ConnectError(null, "the factory failed to build a protocol", { cause: error })));
      return;
    }
    this.#leaveConnecting();
    if (protocol === null) {
      socket.destroy();
      this.#state = { name: "connected", connection: null };
      this.#lost(new Failure(new ConnectionDone()));
      return;
    }
    const connection = new StreamConnection(this.reactor, socket, protocol, {
      host,
      peer,
      onLost: (reason) => this.#lost(reason),
    });
    this.#state = { name: "connected", connection };
    try {
      if (this.#tls !== null) connection.startTLS(this.#tls);
    } catch (error) {
      log.failure("TLS with {peer} could not begin", new Failure(error), { peer: String(peer) });
      socket.destroy();
    }
    connection.begin();
  }

  #failed(reason: Failure): void {
    if (this.#state.name !== "connecting") return;
    this.#state.socket.destroy();
    this.#leaveConnecting();
    this.#tell(() => this.#factory.clientConnectionFailed(this, reason));
  }

  #lost(reason: Failure): void {
    this.#state = { name: "disconnected" };
    this.#tell(() => this.#factory.clientConnectionLost(this, reason));
  }

  #leaveConnecting(): void {
    if (this.#state.name === "connecting" && this.#state.timer?.active()) this.#state.timer.cancel();
    this.#state = { name: "disconnected" };
    this.reactor.openTransports.delete(this);
  }

  /** The factory may connect again at once; if it does not, the connector is done with it. */
  #tell(news: () => unknown): void {
    for (const call of [news, () => this.#doneWithFactory()]) {
      try {
        logRejection(log, call());
      } catch (error) {
        log.failure("a client factory failed", new Failure(error));
      }
    }
  }

  #doneWithFactory(): unknown {
    if (this.#state.name !== "disconnected" || !this.#usesFactory) return undefined;
    this.#usesFactory = false;
    return this.#factory.doStop();
  }
}
