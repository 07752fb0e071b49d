/**
 * The interfaces of the reactor (twisted.internet.interfaces): each is a type and a runtime token of one name.
 * An object with the right methods provides an interface without saying so, except for those whose presence changes
 * behaviour, such as IHalfCloseableProtocol and ILoggingContext: those are declared.
 */
import type { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import type { PeerCertificate, SecureContext } from "node:tls";
import { type InterfaceToken, interfaceToken } from "./components.js";
import type { Deferred } from "./defer.js";
import type { Failure } from "./failure.js";

/** What anything that writes accepts; a string is sent as UTF-8. The bytes must not change after they are handed over. */
export type BytesLike = Buffer | Uint8Array | string;

/** What a callback may give back: nothing, or a promise whose rejection counts as an exception of that callback. */
export type MaybeAsync = void | PromiseLike<unknown>;

/** When a trigger of a system event runs; the results of all "before" triggers are awaited before "during" begins. */
export type TriggerPhase = "before" | "during" | "after";

declare const triggerID: unique symbol;
/** Names a trigger, so that it can be removed. */
export interface SystemEventTriggerID {
  readonly [triggerID]: true;
}

// Addresses

/** The end of a connection. */
export interface IAddress {
  /** Value equality. */
  equals(other: unknown): boolean;
  toString(): string;
}
export const IAddress: InterfaceToken<IAddress> = interfaceToken<IAddress>("IAddress", [], ["equals"]);

// Producers and consumers

/** Makes data for a consumer. */
export interface IProducer {
  /** The consumer is gone for good: produce nothing more. */
  stopProducing(): void;
}
export const IProducer: InterfaceToken<IProducer> = interfaceToken<IProducer>("IProducer", [], ["stopProducing"]);

/** Produces by itself from the moment it is registered, with `streaming` true. Pausing twice in a row is harmless. */
export interface IPushProducer extends IProducer {
  pauseProducing(): void;
  resumeProducing(): void;
}
export const IPushProducer: InterfaceToken<IPushProducer> = interfaceToken<IPushProducer>(
  "IPushProducer",
  [IProducer],
  ["pauseProducing", "resumeProducing"],
);

/** Produces once, synchronously, each time it is asked; registered with `streaming` false. */
export interface IPullProducer extends IProducer {
  resumeProducing(): void;
}
export const IPullProducer: InterfaceToken<IPullProducer> = interfaceToken<IPullProducer>(
  "IPullProducer",
  [IProducer],
  ["resumeProducing"],
);

/** Takes data, and tells one producer when to make more. */
export interface IConsumer {
  write(data: BytesLike): void;
  /** @throws RuntimeError if a producer is registered already. */
  registerProducer(producer: IPushProducer, streaming: true): void;
  registerProducer(producer: IPullProducer, streaming: false): void;
  registerProducer(producer: IPushProducer | IPullProducer, streaming: boolean): void;
  unregisterProducer(): void;
}
export const IConsumer: InterfaceToken<IConsumer> = interfaceToken<IConsumer>(
  "IConsumer",
  [],
  ["write", "registerProducer", "unregisterProducer"],
);

// Transports

/** A connection as a protocol sees it. */
export interface ITransport {
  /** Sends the data, in order, without blocking. After the connection is gone it is dropped. */
  write(data: BytesLike): void;
  writeSequence(data: Iterable<BytesLike>): void;
  /** Closes when all that was written is sent; the protocol hears of it by `connectionLost`. */
  loseConnection(): void;
  /** The other end; stays readable after the end. */
  getPeer(): IAddress;
  /** This end; stays readable after the end. */
  getHost(): IAddress;
}
export const ITransport: InterfaceToken<ITransport> = interfaceToken<ITransport>(
  "ITransport",
  [],
  ["write", "writeSequence", "loseConnection", "getPeer", "getHost"],
);

/** A stream that can be watched and throttled both ways; as a push producer it is the reading side. */
export interface ITCPTransport extends ITransport, IConsumer, IPushProducer {
  readonly connected: boolean;
  /** Bytes written and not yet taken by the system; where it is missing, nobody knows. Memory of ours that was written may be used again at 0. */
  readonly bufferedBytes?: number;
  /** Bytes that the system has taken so far, for telling a slow peer from one that takes nothing. */
  readonly bytesTaken?: number;
  /** `loseConnection` was called and the end has not come yet. */
  readonly disconnecting: boolean;
  readonly disconnected: boolean;
  /** Sends what is written, then end of stream; reading goes on. */
  loseWriteConnection(): void;
  /** Drops the connection and all that is unsent; `connectionLost` with ConnectionAborted follows, never inside the call. */
  abortConnection(): void;
  getTcpNoDelay(): boolean;
  setTcpNoDelay(enabled: boolean): void;
  getTcpKeepAlive(): boolean;
  setTcpKeepAlive(enabled: boolean): void;
}
export const ITCPTransport: InterfaceToken<ITCPTransport> = interfaceToken<ITCPTransport>(
  "ITCPTransport",
  [ITransport, IConsumer, IPushProducer],
  ["loseWriteConnection", "abortConnection", "getTcpNoDelay", "setTcpNoDelay", "getTcpKeepAlive", "setTcpKeepAlive"],
);

/** How to do TLS on one connection, in the words of node:tls. */
export interface TLSSettings {
  readonly secureContext: SecureContext;
  readonly requestCert?: boolean;
  readonly rejectUnauthorized?: boolean;
  readonly ALPNProtocols?: string[];
  /** The name that a client asks for. */
  readonly servername?: string;
  readonly checkServerIdentity?: (hostname: string, certificate: PeerCertificate) => Error | undefined;
  readonly SNICallback?: (servername: string, done: (error: Error | null, context?: SecureContext) => void) => void;
}

/** What TLS is done with: keys, trust and limits. `CertificateOptions` and `optionsForClientTLS` make them. */
export interface ITLSContextFactory {
  /** @throws what makes it unusable */
  settingsForTLS(isClient: boolean): TLSSettings;
}
export const ITLSContextFactory: InterfaceToken<ITLSContextFactory> = interfaceToken<ITLSContextFactory>(
  "ITLSContextFactory",
  [],
  ["settingsForTLS"],
);

export interface StartTLSOptions {
  /** False: a client does the server's part of the handshake, and a server the client's. Default true. */
  normal?: boolean;
}

/** A stream that can change to TLS in mid-connection. */
export interface ITLSTransport extends ITCPTransport {
  /** What was written goes out in the clear before. @throws what the context factory throws; RuntimeError when TLS is on */
  startTLS(contextFactory: ITLSContextFactory, options?: StartTLSOptions): void;
}
export const ITLSTransport: InterfaceToken<ITLSTransport> = interfaceToken<ITLSTransport>(
  "ITLSTransport",
  [ITCPTransport],
  ["startTLS"],
);

/** A connection under TLS. Provided from the moment TLS starts. */
export interface ISSLTransport extends ITCPTransport {
  /** Null before the handshake is over, and for a peer that gave none. */
  getPeerCertificate(): X509Certificate | null;
  /** What this side showed; null for none. */
  getHostCertificate(): X509Certificate | null;
}
export const ISSLTransport: InterfaceToken<ISSLTransport> = interfaceToken<ISSLTransport>("ISSLTransport");

/** A TLS connection on which a protocol may have been chosen (ALPN). */
export interface INegotiated extends ISSLTransport {
  /** Null before the handshake is over, and when nothing was chosen. */
  readonly negotiatedProtocol: string | null;
}
export const INegotiated: InterfaceToken<INegotiated> = interfaceToken<INegotiated>("INegotiated", [ISSLTransport]);

/** A transport that can be asked for what it stands on. */
export interface ISystemHandle {
  getHandle(): Socket;
}
export const ISystemHandle: InterfaceToken<ISystemHandle> = interfaceToken<ISystemHandle>(
  "ISystemHandle",
  [],
  ["getHandle"],
);

// Protocols

/** What lives on a connection. An exception from any of these methods, or a rejected promise they give back, ends it. */
export interface IProtocol {
  /** Connects protocol and transport, then calls `connectionMade`. */
  makeConnection(transport: ITransport): MaybeAsync;
  connectionMade(): MaybeAsync;
  /** Some bytes, cut anywhere; they are the protocol's own. */
  dataReceived(data: Buffer): MaybeAsync;
  /** Once, and the last call. The reason holds ConnectionDone for a clean end. */
  connectionLost(reason: Failure): MaybeAsync;
}
export const IProtocol: InterfaceToken<IProtocol> = interfaceToken<IProtocol>(
  "IProtocol",
  [],
  ["makeConnection", "connectionMade", "dataReceived", "connectionLost"],
);

/** A protocol that wants to know of each half of its connection. To be declared. */
export interface IHalfCloseableProtocol {
  /** The peer sends no more; writing goes on until `loseConnection`. */
  readConnectionLost(): MaybeAsync;
  /** `loseWriteConnection` has taken effect. */
  writeConnectionLost(): MaybeAsync;
}
export const IHalfCloseableProtocol: InterfaceToken<IHalfCloseableProtocol> =
  interfaceToken<IHalfCloseableProtocol>("IHalfCloseableProtocol");

/** A protocol that wants to know when the TLS handshake is over. To be declared. */
export interface IHandshakeListener {
  handshakeCompleted(): MaybeAsync;
}
export const IHandshakeListener: InterfaceToken<IHandshakeListener> =
  interfaceToken<IHandshakeListener>("IHandshakeListener");

/** Gives its log lines their prefix. To be declared. */
export interface ILoggingContext {
  logPrefix(): string;
}
export const ILoggingContext: InterfaceToken<ILoggingContext> = interfaceToken<ILoggingContext>("ILoggingContext");

/** Makes the protocol of each connection. */
export interface IProtocolFactory {
  /** Null refuses the connection. */
  buildProtocol(addr: IAddress): IProtocol | null;
  /** Each port or connector calls it when it begins to use the factory. */
  doStart(): void;
  /** Each port or connector calls it when it is done with the factory. */
  doStop(): void;
}
export const IProtocolFactory: InterfaceToken<IProtocolFactory> = interfaceToken<IProtocolFactory>(
  "IProtocolFactory",
  [],
  ["buildProtocol", "doStart", "doStop"],
);

/** A factory that follows the attempts of a connector. */
export interface IClientFactory extends IProtocolFactory {
  startedConnecting(connector: IConnector): void;
  clientConnectionFailed(connector: IConnector, reason: Failure): void;
  clientConnectionLost(connector: IConnector, reason: Failure): void;
}
export const IClientFactory: InterfaceToken<IClientFactory> = interfaceToken<IClientFactory>(
  "IClientFactory",
  [IProtocolFactory],
  ["startedConnecting", "clientConnectionFailed", "clientConnectionLost"],
);

/** A factory whose connections choose a protocol in the TLS handshake (ALPN). To be declared. */
export interface IProtocolNegotiationFactory {
  /** In order of preference. */
  acceptableProtocols(): readonly string[];
}
export const IProtocolNegotiationFactory: InterfaceToken<IProtocolNegotiationFactory> =
  interfaceToken<IProtocolNegotiationFactory>("IProtocolNegotiationFactory");

/** A port that accepts connections. */
export interface IListeningPort {
  /** @throws CannotListenError if it cannot be bound. */
  startListening(): void;
  /** Fires when the port is closed and its number free again; connections made through it stay. */
  stopListening(): Deferred<void>;
  getHost(): IAddress;
}
export const IListeningPort: InterfaceToken<IListeningPort> = interfaceToken<IListeningPort>(
  "IListeningPort",
  [],
  ["startListening", "stopListening", "getHost"],
);

/** Makes a connection for a client factory, and again on demand. */
export interface IConnector {
  /** @throws RuntimeError in any state but "disconnected". */
  connect(): void;
  /** @throws NotConnectingError unless an attempt is under way. */
  stopConnecting(): void;
  /** Stops the attempt or closes the connection, whichever there is. */
  disconnect(): void;
  getDestination(): IAddress;
}
export const IConnector: InterfaceToken<IConnector> = interfaceToken<IConnector>(
  "IConnector",
  [],
  ["connect", "stopConnecting", "disconnect", "getDestination"],
);

// Names

export type AddressType = "IPv4" | "IPv6";

/** Looks up one IPv4 address of a name. */
export interface IResolverSimple {
  /** Fails with DNSLookupError. `timeout`: seconds for each try, as far as the resolver tries several times. */
  getHostByName(name: string, options?: { timeout?: readonly number[] }): Deferred<string>;
}
export const IResolverSimple: InterfaceToken<IResolverSimple> = interfaceToken<IResolverSimple>(
  "IResolverSimple",
  [],
  ["getHostByName"],
);

/** One lookup. */
export interface IHostResolution {
  readonly name: string;
  /** @throws NotImplementedError if it cannot be cancelled */
  cancel(): void;
}

/** Hears of the addresses of a name as they are found. */
export interface IResolutionReceiver {
  resolutionBegan(resolution: IHostResolution): void;
  addressResolved(address: IAddress): void;
  /** Once; without an address before it the lookup has failed. */
  resolutionComplete(): void;
}
export const IResolutionReceiver: InterfaceToken<IResolutionReceiver> = interfaceToken<IResolutionReceiver>(
  "IResolutionReceiver",
  [],
  ["resolutionBegan", "addressResolved", "resolutionComplete"],
);

export interface ResolveHostNameOptions {
  /** Goes into the addresses. Default 0. */
  portNumber?: number;
  /** Null (default) is all. */
  addressTypes?: readonly AddressType[] | null;
  /** Goes into the addresses. Default "TCP". */
  transportSemantics?: "TCP" | "UDP";
}

/** Looks up all addresses of a name. */
export interface IHostnameResolver {
  resolveHostName(receiver: IResolutionReceiver, hostName: string, options?: ResolveHostNameOptions): IHostResolution;
}
export const IHostnameResolver: InterfaceToken<IHostnameResolver> = interfaceToken<IHostnameResolver>(
  "IHostnameResolver",
  [],
  ["resolveHostName"],
);

/** A reactor whose name lookups can be replaced; installing either kind serves those who ask for the other too. */
export interface IReactorPluggableNameResolver {
  readonly nameResolver: IHostnameResolver;
  /** Returns the one before. */
  installNameResolver(resolver: IHostnameResolver): IHostnameResolver;
  /** Returns the one before. */
  installResolver(resolver: IResolverSimple): IResolverSimple;
}
export const IReactorPluggableNameResolver: InterfaceToken<IReactorPluggableNameResolver> =
  interfaceToken<IReactorPluggableNameResolver>(
    "IReactorPluggableNameResolver",
    [],
    ["installNameResolver", "installResolver"],
  );

// Endpoints

/** Where a server can listen. */
export interface IStreamServerEndpoint {
  /** Fails with CannotListenError. */
  listen(factory: IProtocolFactory): Deferred<IListeningPort>;
}
export const IStreamServerEndpoint: InterfaceToken<IStreamServerEndpoint> = interfaceToken<IStreamServerEndpoint>(
  "IStreamServerEndpoint",
  [],
  ["listen"],
);

/** Where a client can connect to. */
export interface IStreamClientEndpoint {
  /**
   * Fires with the protocol after its `connectionMade`. Fails with a ConnectError or what the factory throws, NoProtocol
   * when that gives none, ConnectingCancelledError. Of the later loss of the connection only the protocol is told.
   */
  connect(factory: IProtocolFactory): Deferred<IProtocol>;
}
export const IStreamClientEndpoint: InterfaceToken<IStreamClientEndpoint> = interfaceToken<IStreamClientEndpoint>(
  "IStreamClientEndpoint",
  [],
  ["connect"],
);

// Processes

/** A running child process. */
export interface IProcessTransport extends ITransport {
  /** Null after the process has ended. */
  readonly pid: number | null;
  closeStdin(): void;
  closeStdout(): void;
  closeStderr(): void;
  closeChildFD(fd: number): void;
  writeToChild(fd: number, data: BytesLike): void;
  /** Sends a signal by number or by name, "KILL" as well as "SIGKILL". @throws ProcessExitedAlready */
  signalProcess(signal: string | number): void;
}
export const IProcessTransport: InterfaceToken<IProcessTransport> = interfaceToken<IProcessTransport>(
  "IProcessTransport",
  [ITransport],
  ["closeStdin", "closeStdout", "closeStderr", "closeChildFD", "writeToChild", "signalProcess"],
);

/** A child of `spawnProcess`: as a consumer it is its standard input, as a push producer all its outputs. */
export interface IChildProcess extends IProcessTransport, IConsumer, IPushProducer {
  /** Signals its whole process group: for a child that was started with `newSession` or a terminal. @throws ProcessExitedAlready */
  signalGroup(signal: string | number): void;
}
export const IChildProcess: InterfaceToken<IChildProcess> = interfaceToken<IChildProcess>(
  "IChildProcess",
  [IProcessTransport, IConsumer, IPushProducer],
  ["signalGroup"],
);

/** A child on a terminal of its own. */
export interface ITerminalProcess extends IChildProcess {
  /** The terminal's device, such as `/dev/pts/3`. */
  readonly terminalName: string;
  /** Tells the programs in the terminal of its size; pixels may be 0. */
  setWindowSize(rows: number, columns: number, xPixels?: number, yPixels?: number): void;
}
export const ITerminalProcess: InterfaceToken<ITerminalProcess> = interfaceToken<ITerminalProcess>(
  "ITerminalProcess",
  [IChildProcess],
  ["terminalName", "setWindowSize"],
);

/** What lives on the descriptors of a child process. */
export interface IProcessProtocol {
  makeConnection(process: IProcessTransport): MaybeAsync;
  childDataReceived(childFD: number, data: Buffer): MaybeAsync;
  childConnectionLost(childFD: number): MaybeAsync;
  /** The process is gone; its descriptors may still deliver. */
  processExited(reason: Failure): MaybeAsync;
  /** Once, and the last call. The reason holds ProcessDone or ProcessTerminated. */
  processEnded(reason: Failure): MaybeAsync;
}
export const IProcessProtocol: InterfaceToken<IProcessProtocol> = interfaceToken<IProcessProtocol>(
  "IProcessProtocol",
  [],
  ["makeConnection", "childDataReceived", "childConnectionLost", "processExited", "processEnded"],
);

// Datagrams

/** What lives on a UDP port. Exceptions are logged and harm nobody. */
export interface IDatagramProtocol {
  makeConnection(transport: IUDPTransport): void;
  datagramReceived(data: Buffer, addr: readonly [host: string, port: number]): MaybeAsync;
  connectionRefused?(): MaybeAsync;
  /** The port is closed. */
  doStop(): void;
}
export const IDatagramProtocol: InterfaceToken<IDatagramProtocol> = interfaceToken<IDatagramProtocol>(
  "IDatagramProtocol",
  [],
  ["makeConnection", "datagramReceived", "doStop"],
);

/** A UDP port as its protocol sees it. Addresses are IP literals, never names. */
export interface IUDPTransport {
  /** @throws MessageLengthError, InvalidAddressError; AssertionError for another address than the connected one */
  write(packet: BytesLike, addr?: readonly [host: string, port: number] | null): void;
  /** From then on only to and from this address. @throws InvalidAddressError; RuntimeError the second time */
  connect(host: string, port: number): void;
  getHost(): IAddress;
  stopListening(): Deferred<void>;
  setBroadcastAllowed(enabled: boolean): void;
  getBroadcastAllowed(): boolean;
}
export const IUDPTransport: InterfaceToken<IUDPTransport> = interfaceToken<IUDPTransport>(
  "IUDPTransport",
  [],
  ["write", "connect", "getHost", "stopListening", "setBroadcastAllowed", "getBroadcastAllowed"],
);

/** A UDP port that can be in groups. */
export interface IMulticastTransport extends IUDPTransport {
  /** Fails with MulticastJoinError. */
  joinGroup(addr: string, interface_?: string): Deferred<void>;
  leaveGroup(addr: string, interface_?: string): Deferred<void>;
  getTTL(): number;
  setTTL(ttl: number): void;
  getLoopbackMode(): boolean;
  setLoopbackMode(enabled: boolean): void;
  getOutgoingInterface(): string;
  setOutgoingInterface(address: string): void;
}
export const IMulticastTransport: InterfaceToken<IMulticastTransport> = interfaceToken<IMulticastTransport>(
  "IMulticastTransport",
  [IUDPTransport],
  ["joinGroup", "leaveGroup", "getTTL", "setTTL"],
);

// The reactor

/** A call in the future. */
export interface IDelayedCall {
  /** When it is due, in the seconds of the clock that made it, delays added. */
  getTime(): number;
  /** @throws AlreadyCalled if it ran or is running, AlreadyCancelled if it was cancelled. */
  cancel(): void;
  /** Moves it to that many seconds from now. @throws AlreadyCalled, AlreadyCancelled */
  reset(secondsFromNow: number): void;
  /** Moves it by that many seconds; negative is sooner. @throws AlreadyCalled, AlreadyCancelled */
  delay(secondsLater: number): void;
  /** Neither called nor cancelled. */
  active(): boolean;
  /** In any state. */
  toString(): string;
}
export const IDelayedCall: InterfaceToken<IDelayedCall> = interfaceToken<IDelayedCall>(
  "IDelayedCall",
  [],
  ["getTime", "cancel", "reset", "delay", "active"],
);

/** Time, in seconds. */
export interface IReactorTime {
  /** Never goes back; the reactor's starts from the system's clock (seconds since 1970). */
  seconds(): number;
  /** Calls once, that many seconds from now. @throws AssertionError if the delay is negative. */
  callLater<A extends unknown[]>(delay: number, callable: (...args: A) => unknown, ...args: A): IDelayedCall;
  /** All that are pending, in any order. */
  getDelayedCalls(): IDelayedCall[];
}
export const IReactorTime: InterfaceToken<IReactorTime> = interfaceToken<IReactorTime>(
  "IReactorTime",
  [],
  ["seconds", "callLater", "getDelayedCalls"],
);

export interface RunOptions {
  /** Stop on SIGTERM, and on SIGINT if nobody else listens for it. Default true. */
  installSignalHandlers?: boolean;
}

/** The life of the reactor: start, events, stop. */
export interface IReactorCore {
  /** From the during phase of "startup" to the during phase of "shutdown". */
  readonly running: boolean;
  /** The IPv4 address of a name, within `timeout` seconds in all (default 60). Fails with DNSLookupError. */
  resolve(name: string, options?: { timeout?: readonly number[] }): Deferred<string>;
  /**
   * Fires "startup", keeps the process alive, and settles after the last "shutdown" trigger. Sockets and timers work
   * without it: Node's loop is already turning.
   * @throws ReactorAlreadyRunning, ReactorNotRestartable
   */
  run(options?: RunOptions): Promise<void>;
  /** Fires "shutdown" on the next turn. @throws ReactorNotRunning */
  stop(): void;
  /** Ends `run` with no triggers; connections stay, and the reactor may be run again. @throws ReactorNotRunning */
  crash(): void;
  /** @throws NotImplementedError: Node's loop cannot be turned by hand. */
  iterate(options?: { delay?: number }): never;
  fireSystemEvent(eventType: string): void;
  /** @throws KeyError for another phase, AssertionError if it cannot be called. */
  addSystemEventTrigger<A extends unknown[]>(
    phase: TriggerPhase,
    eventType: string,
    callable: (...args: A) => unknown,
    ...args: A
  ): SystemEventTriggerID;
  /** @throws TypeError, ValueError or KeyError for what is not, or no longer, a trigger. */
  removeSystemEventTrigger(triggerID: SystemEventTriggerID): void;
  /** Running: calls now and returns null. Else calls after "startup". */
  callWhenRunning<A extends unknown[]>(callable: (...args: A) => unknown, ...args: A): SystemEventTriggerID | null;
}
export const IReactorCore: InterfaceToken<IReactorCore> = interfaceToken<IReactorCore>(
  "IReactorCore",
  [],
  [
    "resolve",
    "run",
    "stop",
    "crash",
    "iterate",
    "fireSystemEvent",
    "addSystemEventTrigger",
    "removeSystemEventTrigger",
    "callWhenRunning",
  ],
);

/** Calls from anywhere, on a later turn of the loop, in order. */
export interface IReactorFromThreads {
  /** @throws AssertionError if it cannot be called. */
  callFromThread<A extends unknown[]>(callable: (...args: A) => unknown, ...args: A): void;
}
export const IReactorFromThreads: InterfaceToken<IReactorFromThreads> = interfaceToken<IReactorFromThreads>(
  "IReactorFromThreads",
  [],
  ["callFromThread"],
);

/** Calls beside the event loop: as far as Node can, see "threads". */
export interface IReactorInThreads {
  callInThread<A extends unknown[]>(callable: (...args: A) => unknown, ...args: A): void;
}
export const IReactorInThreads: InterfaceToken<IReactorInThreads> = interfaceToken<IReactorInThreads>(
  "IReactorInThreads",
  [],
  ["callInThread"],
);

export interface ListenUDPOptions {
  /** An IP literal; "" (default) is every IPv4 address. */
  interface?: string;
  /** Longer datagrams are cut. Default 8192. */
  maxPacketSize?: number;
}

export interface ListenMulticastOptions extends ListenUDPOptions {
  /** Several ports may have the same number. Default false. */
  listenMultiple?: boolean;
}

export interface IReactorUDP {
  /** Bound at once; the protocol's `startProtocol` runs in the call. @throws CannotListenError, InvalidAddressError */
  listenUDP(port: number, protocol: IDatagramProtocol, options?: ListenUDPOptions): IListeningPort & IUDPTransport;
}
export const IReactorUDP: InterfaceToken<IReactorUDP> = interfaceToken<IReactorUDP>("IReactorUDP", [], ["listenUDP"]);

export interface IReactorMulticast {
  /** @throws CannotListenError, InvalidAddressError */
  listenMulticast(
    port: number,
    protocol: IDatagramProtocol,
    options?: ListenMulticastOptions,
  ): IListeningPort & IMulticastTransport;
}
export const IReactorMulticast: InterfaceToken<IReactorMulticast> = interfaceToken<IReactorMulticast>(
  "IReactorMulticast",
  [],
  ["listenMulticast"],
);

export interface ListenTCPOptions {
  /** Connections the system holds before we accept them. Default 50. */
  backlog?: number;
  /** An IPv4 or IPv6 literal; "" (default) is every address of the host, IPv6 and IPv4. */
  interface?: string;
}

export interface ConnectTCPOptions {
  /** Seconds until the attempt fails with TimeoutError; null is no end. Default 30. */
  timeout?: number | null;
  /** The local end: address and port. */
  bindAddress?: readonly [host: string, port: number] | null;
}

export interface IReactorTCP {
  /** Listens at once; port 0 is any free one. @throws CannotListenError */
  listenTCP(port: number, factory: IProtocolFactory, options?: ListenTCPOptions): IListeningPort;
  /** Connects to a name (looked up as IPv4 only) or to an IPv4 or IPv6 literal. */
  connectTCP(host: string, port: number, factory: IClientFactory, options?: ConnectTCPOptions): IConnector;
}
export const IReactorTCP: InterfaceToken<IReactorTCP> = interfaceToken<IReactorTCP>(
  "IReactorTCP",
  [],
  ["listenTCP", "connectTCP"],
);

export interface IReactorSSL {
  /** `listenTCP` with TLS on each connection. @throws CannotListenError, and what the context factory throws */
  listenSSL(
    port: number,
    factory: IProtocolFactory,
    contextFactory: ITLSContextFactory,
    options?: ListenTCPOptions,
  ): IListeningPort;
  /** `connectTCP` with TLS. @throws what the context factory throws */
  connectSSL(
    host: string,
    port: number,
    factory: IClientFactory,
    contextFactory: ITLSContextFactory,
    options?: ConnectTCPOptions,
  ): IConnector;
}
export const IReactorSSL: InterfaceToken<IReactorSSL> = interfaceToken<IReactorSSL>(
  "IReactorSSL",
  [],
  ["listenSSL", "connectSSL"],
);

export interface ListenUNIXOptions {
  /** Connections the system holds before we accept them. Default 50. */
  backlog?: number;
  /** The permissions of the socket's file. Default 0o666. */
  mode?: number;
  /** Hold the lock `<path>.lock`, and replace the socket of a process that has died. Default false. */
  wantPID?: boolean;
}

export interface ConnectUNIXOptions {
  /** Seconds until the attempt fails with TimeoutError; null is no end. Default 30. */
  timeout?: number | null;
  /** Fail with BadFileError unless a living process holds `<path>.lock`. Default false. */
  checkPID?: boolean;
}

/** UNIX stream sockets. A name that begins with a NUL byte is abstract: no file (Linux). */
export interface IReactorUNIX {
  /** Listens at once. @throws CannotListenError; ValueError for a lock on an abstract name */
  listenUNIX(address: string, factory: IProtocolFactory, options?: ListenUNIXOptions): IListeningPort;
  connectUNIX(address: string, factory: IClientFactory, options?: ConnectUNIXOptions): IConnector;
}
export const IReactorUNIX: InterfaceToken<IReactorUNIX> = interfaceToken<IReactorUNIX>(
  "IReactorUNIX",
  [],
  ["listenUNIX", "connectUNIX"],
);

/** What kind of addresses a socket has. */
export type AddressFamily = "IPv4" | "IPv6" | "UNIX";

/** Sockets that are open already. The descriptor is taken over: do not close it. */
export interface IReactorSocket {
  /** @throws CannotListenError, UnsupportedAddressFamily */
  adoptStreamPort(fileDescriptor: number, addressFamily: AddressFamily, factory: IProtocolFactory): IListeningPort;
  /** The factory is neither started nor stopped. @throws UnsupportedAddressFamily */
  adoptStreamConnection(fileDescriptor: number, addressFamily: AddressFamily, factory: IProtocolFactory): void;
  /** @throws CannotListenError, UnsupportedAddressFamily */
  adoptDatagramPort(
    fileDescriptor: number,
    addressFamily: AddressFamily,
    protocol: IDatagramProtocol,
    options?: { maxPacketSize?: number },
  ): IListeningPort;
}
export const IReactorSocket: InterfaceToken<IReactorSocket> = interfaceToken<IReactorSocket>(
  "IReactorSocket",
  [],
  ["adoptStreamPort", "adoptStreamConnection", "adoptDatagramPort"],
);

/** The terminal that a child gets. */
export interface TerminalOptions {
  /** Default 24. */
  rows?: number;
  /** Default 80. */
  columns?: number;
  xPixels?: number;
  yPixels?: number;
  /** Operands for stty(1), which sets up the terminal before the program runs: `["-echo", "intr", "^C"]`. */
  modes?: readonly string[];
  /** The environment variable that gets the terminal's name. */
  nameVariable?: string;
}

export interface SpawnProcessOptions {
  /** Exactly its environment: by default empty; null is ours. */
  env?: Readonly<Record<string, string>> | null;
  /** Its working directory; null (default) is ours. */
  path?: string | null;
  /** Whom it runs as, with all the groups that the user is in; only root can run somebody else's. */
  uid?: number | null;
  gid?: number | null;
  /** A terminal of its own in place of pipes; it needs the package `node-pty`. */
  usePTY?: boolean | TerminalOptions;
  /**
   * What each descriptor of the child is: `"w"` we write to, `"r"` we read from, a number is a descriptor of ours.
   * Default `{ 0: "w", 1: "r", 2: "r" }`; what is not named it has not.
   */
  childFDs?: Readonly<Record<number, "r" | "w" | number>> | null;
  /** Makes it the leader of a session and process group of its own, as a terminal always does. */
  newSession?: boolean;
}

export interface IReactorProcess {
  /**
   * Starts a program; the protocol is connected before this returns. `args` begins with the program's own name for
   * itself; without any it is `executable`, which is looked up in the child's PATH unless it has a slash.
   * @throws OSError when it cannot be started, NotImplementedError when there is no `node-pty` for a terminal, ValueError
   */
  spawnProcess(
    processProtocol: IProcessProtocol,
    executable: string,
    args: readonly string[],
    options: SpawnProcessOptions & { usePTY: true | TerminalOptions },
  ): ITerminalProcess;
  spawnProcess(
    processProtocol: IProcessProtocol,
    executable: string,
    args?: readonly string[],
    options?: SpawnProcessOptions,
  ): IChildProcess;
}
export const IReactorProcess: InterfaceToken<IReactorProcess> = interfaceToken<IReactorProcess>(
  "IReactorProcess",
  [],
  ["spawnProcess"],
);

/** All that the reactor of this package does. */
export interface IReactor
  extends
    IReactorCore,
    IReactorTime,
    IReactorFromThreads,
    IReactorTCP,
    IReactorProcess,
    IReactorSSL,
    IReactorUNIX,
    IReactorSocket,
    IReactorUDP,
    IReactorMulticast,
    IReactorInThreads,
    IReactorPluggableNameResolver {}
export const IReactor: InterfaceToken<IReactor> = interfaceToken<IReactor>("IReactor", [
  IReactorCore,
  IReactorTime,
  IReactorFromThreads,
  IReactorTCP,
  IReactorProcess,
  IReactorSSL,
  IReactorUNIX,
  IReactorSocket,
  IReactorUDP,
  IReactorMulticast,
  IReactorInThreads,
  IReactorPluggableNameResolver,
]);
