/** A TCP port that accepts connections. */
import * as net from "node:net";
import { getSystemErrorName } from "node:util";
import { type IPv4Address, type IPv6Address, internetAddress } from "../address.js";
import { implementer } from "../components.js";
import { Deferred, succeed } from "../defer.js";
import { CannotListenError } from "../error.js";
import { OSError, RuntimeError } from "../exceptions.js";
import { Failure } from "../failure.js";
import { IListeningPort, type IProtocol, type IProtocolFactory, type ListenTCPOptions } from "../interfaces.js";
import { Logger } from "../logger.js";
import { TCPConnection } from "./connection.js";
import type { OpenTransport, TransportHost } from "./host.js";

const log = new Logger({ namespace: "strombus.reactor.tcp" });
const ERROR_LOG_INTERVAL = 1; // seconds; whoever exhausts our descriptors does not get a log line for each try

/**
 * Listens on an address or, by default, on all of them: IPv6 and IPv4 by one socket, IPv4 alone on a host without IPv6.
 * (Twisted's default is IPv4 alone.) IPv4 peers of such a socket have IPv4 addresses.
 */
@implementer(IListeningPort)
export class TCPPort implements IListeningPort, OpenTransport {
  readonly #host: TransportHost;
  readonly #port: number;
  readonly #factory: IProtocolFactory;
  readonly #backlog: number;
  readonly #interface: string;
  #server: net.Server | null = null;
  #address: IPv4Address | IPv6Address | null = null;
  #stopping: Deferred<void> | null = null;
  #accepted = 0;
  #lastErrorLogged = -Infinity; // seconds

  constructor(
    host: TransportHost,
    port: number,
    factory: IProtocolFactory,
    { backlog = 50, interface: interface_ = "" }: ListenTCPOptions = {},
  ) {
    this.#host = host;
    this.#port = port;
    this.#factory = factory;
    this.#backlog = backlog;
    this.#interface = interface_;
  }

  startListening(): void {
    if (this.#server !== null) throw new RuntimeError("the port is listening already");
    const handle = bind(this.#interface, this.#port, this.#backlog);
    const server = net.createServer({ allowHalfOpen: true, noDelay: true });
    server.on("error", (error) => this.#acceptFailed(error));
    server.on("connection", (socket) => this.#accept(socket));
    server.listen(handle, this.#backlog);
    const { address, port } = server.address() as net.AddressInfo;
    this.#server = server;
    this.#address = internetAddress("TCP", address, port);
    this.#host.openTransports.add(this);
    this.#factory.doStart();
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
  getHost(): IPv4Address | IPv6Address {
    if (this.#address === null) throw new RuntimeError("the port is not listening");
    return this.#address;
  }

  /** The reactor stops. */
  connectionLost(): void {
    if (this.#server === null) return;
    this.#close();
    this.#factory.doStop();
  }

  toString(): string {
    return `TCPPort(${this.#server === null ? "closed" : String(this.#address)})`;
  }

  /** Node closes the descriptor at once, so the port number is free from here on. */
  #close(): void {
    this.#server?.close();
    this.#server = null;
    this.#host.openTransports.delete(this);
  }

  #stopped(): void {
    const stopping = this.#stopping;
    this.#stopping = null;
    try {
      this.#factory.doStop();
    } catch (error) {
      stopping?.errback(error);
      return;
    }
    stopping?.callback();
  }

  #accept(socket: net.Socket): void {
    const peer = internetAddress("TCP", socket.remoteAddress ?? "", socket.remotePort ?? 0);
    let protocol: IProtocol | null = null;
    try {
      // A peer that has gone again has no address.
      if (peer.host !== "") protocol = this.#factory.buildProtocol(peer);
    } catch (error) {
      log.failure("building a protocol for {peer} failed", new Failure(error), { peer: String(peer) });
    }
    if (protocol === null) {
      socket.on("error", ignore);
      socket.destroy();
      return;
    }
    const host = internetAddress("TCP", socket.localAddress ?? "", socket.localPort ?? 0);
    const connection = new TCPConnection(this.#host, socket, protocol, { host, peer, session: this.#accepted++ });
    connection.begin();
  }

  /** Out of descriptors, or a peer that gave up: the next connection may do better, so the port stays open. */
  #acceptFailed(error: Error): void {
    const now = this.#host.seconds();
    if (now - this.#lastErrorLogged < ERROR_LOG_INTERVAL) return;
    this.#lastErrorLogged = now;
    log.failure("a connection could not be accepted", new Failure(error));
  }
}

/** A bound TCP handle of Node's: the one way to listen on an address without a turn of the event loop in between. */
interface TCPHandle {
  listen(backlog: number): number;
  close(): void;
}

/** node:net exports this for node:cluster, in every release we support; the public `listen` looks up even literals later. */
interface NetInternals {
  _createServerHandle(address: string | null, port: number, family: 4 | 6): TCPHandle | number;
}

function bind(interface_: string, port: number, backlog: number): TCPHandle {
  const family = net.isIP(interface_);
  if (interface_ !== "" && family === 0)
    throw new CannotListenError(interface_, port, new OSError("not an IP address"));
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new CannotListenError(interface_, port, new OSError("not a port number"));
  }
  const handle = (net as unknown as NetInternals)._createServerHandle(
    interface_ === "" ? null : interface_,
    port,
    family === 6 ? 6 : 4,
  );
  if (typeof handle === "number") throw cannotListen(interface_, port, handle);
  const error = handle.listen(backlog);
  if (error === 0) return handle;
  handle.close();
  throw cannotListen(interface_, port, error);
}

function cannotListen(interface_: string, port: number, errno: number): CannotListenError {
  const code = getSystemErrorName(errno);
  return new CannotListenError(interface_, port, new OSError(code, { errno: -errno, code }));
}

function ignore(): void {}
