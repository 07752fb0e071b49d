/** Protocols, their factories, and the ports and connectors that use those. */
import { type InterfaceToken, interfaceToken } from "../components.js";
import type { Deferred } from "../defer.js";
import type { Failure } from "../failure.js";
import type { ITransport } from "./transports.js";
import type { IAddress, MaybeAsync } from "./values.js";

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

/**
 * A protocol that keeps nothing of the bytes it gets, or copies what it keeps: it may be lent them, so that nothing is
 * allocated for them.
 */
export interface LentDataProtocol extends IProtocol {
  /** Asked when the connection begins: whether `lentDataReceived` is to be called where data can be lent. */
  readonly takesLentData: boolean;
  /** As `dataReceived`, but once it returns the bytes are those of another connection. Until then they may be changed. */
  lentDataReceived(data: Buffer): MaybeAsync;
}

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
