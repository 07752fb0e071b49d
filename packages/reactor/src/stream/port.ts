/** A port that accepts streams, whatever its address family. */
import { logRejection, SparseLog } from "../logged-calls.js";
import * as net from "node:net";
import { getSystemErrorName } from "node:util";
import { implementer } from "../components.js";
import { Deferred, succeed } from "../defer.js";
import { CannotListenError } from "../error.js";
import { OSError, RuntimeError } from "../exceptions.js";
import { Failure } from "../failure.js";
import {
  type IAddress,
  IListeningPort,
  type IProtocol,
  type IProtocolFactory,
  type ITLSContextFactory,
} from "../interfaces.js";
import { Logger } from "../logger.js";
import { StreamConnection } from "./connection.js";
import type { OpenTransport, TransportHost } from "./host.js";
import { sharedSockets } from "./shared-sockets.js";
import { negotiating } from "./negotiating.js";

const log = new Logger({ namespace: "strombus.reactor.stream" });

/** What each family brings: how it binds, and what addresses its connections have. */
@implementer(IListeningPort)
export abstract class StreamPort<A extends IAddress = IAddress> implements IListeningPort, OpenTransport {
  readonly #host: TransportHost;
  readonly factory: IProtocolFactory;
  readonly #tls: ITLSContextFactory | null;
  #server: net.Server | null = null;
  #address: A | null = null;
  #stopping: Deferred<void> | null = null;
  #accepted = 0;
  readonly #errors: SparseLog;

  /** @param tls what each connection begins TLS with, if at all. @throws what that throws */
  constructor(host: TransportHost, factory: IProtocolFactory, tls: ITLSContextFactory | null = null) {
    this.#host = host;
    this.#errors = new SparseLog(log, host);
    this.factory = factory;
    this.#tls = tls === null ? null : negotiating(tls, factory);
    this.#tls?.settingsForTLS(false);
  }

  /** Makes the server listen, before it returns. @throws CannotListenError */
  protected abstract bind(server: net.Server): A;
  /** The ends of a connection; null for a peer that has gone again. */
  protected abstract addressesOf(socket: net.Socket): { host: IAddress; peer: IAddress } | null;
  /** The server is closed: what else `bind` took is to be given back. */
  protected unbound(): void {}

  startListening(): void {
    if (this.#server !== null) throw new RuntimeError("the port is listening already");
    const server = net.createServer({ allowHalfOpen: true, noDelay: true });
    server.on("error", (error) => this.#acceptFailed(error));
    server.on("connection", (socket) => this.#accept(socket));
    this.#address = this.bind(server);
    this.#server = server;
    this.#host.openTransports.add(this);
    try {
      logRejection(log, this.factory.doStart());
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  stopListening(): Deferred<void> {
    if (this.#stopping !== null) return this.#stopping;
    if (this.#server === null) return succeed(undefined);
    const stopping = (this.#stopping = new Deferred<void>());
    this.#close();
    setImmediate(() => this.#stopped());
    return stopping;
  }

  /** @throws RuntimeError if it never listened. */
  getHost(): A {
    if (this.#address === null) throw new RuntimeError("the port is not listening");
    return this.#address;
  }

  /** The reactor stops. */
  connectionLost(): void {
    if (this.#server === null) return;
    this.#close();
    logRejection(log, this.factory.doStop());
  }

  toString(): string {
    return `${this.constructor.name}(${this.#server === null ? "closed" : String(this.#address)})`;
  }

  /** Node closes the descriptor at once, so the address is free from here on. */
  #close(): void {
    this.#server?.close();
    this.#server = null;
    this.#host.openTransports.delete(this);
    this.unbound();
  }

  #stopped(): void {
    const stopping = this.#stopping;
    this.#stopping = null;
    try {
      logRejection(log, this.factory.doStop());
    } catch (error) {
      stopping?.errback(error);
      return;
    }
    stopping?.callback();
  }

  #accept(socket: net.Socket): void {
    const addresses = this.addressesOf(socket);
    let protocol: IProtocol | null = null;
    try {
      if (addresses !== null) protocol = this.factory.buildProtocol(addresses.peer);
    } catch (error) {
      log.failure("building a protocol for {peer} failed", new Failure(error), { peer: String(addresses?.peer) });
    }
    if (addresses === null || protocol === null) {
      socket.on("error", ignore);
      socket.destroy();
      return;
    }
    const { host, peer } = addresses;
    const connection = new StreamConnection(this.#host, socket, protocol, { host, peer, sessionno: this.#accepted++ });
    try {
      if (this.#tls !== null) connection.startTLS(this.#tls);
    } catch (error) {
      log.failure("TLS with {peer} could not begin", new Failure(error), { peer: String(peer) });
      socket.destroy();
    }
    connection.begin();
  }

  /** Out of descriptors, or a peer that gave up: the next connection may do better, so the port stays open. */
  #acceptFailed(error: Error): void {
    this.#errors.failure("a connection could not be accepted", error);
  }
}

/** A bound handle of Node's: the one way to hear at once why an address cannot be bound. */
export interface ListeningHandle {
  listen(backlog: number): number;
  close(): void;
}

/** node:net exports this for node:cluster, in every release we support; port and family are -1 for a path. */
interface NetInternals {
  _createServerHandle(
    this: void,
    address: string | null,
    port: number,
    family: 4 | 6 | -1,
    descriptor?: number,
  ): ListeningHandle | number;
}

/** A listening handle for an address. @throws CannotListenError */
export function listenOn(address: string, port: number, family: 4 | 6 | -1, backlog: number): ListeningHandle {
  const { _createServerHandle: create } = net as unknown as NetInternals;
  const any = address === "" && family !== -1;
  const shared = family === -1 ? null : sharedSockets();
  const descriptor = shared?.take(address, port) ?? null;
  const handle = descriptor === null ? create(any ? null : address, port, family) : create(null, 0, -1, descriptor);
  if (typeof handle === "number") throw cannotListen(address, port, handle);
  const error = handle.listen(backlog);
  if (error === 0) {
    if (descriptor === null) shared?.bound(handle);
    return handle;
  }
  handle.close();
  throw cannotListen(address, port, error);
}

/** @param errno as libuv has it, negative. */
export function cannotListen(interface_: string, port: number, errno: number): CannotListenError {
  const code = getSystemErrorName(errno);
  return new CannotListenError(interface_, port, new OSError(code, { errno: -errno, code }));
}

function ignore(): void {}
