/** TLS over any stream transport: a socket, a process, a channel of SSH, one in memory (twisted.protocols.tls). */
import { classImplements, providedBy } from "../components.js";
import type { Failure } from "../failure.js";
import {
  type IAddress,
  IClientFactory,
  type IConnector,
  IConsumer,
  type IProtocol,
  type IProtocolFactory,
  IPushProducer,
  type IReactorTime,
  type ITCPTransport,
  type ITLSContextFactory,
  type ITransport,
} from "../interfaces.js";
import { logRejection } from "../logged-calls.js";
import { Logger } from "../logger.js";
import { Factory } from "../protocol.js";
import { reactor } from "../reactor.js";
import { Roster } from "../roster.js";
import { StreamConnection } from "../stream/connection.js";
import { nodeTimer, type OpenTransport, type Timer, type TransportHost } from "../stream/host.js";
import { negotiating } from "../stream/negotiating.js";
import { Wire } from "../stream/tls.js";

const log = new Logger({ namespace: "strombus.protocols.tls" });

/** A wire on a transport. */
class TransportWire extends Wire {
  readonly #transport: ITransport;
  readonly #timer: Timer;
  #quiet: { readonly seconds: number; readonly call: () => void } | null = null;
  #stopTimer: (() => void) | null = null;
  #waiting: (() => void) | null = null; // a write that the transport is too full for
  #paused = false;
  #finish: (() => void) | null = null;
  #over = false;

  constructor(transport: ITransport, timer: Timer) {
    super();
    this.#transport = transport;
    this.#timer = timer;
    if (IConsumer.providedBy(transport)) transport.registerProducer(this, true);
  }

  /** Some encrypted bytes have come. */
  received(data: Buffer): void {
    this.#moved();
    if (this.destroyed || this.push(data)) return;
    if (IPushProducer.providedBy(this.#transport)) this.#transport.pauseProducing();
  }

  /** The connection below is over. */
  lost(): void {
    this.#over = true;
    this.#finish?.();
    if (!this.destroyed) this.push(null);
    this.#waiting?.();
  }

  override _read(): void {
    if (!this.#over && IPushProducer.providedBy(this.#transport)) this.#transport.resumeProducing();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: () => void): void {
    this.#transport.write(Buffer.from(chunk)); // a copy: node:tls uses its memory again
    if (this.#paused) this.#waiting = done;
    else done();
  }

  override _final(done: () => void): void {
    if (this.#over) {
      done();
      return;
    }
    this.#finish = done;
    this.#unregister();
    this.#transport.loseConnection();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#unregister();
    this.#stopTimer?.();
    if (!this.#over) this.#transport.loseConnection();
    done(error);
  }

  override abort(): void {
    this.#unregister();
    (this.#transport as Partial<ITCPTransport>).abortConnection?.();
    this.destroy();
  }

  override whenQuiet(seconds: number, call: () => void): void {
    this.#quiet = seconds > 0 ? { seconds, call } : null;
    this.#moved();
  }

  #moved(): void {
    this.#stopTimer?.();
    this.#stopTimer = this.#quiet === null ? null : this.#timer(this.#quiet.seconds, this.#quiet.call);
  }

  // As the producer of the transport

  pauseProducing(): void {
    this.#paused = true;
  }

  resumeProducing(): void {
    this.#paused = false;
    this.#moved();
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.();
  }

  stopProducing(): void {
    this.resumeProducing();
  }

  #unregister(): void {
    if (!this.#over && IConsumer.providedBy(this.#transport)) this.#transport.unregisterProducer();
  }
}

/** What the wrapped protocol has for its transport; `transport` is the one below. */
export class TLSConnection extends StreamConnection {
  readonly wrappedProtocol: IProtocol;
  readonly transport: ITransport;
  readonly #wire: TransportWire;

  constructor(host: TransportHost, transport: ITransport, wrappedProtocol: IProtocol, factory: TLSMemoryBIOFactory) {
    const wire = new TransportWire(transport, host.timer ?? nodeTimer);
    super(host, null, wrappedProtocol, { host: transport.getHost(), peer: transport.getPeer() });
    this.wrappedProtocol = wrappedProtocol;
    this.transport = transport;
    this.#wire = wire;
    this.secure(wire, factory.contextFactory.settingsForTLS(factory.isClient), factory.isClient);
  }

  received(data: Buffer): void {
    this.#wire.received(data);
  }

  lost(): void {
    this.#wire.lost();
  }
}

/** The protocol of the connection below. */
class TLSMemoryBIOProtocol implements IProtocol {
  #connection: TLSConnection | null = null;

  constructor(
    readonly factory: TLSMemoryBIOFactory,
    readonly wrappedProtocol: IProtocol,
  ) {}

  makeConnection(transport: ITransport): void {
    const connection = new TLSConnection(this.factory.host, transport, this.wrappedProtocol, this.factory);
    this.#connection = connection;
    connection.begin();
  }

  connectionMade(): void {}

  dataReceived(data: Buffer): void {
    this.#connection?.received(data);
  }

  connectionLost(): void {
    this.#connection?.lost();
  }
}

/** Puts TLS below each protocol of another factory. */
export class TLSMemoryBIOFactory extends Factory implements IClientFactory {
  override noisy = false;
  readonly contextFactory: ITLSContextFactory;
  readonly isClient: boolean;
  readonly wrappedFactory: IProtocolFactory;
  /** What the connections live on. */
  readonly host: TransportHost;

  /** @throws what the context factory throws */
  constructor(
    contextFactory: ITLSContextFactory,
    isClient: boolean,
    wrappedFactory: IProtocolFactory,
    clock: IReactorTime = reactor,
  ) {
    super();
    this.contextFactory = negotiating(contextFactory, wrappedFactory);
    this.contextFactory.settingsForTLS(isClient);
    this.isClient = isClient;
    this.wrappedFactory = wrappedFactory;
    const timer = timerOf(clock);
    this.host = {
      openTransports: new Roster<OpenTransport>(),
      seconds: () => clock.seconds(),
      callLater: (delay, callable, ...args) => clock.callLater(delay, callable, ...args),
      getDelayedCalls: () => clock.getDelayedCalls(),
      ...(timer && { timer }),
    };
  }

  override buildProtocol(addr: IAddress): IProtocol | null {
    const protocol = this.wrappedFactory.buildProtocol(addr);
    return protocol === null ? null : new TLSMemoryBIOProtocol(this, protocol);
  }

  override doStart(): void {
    logRejection(log, this.wrappedFactory.doStart());
    super.doStart();
  }

  override doStop(): void {
    logRejection(log, this.wrappedFactory.doStop());
    super.doStop();
  }

  startedConnecting(connector: IConnector): void {
    if (providedBy(IClientFactory, this.wrappedFactory)) return this.wrappedFactory.startedConnecting(connector);
  }

  clientConnectionFailed(connector: IConnector, reason: Failure): void {
    if (providedBy(IClientFactory, this.wrappedFactory))
      return this.wrappedFactory.clientConnectionFailed(connector, reason);
  }

  clientConnectionLost(connector: IConnector, reason: Failure): void {
    if (providedBy(IClientFactory, this.wrappedFactory))
      return this.wrappedFactory.clientConnectionLost(connector, reason);
  }
}

classImplements(TLSMemoryBIOFactory, IClientFactory);

/** The time of a reactor's own transports; of a clock that is no reactor, delayed calls of it. */
function timerOf(clock: IReactorTime & Partial<TransportHost>): Timer | undefined {
  if (clock.openTransports !== undefined) return clock.timer;
  return (seconds, call) => {
    const delayed = clock.callLater(seconds, call);
    return () => {
      if (delayed.active()) delayed.cancel();
    };
  };
}
