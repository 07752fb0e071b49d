/** A socket for datagrams in memory, to those who use it one of node:dgram's. */
import type { BindOptions, SocketOptions } from "node:dgram";
import { EventEmitter } from "node:events";
import { isIPv6 } from "node:net";
import type { Network } from "./network.js";
import { systemError } from "./system-error.js";

export class MemoryDatagramSocket extends EventEmitter {
  host = "";
  port = 0;
  readonly reuses: boolean;
  /** Those it has joined. */
  readonly groups = new Set<string>();
  loopback = true;
  readonly #network: Network;
  readonly #family: 4 | 6;
  #peer: { host: string; port: number } | null = null;
  #broadcasts = false;
  #isClosed = false;

  constructor(network: Network, { type, reuseAddr = false }: SocketOptions) {
    super();
    this.#network = network;
    this.#family = type === "udp6" ? 6 : 4;
    this.reuses = reuseAddr;
  }

  /** Bound when it returns, or "error" has told why not. */
  bind({ port = 0, address }: BindOptions): this {
    this.host = address ?? (this.#family === 6 ? "::" : "0.0.0.0");
    this.port = port === 0 ? this.#network.freePort() : port;
    const problem = this.#network.isLocal(this.host) ? this.#network.bind(this) : "EADDRNOTAVAIL";
    if (problem !== null) this.emit("error", systemError(problem, "bind"));
    return this;
  }

  address(): { address: string; port: number; family: string } {
    return { address: this.host, port: this.port, family: `IPv${this.#family}` };
  }

  /** `send(data, port, host, done)`, or `send(data, done)` when it is connected. */
  send(data: Buffer, ...rest: [number, string, (error: Error | null) => void] | [(error: Error | null) => void]): void {
    const [port, host, done] = rest.length === 1 ? [this.#peer?.port ?? 0, this.#peer?.host ?? "", rest[0]] : rest;
    if (host === "255.255.255.255" && !this.#broadcasts) {
      done(systemError("EACCES", "send"));
      return;
    }
    this.#network.send(this, Buffer.from(data), host, port);
    done(null);
  }

  connect(port: number, host: string): void {
    this.#peer = { host, port };
  }

  /** A connected socket hears its peer alone. */
  hears(from: MemoryDatagramSocket): boolean {
    return this.#peer === null || this.#peer.port === from.port;
  }

  refused(): void {
    if (this.#peer !== null && !this.#isClosed) this.emit("error", systemError("ECONNREFUSED", "recv"));
  }

  close(): this {
    this.#isClosed = true;
    this.#network.unbind(this);
    return this;
  }

  addMembership(group: string): void {
    if (!isGroup(group)) throw systemError("EINVAL", "addMembership");
    this.groups.add(group);
  }

  dropMembership(group: string): void {
    if (!this.groups.delete(group)) throw systemError("EADDRNOTAVAIL", "dropMembership");
  }

  setBroadcast(enabled: boolean): void {
    this.#broadcasts = enabled;
  }

  setMulticastLoopback(enabled: boolean): void {
    this.loopback = enabled;
  }

  setMulticastTTL(): void {}

  setMulticastInterface(): void {}
}

function isGroup(address: string): boolean {
  return isIPv6(address) ? /^ff/i.test(address) : /^(22[4-9]|23\d)\./.test(address);
}
