/** Where a server can listen. */
import { implementer } from "../components.js";
import { type Deferred, execute, fail } from "../defer.js";
import { AlreadyListened } from "../error.js";
import {
  type AddressFamily,
  type IListeningPort,
  type IProtocolFactory,
  type IReactorSSL,
  type IReactorSocket,
  type IReactorTCP,
  type IReactorUNIX,
  IStreamServerEndpoint,
  type ITLSContextFactory,
  type ListenTCPOptions,
  type ListenUNIXOptions,
} from "../interfaces.js";

@implementer(IStreamServerEndpoint)
class TCPServerEndpoint implements IStreamServerEndpoint {
  readonly #reactor: IReactorTCP;
  readonly #port: number;
  readonly #options: Required<ListenTCPOptions>;

  constructor(reactor: IReactorTCP, port: number, options: Required<ListenTCPOptions>) {
    this.#reactor = reactor;
    this.#port = port;
    this.#options = options;
  }

  listen(factory: IProtocolFactory): Deferred<IListeningPort> {
    return execute(() => this.#reactor.listenTCP(this.#port, factory, { ...this.#options }));
  }
}

/** As `listenTCP`, whose default interface takes IPv6 clients too. */
export class TCP4ServerEndpoint extends TCPServerEndpoint {
  constructor(reactor: IReactorTCP, port: number, { backlog = 50, interface: interface_ = "" }: ListenTCPOptions = {}) {
    super(reactor, port, { backlog, interface: interface_ });
  }
}

/** As `listenTCP`, on all IPv6 addresses by default. */
export class TCP6ServerEndpoint extends TCPServerEndpoint {
  constructor(
    reactor: IReactorTCP,
    port: number,
    { backlog = 50, interface: interface_ = "::" }: ListenTCPOptions = {},
  ) {
    super(reactor, port, { backlog, interface: interface_ });
  }
}

/** As `listenSSL`. */
@implementer(IStreamServerEndpoint)
export class SSL4ServerEndpoint implements IStreamServerEndpoint {
  readonly #reactor: IReactorSSL;
  readonly #port: number;
  readonly #contextFactory: ITLSContextFactory;
  readonly #options: Required<ListenTCPOptions>;

  constructor(
    reactor: IReactorSSL,
    port: number,
    sslContextFactory: ITLSContextFactory,
    { backlog = 50, interface: interface_ = "" }: ListenTCPOptions = {},
  ) {
    this.#reactor = reactor;
    this.#port = port;
    this.#contextFactory = sslContextFactory;
    this.#options = { backlog, interface: interface_ };
  }

  listen(factory: IProtocolFactory): Deferred<IListeningPort> {
    return execute(() => this.#reactor.listenSSL(this.#port, factory, this.#contextFactory, { ...this.#options }));
  }
}

/** As `listenUNIX`. */
@implementer(IStreamServerEndpoint)
export class UNIXServerEndpoint implements IStreamServerEndpoint {
  readonly #reactor: IReactorUNIX;
  readonly #address: string;
  readonly #options: Required<ListenUNIXOptions>;

  constructor(
    reactor: IReactorUNIX,
    address: string,
    { backlog = 50, mode = 0o666, wantPID = false }: ListenUNIXOptions = {},
  ) {
    this.#reactor = reactor;
    this.#address = address;
    this.#options = { backlog, mode, wantPID };
  }

  listen(factory: IProtocolFactory): Deferred<IListeningPort> {
    return execute(() => this.#reactor.listenUNIX(this.#address, factory, { ...this.#options }));
  }
}

/** A socket that listens already, such as one of systemd's. The descriptor is taken over; it listens once. */
@implementer(IStreamServerEndpoint)
export class AdoptedStreamServerEndpoint implements IStreamServerEndpoint {
  readonly #reactor: IReactorSocket;
  readonly #fileno: number;
  readonly #addressFamily: AddressFamily;
  #used = false;

  constructor(reactor: IReactorSocket, fileno: number, addressFamily: AddressFamily) {
    this.#reactor = reactor;
    this.#fileno = fileno;
    this.#addressFamily = addressFamily;
  }

  /** Fails with AlreadyListened the second time. */
  listen(factory: IProtocolFactory): Deferred<IListeningPort> {
    if (this.#used) return fail(new AlreadyListened());
    this.#used = true;
    return execute(() => this.#reactor.adoptStreamPort(this.#fileno, this.#addressFamily, factory));
  }
}
