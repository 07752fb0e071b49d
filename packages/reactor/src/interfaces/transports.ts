/** Connections as protocols see them. */
import type { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import type { PeerCertificate, SecureContext } from "node:tls";
import { type InterfaceToken, interfaceToken } from "../components.js";
import { IConsumer, IPushProducer } from "./producers.js";
import type { BytesLike, IAddress } from "./values.js";

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
  /** Which of its port's connections this is, from 0; -1 for a client's. A transport that is no socket may have none. */
  readonly sessionno?: number;
  /** Bytes written and not yet taken by the system; where it is missing, nobody knows. Memory of ours that was written may be used again at 0. */
  readonly bufferedBytes?: number;
  /** Of them, more than so many pause a push producer; may be set, 65,536 by default. */
  bufferSize?: number;
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
