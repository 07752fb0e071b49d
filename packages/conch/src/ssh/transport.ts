/** SSH transport (skeleton; being written). */
import { Protocol } from "@strombus/reactor/protocol";
import type { BytesLike } from "../wire/writer.js";
import type { SSHTransportAddress } from "./address.js";

/** What a transport asks of the service that runs on it. */
export interface TransportService {
  readonly name: string | null;
  transport: SSHTransportBase | null;
  serviceStarted(): void;
  serviceStopped(): void;
  packetReceived(messageNum: number, packet: Buffer): unknown;
}

export abstract class SSHTransportBase extends Protocol {
  isClient = false;
  /** The first exchange hash, for ever. */
  sessionID: Buffer | null = null;
  service: TransportService | null = null;
  /** Set on a server when a client has logged in; `undefined` means nobody has. */
  avatar: unknown = undefined;
  logoutFunction: (() => unknown) | null = null;
  peerExtensions = new Map<string, Buffer>();
  abstract sendPacket(messageType: number, payload: BytesLike): void;
  /** Ends the connection: DISCONNECT with a reason of RFC 4253 section 11.1, then the transport's loseConnection. */
  abstract sendDisconnect(reason: number, desc: string): void;
  abstract sendUnimplemented(): void;
  /** Stops the running service, if any, and starts this one (its `transport` is set first). */
  abstract setService(service: TransportService): void;
  abstract isEncrypted(direction?: "in" | "out" | "both"): boolean;
  abstract isVerified(direction?: "in" | "out" | "both"): boolean;
  abstract loseConnection(): void;
  abstract getPeer(): SSHTransportAddress;
  abstract getHost(): SSHTransportAddress;
}

export const DISCONNECT_HOST_NOT_ALLOWED_TO_CONNECT = 1;
export const DISCONNECT_PROTOCOL_ERROR = 2;
export const DISCONNECT_KEY_EXCHANGE_FAILED = 3;
export const DISCONNECT_RESERVED = 4;
export const DISCONNECT_MAC_ERROR = 5;
export const DISCONNECT_COMPRESSION_ERROR = 6;
export const DISCONNECT_SERVICE_NOT_AVAILABLE = 7;
export const DISCONNECT_PROTOCOL_VERSION_NOT_SUPPORTED = 8;
export const DISCONNECT_HOST_KEY_NOT_VERIFIABLE = 9;
export const DISCONNECT_CONNECTION_LOST = 10;
export const DISCONNECT_BY_APPLICATION = 11;
export const DISCONNECT_TOO_MANY_CONNECTIONS = 12;
export const DISCONNECT_AUTH_CANCELLED_BY_USER = 13;
export const DISCONNECT_NO_MORE_AUTH_METHODS_AVAILABLE = 14;
export const DISCONNECT_ILLEGAL_USER_NAME = 15;
