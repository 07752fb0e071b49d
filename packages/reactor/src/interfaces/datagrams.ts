/** Protocols and ports of datagrams. */
import { type InterfaceToken, interfaceToken } from "../components.js";
import type { Deferred } from "../defer.js";
import type { BytesLike, IAddress, MaybeAsync } from "./values.js";

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

export interface GroupOptions {
  /** The address of ours by which the group is joined; "" leaves it to the system. The option itself may stand for all. */
  readonly interface?: string;
}

/** A UDP port that can be in groups. */
export interface IMulticastTransport extends IUDPTransport {
  /** Fails with MulticastJoinError. */
  joinGroup(addr: string, options?: GroupOptions | string): Deferred<void>;
  leaveGroup(addr: string, options?: GroupOptions | string): Deferred<void>;
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
