/** Where a client can connect to, and what it connects with. */
import { lookup } from "node:dns";
import { directlyProvides, implementer, type InterfaceToken, providedBy } from "../components.js";
import { Deferred, fail, maybeDeferred } from "../defer.js";
import { ConnectingCancelledError, DNSLookupError, NoProtocol } from "../error.js";
import { Failure } from "../failure.js";
import {
  type ConnectTCPOptions,
  type ConnectUNIXOptions,
  type IAddress,
  type IClientFactory,
  type IConnector,
  IHalfCloseableProtocol,
  IHandshakeListener,
  ILoggingContext,
  type IProtocol,
  type IProtocolFactory,
  IProtocolNegotiationFactory,
  type IReactorSSL,
  type IReactorTCP,
  type IReactorTime,
  type IReactorUNIX,
  IStreamClientEndpoint,
  type ITLSContextFactory,
  type ITransport,
  type MaybeAsync,
} from "../interfaces.js";
import { TLSMemoryBIOFactory } from "../protocols/tls.js";
import { Factory } from "../protocol.js";

/** What a protocol declares, its wrapper declares too: the transport asks the wrapper. */
const DECLARED: readonly InterfaceToken[] = [IHalfCloseableProtocol, IHandshakeListener, ILoggingContext];

/** Stands between transport and protocol to say when the connection is made; for the rest it is not there. */
class WrappingProtocol implements IProtocol {
  readonly #protocol: IProtocol;
  readonly #made: (failure: Failure | null) => void;

  constructor(protocol: IProtocol, made: (failure: Failure | null) => void) {
    this.#protocol = protocol;
    this.#made = made;
    directlyProvides(this, ...DECLARED.filter((token) => token.providedBy(protocol)));
  }

  makeConnection(transport: ITransport): MaybeAsync {
    try {
      const result = this.#protocol.makeConnection(transport);
      this.#made(null);
      return result;
    } catch (error) {
      this.#made(new Failure(error));
      throw error;
    }
  }

  connectionMade(): void {}

  dataReceived(data: Buffer): MaybeAsync {
    return this.#protocol.dataReceived(data);
  }

  connectionLost(reason: Failure): MaybeAsync {
    return this.#protocol.connectionLost(reason);
  }

  readConnectionLost(): MaybeAsync {
    return (this.#protocol as Partial<IHalfCloseableProtocol>).readConnectionLost?.();
  }

  writeConnectionLost(): MaybeAsync {
    return (this.#protocol as Partial<IHalfCloseableProtocol>).writeConnectionLost?.();
  }

  handshakeCompleted(): MaybeAsync {
    return (this.#protocol as Partial<IHandshakeListener>).handshakeCompleted?.();
  }

  logPrefix(): string {
    return (this.#protocol as Partial<ILoggingContext>).logPrefix?.() ?? "";
  }
}

/** Turns what a connector tells its factory into one Deferred. */
class WrappingFactory implements IClientFactory {
  readonly connected: Deferred<IProtocol>;
  readonly #factory: IProtocolFactory;
  #connector: IConnector | null = null;

  constructor(factory: IProtocolFactory) {
    this.#factory = factory;
    this.connected = new Deferred<IProtocol>((deferred) => {
      deferred.errback(new ConnectingCancelledError(this.#connector?.getDestination() ?? null));
      this.#connector?.disconnect();
    });
  }

  doStart(): void {
    return this.#factory.doStart();
  }

  doStop(): void {
    return this.#factory.doStop();
  }

  startedConnecting(connector: IConnector): void {
    this.#connector = connector;
  }

  buildProtocol(addr: IAddress): IProtocol | null {
    try {
      const protocol = this.#factory.buildProtocol(addr);
      if (protocol === null) throw new NoProtocol();
      return new WrappingProtocol(protocol, (failure) => {
        if (!this.connected.called) this.connected.callback(failure ?? protocol);
      });
    } catch (error) {
      if (!this.connected.called) this.connected.errback(error);
      return null;
    }
  }

  clientConnectionFailed(connector: IConnector, reason: Failure): void {
    if (!this.connected.called) this.connected.errback(reason);
  }

  clientConnectionLost(connector: IConnector, reason: Failure): void {
    // Lost before it was made.
    if (!this.connected.called) this.connected.errback(reason);
  }
}

/** Connects by one of the reactor's methods; what that throws becomes the failure. */
function connectBy(factory: IProtocolFactory, connect: (factory: IClientFactory) => IConnector): Deferred<IProtocol> {
  const wrapping = new WrappingFactory(factory);
  try {
    connect(wrapping);
  } catch (error) {
    return fail(error);
  }
  return wrapping.connected;
}

/** A host and a port, and how to connect there. */
abstract class HostPortEndpoint<R> {
  protected readonly reactor: R;
  protected readonly host: string;
  protected readonly port: number;
  readonly #options: Required<ConnectTCPOptions>;

  constructor(reactor: R, host: string, port: number, { timeout = 30, bindAddress = null }: ConnectTCPOptions = {}) {
    this.reactor = reactor;
    this.host = host;
    this.port = port;
    this.#options = { timeout, bindAddress };
  }

  /** For one call of the reactor's. */
  protected get options(): Required<ConnectTCPOptions> {
    return { ...this.#options };
  }
}

/** As `connectTCP`. */
@implementer(IStreamClientEndpoint)
export class TCP4ClientEndpoint extends HostPortEndpoint<IReactorTCP> implements IStreamClientEndpoint {
  connect(factory: IProtocolFactory): Deferred<IProtocol> {
    return connectBy(factory, (wrapping) => this.reactor.connectTCP(this.host, this.port, wrapping, this.options));
  }
}

/** Connects to the first IPv6 address of a name, or to a literal. */
@implementer(IStreamClientEndpoint)
export class TCP6ClientEndpoint extends HostPortEndpoint<IReactorTCP> implements IStreamClientEndpoint {
  connect(factory: IProtocolFactory): Deferred<IProtocol> {
    return firstIPv6Address(this.host).addCallback((host) =>
      connectBy(factory, (wrapping) => this.reactor.connectTCP(host, this.port, wrapping, this.options)),
    );
  }
}

function firstIPv6Address(host: string): Deferred<string> {
  if (host.includes(":")) return maybeDeferred(() => host);
  const found = new Deferred<string>();
  lookup(host, { family: 6 }, (error, address) => {
    if (found.called) return;
    if (error) found.errback(new DNSLookupError(error.message, { cause: error }));
    else found.callback(address);
  });
  return found;
}

/** As `connectSSL`. */
@implementer(IStreamClientEndpoint)
export class SSL4ClientEndpoint extends HostPortEndpoint<IReactorSSL> implements IStreamClientEndpoint {
  readonly #contextFactory: ITLSContextFactory;

  constructor(
    reactor: IReactorSSL,
    host: string,
    port: number,
    sslContextFactory: ITLSContextFactory,
    options: ConnectTCPOptions = {},
  ) {
    super(reactor, host, port, options);
    this.#contextFactory = sslContextFactory;
  }

  connect(factory: IProtocolFactory): Deferred<IProtocol> {
    return connectBy(factory, (wrapping) =>
      this.reactor.connectSSL(this.host, this.port, wrapping, this.#contextFactory, this.options),
    );
  }
}

/** As `connectUNIX`. */
@implementer(IStreamClientEndpoint)
export class UNIXClientEndpoint implements IStreamClientEndpoint {
  readonly #reactor: IReactorUNIX;
  readonly #path: string;
  readonly #options: Required<ConnectUNIXOptions>;

  constructor(reactor: IReactorUNIX, path: string, { timeout = 30, checkPID = false }: ConnectUNIXOptions = {}) {
    this.#reactor = reactor;
    this.#path = path;
    this.#options = { timeout, checkPID };
  }

  connect(factory: IProtocolFactory): Deferred<IProtocol> {
    return connectBy(factory, (wrapping) => this.#reactor.connectUNIX(this.#path, wrapping, { ...this.#options }));
  }
}

/**
 * TLS, as a client, over what another endpoint connects to. Its time is the clock's, by default the reactor's: an endpoint
 * of a reactor of your own goes with that one.
 */
export function wrapClientTLS(
  connectionCreator: ITLSContextFactory,
  wrappedEndpoint: IStreamClientEndpoint,
  { clock }: { clock?: IReactorTime } = {},
): IStreamClientEndpoint {
  return {
    connect(factory: IProtocolFactory): Deferred<IProtocol> {
      let inner: IProtocol | null = null;
      const remembering: IProtocolFactory = {
        buildProtocol: (addr) => (inner = factory.buildProtocol(addr)),
        doStart: () => factory.doStart(),
        doStop: () => factory.doStop(),
      };
      return maybeDeferred(() =>
        wrappedEndpoint.connect(
          new TLSMemoryBIOFactory(connectionCreator, true, negotiatedAs(factory, remembering), clock),
        ),
      ).addCallback(() => inner as unknown as IProtocol);
    },
  };
}

/** What a factory declares, its stand-in declares too. */
function negotiatedAs(factory: IProtocolFactory, standIn: IProtocolFactory): IProtocolFactory {
  if (!providedBy(IProtocolNegotiationFactory, factory)) return standIn;
  const negotiating = Object.assign(standIn, { acceptableProtocols: () => factory.acceptableProtocols() });
  directlyProvides(negotiating, IProtocolNegotiationFactory);
  return negotiating;
}

/** Connects a protocol that is there already. Fires with it. */
export function connectProtocol<P extends IProtocol>(endpoint: IStreamClientEndpoint, protocol: P): Deferred<P> {
  class OneShotFactory extends Factory {
    override noisy = false;
    override buildProtocol(): P {
      return protocol;
    }
  }
  return endpoint.connect(new OneShotFactory()) as Deferred as Deferred<P>;
}
