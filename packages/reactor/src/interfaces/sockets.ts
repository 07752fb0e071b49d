/** Opening streams and datagrams by a reactor. */
import { type InterfaceToken, interfaceToken } from "../components.js";
import type { IDatagramProtocol, IMulticastTransport, IUDPTransport } from "./datagrams.js";
import type { IClientFactory, IConnector, IListeningPort, IProtocolFactory } from "./protocols.js";
import type { ITLSContextFactory } from "./transports.js";

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
