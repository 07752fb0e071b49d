/** A service for each way in which the reactor listens and connects: its arguments, and the reactor as an option. */
import type {
  ConnectTCPOptions,
  ConnectUNIXOptions,
  IClientFactory,
  IConnector,
  IDatagramProtocol,
  IListeningPort,
  IProtocolFactory,
  IReactorMulticast,
  IReactorSSL,
  IReactorTCP,
  IReactorUDP,
  IReactorUNIX,
  ITLSContextFactory,
  ListenMulticastOptions,
  ListenTCPOptions,
  ListenUDPOptions,
  ListenUNIXOptions,
  MaybeAsync,
} from "../../interfaces.js";
import { reactor as theReactor } from "../../reactor.js";
import { Service } from "../service.js";

/** Listens while it runs: from `privilegedStartService` on, or else from `startService` on. */
class PortService extends Service {
  readonly #listen: () => IListeningPort;
  #port: IListeningPort | null = null;

  constructor(listen: () => IListeningPort) {
    super();
    this.#listen = listen;
  }

  /** The port, while it listens. */
  get port(): IListeningPort | null {
    return this.#port;
  }

  override privilegedStartService(): void {
    void super.privilegedStartService();
    this.#port = this.#listen();
  }

  override startService(): void {
    void super.startService();
    this.#port ??= this.#listen();
  }

  override stopService(): MaybeAsync {
    void super.stopService();
    const port = this.#port;
    this.#port = null;
    return port?.stopListening();
  }
}

/** Connects when it starts; stopping ends the attempt or the connection. */
class ConnectorService extends Service {
  readonly #connect: () => IConnector;
  #connector: IConnector | null = null;

  constructor(connect: () => IConnector) {
    super();
    this.#connect = connect;
  }

  override startService(): void {
    void super.startService();
    this.#connector = this.#connect();
  }

  override stopService(): void {
    void super.stopService();
    this.#connector?.disconnect();
    this.#connector = null;
  }
}

/** `reactor.listenTCP` as a service. */
export class TCPServer extends PortService {
  constructor(
    port: number,
    factory: IProtocolFactory,
    { reactor = theReactor, ...options }: ListenTCPOptions & { reactor?: IReactorTCP } = {},
  ) {
    super(() => reactor.listenTCP(port, factory, options));
  }
}

/** `reactor.connectTCP` as a service. */
export class TCPClient extends ConnectorService {
  constructor(
    host: string,
    port: number,
    factory: IClientFactory,
    { reactor = theReactor, ...options }: ConnectTCPOptions & { reactor?: IReactorTCP } = {},
  ) {
    super(() => reactor.connectTCP(host, port, factory, options));
  }
}

/** `reactor.listenUNIX` as a service. */
export class UNIXServer extends PortService {
  constructor(
    address: string,
    factory: IProtocolFactory,
    { reactor = theReactor, ...options }: ListenUNIXOptions & { reactor?: IReactorUNIX } = {},
  ) {
    super(() => reactor.listenUNIX(address, factory, options));
  }
}

/** `reactor.connectUNIX` as a service. */
export class UNIXClient extends ConnectorService {
  constructor(
    address: string,
    factory: IClientFactory,
    { reactor = theReactor, ...options }: ConnectUNIXOptions & { reactor?: IReactorUNIX } = {},
  ) {
    super(() => reactor.connectUNIX(address, factory, options));
  }
}

/** `reactor.listenSSL` as a service. */
export class SSLServer extends PortService {
  constructor(
    port: number,
    factory: IProtocolFactory,
    contextFactory: ITLSContextFactory,
    { reactor = theReactor, ...options }: ListenTCPOptions & { reactor?: IReactorSSL } = {},
  ) {
    super(() => reactor.listenSSL(port, factory, contextFactory, options));
  }
}

/** `reactor.connectSSL` as a service. */
export class SSLClient extends ConnectorService {
  constructor(
    host: string,
    port: number,
    factory: IClientFactory,
    contextFactory: ITLSContextFactory,
    { reactor = theReactor, ...options }: ConnectTCPOptions & { reactor?: IReactorSSL } = {},
  ) {
    super(() => reactor.connectSSL(host, port, factory, contextFactory, options));
  }
}

/** `reactor.listenUDP` as a service. */
export class UDPServer extends PortService {
  constructor(
    port: number,
    protocol: IDatagramProtocol,
    { reactor = theReactor, ...options }: ListenUDPOptions & { reactor?: IReactorUDP } = {},
  ) {
    super(() => reactor.listenUDP(port, protocol, options));
  }
}

/** `reactor.listenMulticast` as a service. */
export class MulticastServer extends PortService {
  constructor(
    port: number,
    protocol: IDatagramProtocol,
    { reactor = theReactor, ...options }: ListenMulticastOptions & { reactor?: IReactorMulticast } = {},
  ) {
    super(() => reactor.listenMulticast(port, protocol, options));
  }
}
