/** A network in memory: who listens where, and what happens on the way. Nothing arrives in the turn in which it is sent. */
import type * as net from "node:net";
import { isIPv6 } from "node:net";
import type { Timer } from "../../stream/host.js";
import type { MemoryDatagramSocket } from "./datagram-socket.js";
import { MemorySocket } from "./stream-socket.js";
import { systemError } from "./system-error.js";

const FIRST_FREE_PORT = 49152; // RFC 6335 section 6
const ANY = { 4: "0.0.0.0", 6: "::" } as const;

/** The two ends of a stream, as sockets of Node's have them. */
export interface Ends {
  readonly localAddress?: string;
  readonly localPort?: number;
  readonly remoteAddress?: string;
  readonly remotePort?: number;
}

export class Network {
  /** The addresses of this host besides those of the loopback. What is sent to any other gets no answer. */
  readonly addresses = new Set<string>();
  /** Counts all that happens: the network is quiet as long as it stays. */
  activity = 0;
  readonly #streams = new Map<string, net.Server>();
  readonly #datagrams = new Set<MemoryDatagramSocket>();
  #lastPort = FIRST_FREE_PORT - 1;

  /** @param timer the time in which its sockets live */
  constructor(readonly timer: Timer) {}

  /** Something that happens on a later turn. */
  later(happen: () => void): void {
    setImmediate(() => {
      this.activity += 1;
      happen();
    });
  }

  freePort(): number {
    return ++this.#lastPort;
  }

  /** The literal is an address of this host, or stands for all. */
  isLocal(address: string): boolean {
    return ["", ANY[4], ANY[6], "::1"].includes(address) || address.startsWith("127.") || this.addresses.has(address);
  }

  // Streams

  /** @returns null, or the code of the error */
  listen(name: string, server: net.Server): string | null {
    if (this.#streams.has(name)) return "EADDRINUSE";
    this.#streams.set(name, server);
    return null;
  }

  close(name: string, server: net.Server): void {
    if (this.#streams.get(name) === server) this.#streams.delete(name);
  }

  /** Whether somebody listens by one of these names, of which the first that is known counts. */
  isListening(...names: string[]): boolean {
    return names.some((name) => this.#streams.has(name));
  }

  /** Joins a socket to a new one of whoever listens by one of these names; else it is refused. */
  connect(socket: MemorySocket, names: readonly string[], { localAddress, localPort, ...ends }: Ends): void {
    this.later(() => {
      if (socket.destroyed) return;
      const name = names.find((each) => this.#streams.has(each));
      if (name === undefined) {
        socket.destroy(systemError("ECONNREFUSED", "connect"));
        return;
      }
      const there = new MemorySocket(this, {
        ...(ends.remoteAddress === undefined ? {} : { localAddress: ends.remoteAddress }),
        ...(ends.remotePort === undefined ? {} : { localPort: ends.remotePort }),
        ...(localAddress === undefined ? {} : { remoteAddress: localAddress }),
        ...(localPort === undefined ? {} : { remotePort: localPort }),
      });
      Object.assign(socket, { localAddress, localPort }, ends);
      there.join(socket);
      socket.join(there);
      this.#streams.get(name)!.emit("connection", there as unknown as net.Socket);
      socket.emit("connect");
    });
  }

  // Datagrams

  /** @returns null, or the code of the error */
  bind(socket: MemoryDatagramSocket): string | null {
    for (const other of this.#datagrams) {
      const same = other.port === socket.port && overlap(other.host, socket.host);
      if (same && !(other.reuses && socket.reuses)) return "EADDRINUSE";
    }
    this.#datagrams.add(socket);
    return null;
  }

  unbind(socket: MemoryDatagramSocket): void {
    this.#datagrams.delete(socket);
  }

  /** To whoever it is for; if that is nobody, and the sender is connected, it hears so. */
  send(from: MemoryDatagramSocket, data: Buffer, host: string, port: number): void {
    const isGroup = /^(22[4-9]|23\d)\.|^ff/i.test(host);
    this.later(() => {
      let isTaken = isGroup || host === "255.255.255.255";
      for (const socket of [...this.#datagrams]) {
        if (socket.port !== port || isIPv6(socket.host) !== isIPv6(host)) continue;
        if (isGroup ? !socket.groups.has(host) || (socket === from && !from.loopback) : !reaches(host, socket.host)) {
          continue;
        }
        if (!socket.hears(from)) continue;
        isTaken = true;
        const { address, port: sender } = from.address();
        const [any, loopback] = isIPv6(address) ? [ANY[6], "::1"] : [ANY[4], "127.0.0.1"];
        socket.emit("message", Buffer.from(data), { address: address === any ? loopback : address, port: sender });
        if (!isGroup && host !== "255.255.255.255") break;
      }
      if (!isTaken && this.isLocal(host)) from.refused();
    });
  }
}

/** The names under which a port of this address may be listening, the most exact first. */
export function namesOf(address: string, port: number): string[] {
  const any = isIPv6(address) ? [ANY[6]] : [ANY[4], ANY[6]];
  return [address, ...any].map((each) => tcpName(each, port));
}

export function tcpName(address: string, port: number): string {
  return `tcp ${port} ${address}`;
}

function overlap(one: string, other: string): boolean {
  if (isIPv6(one) !== isIPv6(other)) return false;
  return one === other || [one, other].some((each) => each === ANY[4] || each === ANY[6]);
}

function reaches(host: string, bound: string): boolean {
  return host === "255.255.255.255" ? bound === ANY[4] : overlap(host, bound);
}
