/** Where one connection listens for its peer (RFC 4254 section 7.1; OpenSSH's PROTOCOL, section 2.4). */
import { reactor as theReactor } from "@strombus/reactor";
import { CannotListenError } from "@strombus/reactor/error";
import type { HostnameReactor } from "@strombus/reactor/endpoints";
import type { IAddress, IListeningPort, IReactorUNIX } from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";
import { isIP } from "node:net";
import type { Dependent } from "../channel/acting.js";
import { forwarding } from "../channel/records.js";
import { report } from "../events/report.js";
import { peerLog } from "../peer-log.js";
import type { SSHConnection } from "../ssh/connection.js";
import {
  SSHListenForwardingFactory,
  SSHListenServerForwardingChannel,
  StreamlocalForwardingFactory,
  StreamlocalServerChannel,
} from "./listening.js";

const log = new Logger({ namespace: "strombus.conch.ssh.forwarding" });

/** The most requests to listen that one connection may have. */
const MAX_LISTENERS = 64;

/** A socket of the file system is its owner's alone. */
const OWNER_ONLY = 0o600;

const STREAMLOCAL = "streamlocal-forward@openssh.com";

/** What connects and listens. */
export type ForwardingReactor = HostnameReactor & IReactorUNIX;

interface Listening {
  /** What was asked for: a port may be 0. */
  readonly host: string;
  readonly askedPort: number;
  readonly port: number;
  readonly ports: readonly IListeningPort[];
}

/** What listens for the client of one connection, and ends with it. */
export class ForwardingListeners implements Dependent {
  readonly #conn: SSHConnection;
  readonly #reactor: ForwardingReactor;
  readonly #tcp: Listening[] = [];
  readonly #unix = new Map<string, IListeningPort>();

  constructor(conn: SSHConnection, reactor: ForwardingReactor = theReactor) {
    this.#conn = conn;
    this.#reactor = reactor;
  }

  /**
   * Listens for the peer, and tells it of each connection by the host that it asked for.
   * @param anywhere whether addresses that others reach are meant as they are asked for; else they mean this machine's own
   * @returns the port, a free one if 0 was asked for
   * @throws CannotListenError
   */
  listenTCP(host: string, askedPort: number, { anywhere = false } = {}): number {
    const addresses = addressesFor(host, anywhere);
    if (addresses.length === 0 || this.#count >= MAX_LISTENERS) {
      throw new CannotListenError(host, askedPort, new Error("not an address of this machine, or too many listeners"));
    }
    const ports: IListeningPort[] = [];
    let port = askedPort;
    let failure: unknown;
    for (const address of addresses) {
      try {
        const factory = new SSHListenForwardingFactory(this.#conn, [host, port], SSHListenServerForwardingChannel);
        const listening = this.#reactor.listenTCP(port, factory, { interface: address });
        ports.push(listening);
        port = (listening.getHost() as IAddress & { readonly port: number }).port;
        factory.hostport = [host, port];
      } catch (error) {
        failure = error;
        if (!lacksAddress(error)) break;
      }
    }
    if (ports.length === 0 || (failure !== undefined && !lacksAddress(failure))) {
      stop(ports);
      throw failure;
    }
    this.#tcp.push({ host, askedPort, port, ports });
    this.#conn.dependents.add(this);
    report(this.#conn.transport, "ssh.forwarding.opened", forwarding("tcpip-forward", host, port));
    peerLog(log, this.#conn.transport).info("listening on {host}:{port} for the peer", {
      host: addresses.join(" and "),
      port,
    });
    return port;
  }

  /** Whether it listened there; a free port may be named by itself or by 0. */
  cancelTCP(host: string, port: number): boolean {
    const found = this.#tcp.find((each) => each.host === host && (each.port === port || each.askedPort === port));
    if (found === undefined) return false;
    this.#tcp.splice(this.#tcp.indexOf(found), 1);
    this.#closed(found);
    stop(found.ports);
    this.#forget();
    return true;
  }

  /** @throws CannotListenError, also when there is a file already */
  listenUNIX(path: string): void {
    if (this.#unix.has(path) || this.#count >= MAX_LISTENERS) {
      throw new CannotListenError(path, -1, new Error("there is one already, or too many"));
    }
    const factory = new StreamlocalForwardingFactory(this.#conn, path, StreamlocalServerChannel);
    this.#unix.set(path, this.#reactor.listenUNIX(path, factory, { mode: OWNER_ONLY }));
    this.#conn.dependents.add(this);
    report(this.#conn.transport, "ssh.forwarding.opened", forwarding(STREAMLOCAL, path, null));
    peerLog(log, this.#conn.transport).info("listening on {path} for the peer", { path });
  }

  cancelUNIX(path: string): boolean {
    const port = this.#unix.get(path);
    if (port === undefined) return false;
    this.#unix.delete(path);
    report(this.#conn.transport, "ssh.forwarding.closed", forwarding(STREAMLOCAL, path, null));
    stop([port]);
    this.#forget();
    return true;
  }

  /** Connections that were accepted end with their channels. */
  connectionLost(): void {
    for (const each of this.#tcp) this.#closed(each);
    for (const path of this.#unix.keys()) {
      report(this.#conn.transport, "ssh.forwarding.closed", forwarding(STREAMLOCAL, path, null));
    }
    stop(this.#tcp.splice(0).flatMap(({ ports }) => ports));
    stop([...this.#unix.values()]);
    this.#unix.clear();
  }

  get #count(): number {
    return this.#tcp.length + this.#unix.size;
  }

  #closed({ host, port }: Listening): void {
    report(this.#conn.transport, "ssh.forwarding.closed", forwarding("tcpip-forward", host, port));
  }

  /** Without listeners it keeps its connection no longer in use. */
  #forget(): void {
    if (this.#count === 0) this.#conn.dependents.delete(this);
  }
}

/**
 * The addresses to listen on for what was asked (RFC 4254 section 7.1): "" is all, "localhost" this machine's own of both
 * families. Unless others may be served, all but a loopback address means "localhost", as with OpenSSH.
 */
export function addressesFor(host: string, anywhere: boolean): string[] {
  const loopback = ["127.0.0.1", "::1"];
  if (loopback.includes(host)) return [host];
  if (host === "localhost" || !anywhere) return loopback;
  if (host === "" || host === "*") return [""];
  return isIP(host) === 0 ? [] : [host];
}

/** A machine may have no IPv6, or no IPv4: one family is enough then. */
function lacksAddress(error: unknown): boolean {
  const { code } = ((error as Partial<CannotListenError>).socketError ?? {}) as { code?: string };
  return code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT";
}

function stop(ports: readonly IListeningPort[]): void {
  for (const port of ports) {
    port.stopListening().addErrback((reason) => log.failure("a port for the peer did not close", reason));
  }
}
