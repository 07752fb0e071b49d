/** The ends of connections (twisted.internet.address). Addresses are values: compare them with `equals`. */
import { statSync } from "node:fs";
import { ValueError } from "./exceptions.js";
import type { IAddress } from "./interfaces.js";

export type InternetType = "TCP" | "UDP";

/** Host and port of an IPv4 socket. */
export class IPv4Address implements IAddress {
  readonly type: InternetType;
  readonly host: string;
  readonly port: number;

  /** @throws ValueError unless the type is "TCP" or "UDP". */
  constructor(type: InternetType, host: string, port: number) {
    this.type = checked(type);
    this.host = host;
    this.port = port;
  }

  equals(other: unknown): boolean {
    return (
      other instanceof IPv4Address && other.type === this.type && other.host === this.host && other.port === this.port
    );
  }

  toString(): string {
    return `IPv4Address(type=${this.type}, host=${this.host}, port=${this.port})`;
  }
}

/** Host and port of an IPv6 socket. */
export class IPv6Address implements IAddress {
  readonly type: InternetType;
  /** Keeps its `%scope` suffix if it has one. */
  readonly host: string;
  readonly port: number;
  readonly flowInfo: number;
  readonly scopeID: number | string;

  /** @throws ValueError unless the type is "TCP" or "UDP". */
  constructor(type: InternetType, host: string, port: number, flowInfo = 0, scopeID: number | string = 0) {
    this.type = checked(type);
    this.host = host;
    this.port = port;
    this.flowInfo = flowInfo;
    this.scopeID = scopeID;
  }

  equals(other: unknown): boolean {
    return (
      other instanceof IPv6Address &&
      other.type === this.type &&
      other.host === this.host &&
      other.port === this.port &&
      other.flowInfo === this.flowInfo &&
      other.scopeID === this.scopeID
    );
  }

  toString(): string {
    return `IPv6Address(type=${this.type}, host=${this.host}, port=${this.port})`;
  }
}

/** A UNIX socket; the name is null for an end that was never bound to a file. */
export class UNIXAddress implements IAddress {
  readonly name: Buffer | null;

  constructor(name: Buffer | string | null) {
    this.name = typeof name === "string" ? Buffer.from(name) : name;
  }

  /** Also true when both names lead to the same file. */
  equals(other: unknown): boolean {
    if (!(other instanceof UNIXAddress)) return false;
    if (this.name === null || other.name === null) return this.name === other.name;
    return this.name.equals(other.name) || sameFile(this.name, other.name);
  }

  toString(): string {
    return this.name === null ? "UNIXAddress(null)" : `UNIXAddress(${JSON.stringify(this.name.toString())})`;
  }
}

/** A name that was connected to, or was to be. */
export class HostnameAddress implements IAddress {
  readonly hostname: Buffer;
  readonly port: number;

  constructor(hostname: Buffer | string, port: number) {
    this.hostname = Buffer.from(hostname as string);
    this.port = port;
  }

  equals(other: unknown): boolean {
    return other instanceof HostnameAddress && other.hostname.equals(this.hostname) && other.port === this.port;
  }

  toString(): string {
    return `HostnameAddress(hostname=${this.hostname.toString()}, port=${this.port})`;
  }
}

/** The ends of standard input and output, and of other pipes. */
export class PipeAddress implements IAddress {
  equals(other: unknown): boolean {
    return other instanceof PipeAddress;
  }

  toString(): string {
    return "PipeAddress()";
  }
}

/** The address of a socket as Node tells it; an IPv4 peer of a socket for both families is an IPv4Address. */
export function internetAddress(type: InternetType, host: string, port: number): IPv4Address | IPv6Address {
  if (!host.includes(":")) return new IPv4Address(type, host, port);
  return MAPPED.test(host) ? new IPv4Address(type, host.slice(7), port) : new IPv6Address(type, host, port);
}

const MAPPED = /^::ffff:\d+\.\d+\.\d+\.\d+$/i; // RFC 4291 section 2.5.5.2

function checked(type: InternetType): InternetType {
  // JavaScript callers may pass anything.
  if (!["TCP", "UDP"].includes(type)) throw new ValueError(`the type of an address is "TCP" or "UDP", not ${type}`);
  return type;
}

function sameFile(a: Buffer, b: Buffer): boolean {
  if (a.includes(0) || b.includes(0)) return false; // an abstract name is no file
  const [one, two] = [statSync(a, { throwIfNoEntry: false }), statSync(b, { throwIfNoEntry: false })];
  return one !== undefined && one.dev === two?.dev && one.ino === two.ino;
}
