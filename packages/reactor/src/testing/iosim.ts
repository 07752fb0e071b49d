/**
 * Connections in memory: a client and a server joined by a pump that moves bytes only when told to, so that every
 * interleaving can be tested and none depends on time (twisted.test.iosim).
 *
 * ```ts
 * const [client, server, pump] = connectedServerAndClient(EchoServer, EchoClient);
 * client.transport.write("hello");
 * pump.flush();
 * ```
 */
import { IPv4Address } from "../address.js";
import { ConnectionLost, ConnectionRefusedError } from "../error.js";
import { AssertionError } from "../exceptions.js";
import { Failure } from "../failure.js";
import { TCP4ClientEndpoint, TCP4ServerEndpoint } from "../endpoints.js";
import type { IProtocol, IStreamClientEndpoint } from "../interfaces.js";
import { Factory, Protocol } from "../protocol.js";
import { made } from "../protocol/core.js";
import { Clock } from "../task.js";
import { FakeTransport } from "./fake-transport.js";
import { type MemoryReactor, MemoryReactorClock } from "./memory-reactor.js";

export { FakeTransport, type FakeTransportOptions } from "./fake-transport.js";
export { type Faults, faulty, FaultyTransport } from "./faulty-transport.js";

const MOST_ROUNDS = 1000; // two protocols that answer each other for ever are a mistake

/** What a pump needs of a clock. */
export interface AdvancingClock {
  advance(seconds: number): void;
}

export interface ConnectOptions {
  /** Move what `makeConnection` wrote on both sides. Default true. */
  greet?: boolean;
  /** Advanced by 0 in every round, so that calls that are due run. Default a new Clock. */
  clock?: AdvancingClock;
}

/** Moves bytes, and the news of closing, between two FakeTransports. */
export class IOPump {
  constructor(
    readonly client: IProtocol,
    readonly server: IProtocol,
    readonly clientIO: FakeTransport,
    readonly serverIO: FakeTransport,
    readonly clock: AdvancingClock = new Clock(),
  ) {}

  /** One round: what each side wrote reaches the other; if nothing did, one end of connection. False if all is quiet. */
  pump({ advanceClock = true }: { advanceClock?: boolean } = {}): boolean {
    if (advanceClock) this.clock.advance(0);
    const { clientIO, serverIO } = this;
    const [fromClient, fromServer] = [clientIO.outputFor(serverIO), serverIO.outputFor(clientIO)];
    clientIO.drained();
    serverIO.drained();
    if (fromClient !== null) serverIO.bufferReceived(fromClient);
    if (fromServer !== null) clientIO.bufferReceived(fromServer);
    if (serverIO.broken || clientIO.broken) return this.#breakOff();
    if (fromClient !== null || fromServer !== null) return true;
    return serverIO.passEndTo(clientIO) || clientIO.passEndTo(serverIO);
  }

  /** Both sides learn at once that there is no connection any more; false if they know. */
  #breakOff(): boolean {
    const knew = !this.clientIO.connected && !this.serverIO.connected;
    const reason = new Failure(new ConnectionLost("the connection in memory broke"));
    for (const end of [this.serverIO, this.clientIO]) end.breakOff(reason);
    return !knew;
  }

  /** Pumps until all is quiet. Returns whether anything happened. @throws AssertionError after 1000 rounds. */
  flush({ advanceClock = true }: { advanceClock?: boolean } = {}): boolean {
    for (let rounds = 0; rounds < MOST_ROUNDS; rounds++) {
      if (!this.pump({ advanceClock })) return rounds > 0;
    }
    throw new AssertionError(`still talking after ${MOST_ROUNDS} rounds`);
  }
}

/** Joins two protocols by their transports; the server's `makeConnection` runs first. */
export function connect(
  serverProtocol: IProtocol,
  serverTransport: FakeTransport,
  clientProtocol: IProtocol,
  clientTransport: FakeTransport,
  { greet = true, clock = new Clock() }: ConnectOptions = {},
): IOPump {
  serverTransport.begin();
  clientTransport.begin();
  const pump = new IOPump(clientProtocol, serverProtocol, clientTransport, serverTransport, clock);
  if (greet) pump.flush();
  return pump;
}

export interface PairOptions<S extends IProtocol, C extends IProtocol> extends ConnectOptions {
  serverTransportFactory?: (protocol: S) => FakeTransport;
  clientTransportFactory?: (protocol: C) => FakeTransport;
}

/** Makes a server and a client and joins them. Mind the order: server first in, client first out. */
export function connectedServerAndClient<S extends IProtocol, C extends IProtocol>(
  ServerClass: (new () => S) | (() => S),
  ClientClass: (new () => C) | (() => C),
  {
    serverTransportFactory = makeFakeServer,
    clientTransportFactory = makeFakeClient,
    ...options
  }: PairOptions<S, C> = {},
): [client: C, server: S, pump: IOPump] {
  const client = made(ClientClass);
  const server = made(ServerClass);
  const pump = connect(server, serverTransportFactory(server), client, clientTransportFactory(client), options);
  return [client, server, pump];
}

/** The transport of a server's end. */
export function makeFakeServer(protocol: IProtocol): FakeTransport {
  return new FakeTransport(protocol, true);
}

/** The transport of a client's end. */
export function makeFakeClient(protocol: IProtocol): FakeTransport {
  return new FakeTransport(protocol, false);
}

/** Completes the connections that code under test asked of a MemoryReactor. */
export class ConnectionCompleter {
  readonly #reactor: MemoryReactor;

  constructor(reactor: MemoryReactor) {
    this.#reactor = reactor;
  }

  /** Joins the first waiting client to the server that listens on its port; null if either is missing. */
  succeedOnce(options: ConnectOptions = {}): IOPump | null {
    const client = this.#reactor.tcpClients[0];
    const server = this.#reactor.tcpServers.find(([port]) => port === client?.[1]);
    if (client === undefined || server === undefined) return null;
    this.#reactor.tcpClients.shift();
    const connector = this.#reactor.connectors.shift();
    const peer = new IPv4Address("TCP", "127.0.0.1", server[0]);
    const clientProtocol = client[2].buildProtocol(peer);
    const serverProtocol = server[1].buildProtocol(new IPv4Address("TCP", "127.0.0.1", 31337));
    if (clientProtocol === null || serverProtocol === null) return null;
    const clientTransport = makeFakeClient(clientProtocol);
    const onLost = (reason: Failure): void => {
      if (connector !== undefined) client[2].clientConnectionLost(connector, reason);
    };
    clientTransport.onLost = onLost;
    return connect(serverProtocol, makeFakeServer(serverProtocol), clientProtocol, clientTransport, options);
  }

  /** Fails the first waiting client. */
  failOnce(reason: Failure = new Failure(new ConnectionRefusedError())): void {
    const client = this.#reactor.tcpClients.shift();
    const connector = this.#reactor.connectors.shift();
    if (client !== undefined && connector !== undefined) client[2].clientConnectionFailed(connector, reason);
  }
}

/** A client endpoint on a MemoryReactor, and what completes, or fails, the connections that it asks for. */
export function connectableEndpoint(): [endpoint: IStreamClientEndpoint, completer: ConnectionCompleter] {
  const reactor = new MemoryReactorClock();
  const endpoint = new TCP4ClientEndpoint(reactor, "127.0.0.1", 80);
  // The completer joins a client to whoever listens on its port.
  new TCP4ServerEndpoint(reactor, 80).listen(Factory.forProtocol(Protocol));
  return [endpoint, new ConnectionCompleter(reactor)];
}
