/** A layer between a transport and a protocol, with a factory that puts it there. */
import type { X509Certificate } from "node:crypto";
import { classImplements, directlyProvides, implementer, type InterfaceToken, providedBy } from "../../components.js";
import { RuntimeError } from "../../exceptions.js";
import type { Failure } from "../../failure.js";
import { guarded } from "../../guard.js";
import {
  type BytesLike,
  type IAddress,
  IClientFactory,
  type IConnector,
  IHalfCloseableProtocol,
  IHandshakeListener,
  ILoggingContext,
  INegotiated,
  type IProtocol,
  type IProtocolFactory,
  type IPullProducer,
  type IPushProducer,
  ISSLTransport,
  type ITCPTransport,
  type ITLSContextFactory,
  ITLSTransport,
  type MaybeAsync,
  type StartTLSOptions,
} from "../../interfaces.js";
import { callLogged, logFailed, logRejection } from "../../logged-calls.js";
import { Logger } from "../../logger.js";
import { Factory } from "../../protocol.js";
import { made } from "../../protocol/core.js";

const log = new Logger({ namespace: "strombus.policies" });

/** What both sides of a wrapper may be, that has to be declared. */
const OF_PROTOCOLS: readonly InterfaceToken[] = [IHalfCloseableProtocol, IHandshakeListener];
const OF_TRANSPORTS: readonly InterfaceToken[] = [ISSLTransport, INegotiated];

/**
 * To the transport it is the protocol, to the wrapped protocol the transport. It forwards everything, and provides what the
 * two provide: subclasses change what they are about.
 */
export class ProtocolWrapper implements IProtocol, ITLSTransport, ILoggingContext {
  readonly factory: WrappingFactory;
  /** Null before the connection is made and after it is lost. */
  wrappedProtocol: IProtocol | null;
  /** What is below. */
  declare transport: ITCPTransport;
  #closing = false;

  constructor(factory: WrappingFactory, wrappedProtocol: IProtocol | null) {
    this.factory = factory;
    this.wrappedProtocol = wrappedProtocol;
  }

  logPrefix(): string {
    const inner: unknown = this.wrappedProtocol;
    return `${providedBy(ILoggingContext, inner) ? inner.logPrefix() : "-"} (${this.constructor.name})`;
  }

  // Towards the transport

  makeConnection(transport: ITCPTransport): MaybeAsync {
    this.transport = transport;
    try {
      logRejection(log, this.factory.registerProtocol(this));
    } catch (error) {
      this.wrappedProtocol = null; // it never was connected, and hears of no end
      throw error;
    }
    return this.connectWrapped();
  }

  /** Connects the wrapped protocol to this transport. */
  protected connectWrapped(): MaybeAsync {
    const { wrappedProtocol } = this;
    directlyProvides(
      this,
      ...OF_PROTOCOLS.filter((token) => token.providedBy(wrappedProtocol)),
      ...OF_TRANSPORTS.filter((token) => token.providedBy(this.transport)),
    );
    return wrappedProtocol?.makeConnection(this);
  }

  connectionMade(): void {}

  dataReceived(data: Buffer): MaybeAsync {
    return this.wrappedProtocol?.dataReceived(data);
  }

  connectionLost(reason: Failure): MaybeAsync {
    // Whatever the factory does with the news, the wrapped protocol has them too.
    callLogged(log, "a wrapping factory", () => this.factory.unregisterProtocol(this));
    const { wrappedProtocol } = this;
    this.wrappedProtocol = null;
    return wrappedProtocol?.connectionLost(reason);
  }

  readConnectionLost(): MaybeAsync {
    return (this.wrappedProtocol as Partial<IHalfCloseableProtocol> | null)?.readConnectionLost?.();
  }

  writeConnectionLost(): MaybeAsync {
    return (this.wrappedProtocol as Partial<IHalfCloseableProtocol> | null)?.writeConnectionLost?.();
  }

  handshakeCompleted(): MaybeAsync {
    return (this.wrappedProtocol as Partial<IHandshakeListener> | null)?.handshakeCompleted?.();
  }

  /** For what a subclass calls at a time of its own, when no transport watches: a failure is logged, and ends the connection. */
  protected guard(call: () => unknown): void {
    guarded(call, (error) => {
      logFailed(log, "a protocol", error);
      this.abortConnection();
    });
  }

  // Towards the wrapped protocol

  get connected(): boolean {
    return this.transport.connected;
  }

  get disconnecting(): boolean {
    return this.#closing || this.transport.disconnecting;
  }

  get disconnected(): boolean {
    return this.transport.disconnected;
  }

  get bufferedBytes(): number {
    return this.transport.bufferedBytes ?? 0;
  }

  write(data: BytesLike): void {
    this.transport.write(data);
  }

  writeSequence(data: Iterable<BytesLike>): void {
    this.transport.writeSequence(data);
  }

  loseConnection(): void {
    this.#closing = true;
    this.transport.loseConnection();
  }

  loseWriteConnection(): void {
    this.transport.loseWriteConnection();
  }

  abortConnection(): void {
    this.#closing = true;
    this.transport.abortConnection();
  }

  getPeer(): IAddress {
    return this.transport.getPeer();
  }

  getHost(): IAddress {
    return this.transport.getHost();
  }

  registerProducer(producer: IPushProducer | IPullProducer, streaming: boolean): void {
    this.transport.registerProducer(producer, streaming);
  }

  unregisterProducer(): void {
    this.transport.unregisterProducer();
  }

  pauseProducing(): void {
    this.transport.pauseProducing();
  }

  resumeProducing(): void {
    this.transport.resumeProducing();
  }

  stopProducing(): void {
    this.loseConnection();
  }

  getTcpNoDelay(): boolean {
    return this.transport.getTcpNoDelay();
  }

  setTcpNoDelay(enabled: boolean): void {
    this.transport.setTcpNoDelay(enabled);
  }

  getTcpKeepAlive(): boolean {
    return this.transport.getTcpKeepAlive();
  }

  setTcpKeepAlive(enabled: boolean): void {
    this.transport.setTcpKeepAlive(enabled);
  }

  startTLS(contextFactory: ITLSContextFactory, options: StartTLSOptions = {}): void {
    if (!ITLSTransport.providedBy(this.transport)) throw new RuntimeError("the transport below has no TLS");
    this.transport.startTLS(contextFactory, options);
    directlyProvides(this, INegotiated);
  }

  getPeerCertificate(): X509Certificate | null {
    return (this.transport as Partial<ISSLTransport>).getPeerCertificate?.() ?? null;
  }

  getHostCertificate(): X509Certificate | null {
    return (this.transport as Partial<ISSLTransport>).getHostCertificate?.() ?? null;
  }

  get negotiatedProtocol(): string | null {
    return (this.transport as Partial<INegotiated>).negotiatedProtocol ?? null;
  }
}

// Not as a decorator: its metadata would name the class below, which is not there yet.
classImplements(ProtocolWrapper, ITLSTransport, ILoggingContext);

/** A class of wrappers, made with the factory and the protocol to wrap, or a function that returns one. */
export type WrapperSource =
  | (new (factory: WrappingFactory, wrappedProtocol: IProtocol) => ProtocolWrapper)
  | ((factory: WrappingFactory, wrappedProtocol: IProtocol) => ProtocolWrapper);

/** Wraps each protocol of another factory. */
@implementer(IClientFactory)
export class WrappingFactory extends Factory<WrapperSource> implements IClientFactory {
  override noisy = false;
  /** What goes around each protocol. */
  override protocol: WrapperSource = ProtocolWrapper;
  readonly wrappedFactory: IProtocolFactory;
  /** The wrappers that are connected. */
  readonly protocols = new Set<ProtocolWrapper>();

  constructor(wrappedFactory: IProtocolFactory) {
    super();
    this.wrappedFactory = wrappedFactory;
  }

  /** The wrapper for a protocol. */
  wrap(protocol: IProtocol): ProtocolWrapper {
    return made(this.protocol, this, protocol);
  }

  override buildProtocol(addr: IAddress): IProtocol | null {
    const protocol = this.wrappedFactory.buildProtocol(addr);
    return protocol === null ? null : this.wrap(protocol);
  }

  registerProtocol(protocol: ProtocolWrapper): void {
    this.protocols.add(protocol);
  }

  unregisterProtocol(protocol: ProtocolWrapper): void {
    this.protocols.delete(protocol);
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
    return (this.wrappedFactory as Partial<IClientFactory>).startedConnecting?.(connector);
  }

  clientConnectionFailed(connector: IConnector, reason: Failure): void {
    return (this.wrappedFactory as Partial<IClientFactory>).clientConnectionFailed?.(connector, reason);
  }

  clientConnectionLost(connector: IConnector, reason: Failure): void {
    return (this.wrappedFactory as Partial<IClientFactory>).clientConnectionLost?.(connector, reason);
  }

  override logPrefix(): string {
    const inner: unknown = this.wrappedFactory;
    return `${providedBy(ILoggingContext, inner) ? inner.logPrefix() : "-"} (${this.constructor.name})`;
  }
}
