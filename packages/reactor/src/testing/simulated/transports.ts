/** The ports and connectors of the real reactor, on a network in memory. */
import type { Socket as DatagramSocket, SocketOptions } from "node:dgram";
import * as net from "node:net";
import { type IPv4Address, type IPv6Address, internetAddress, UNIXAddress } from "../../address.js";
import { BadFileError, ConnectError, getConnectError } from "../../error.js";
import { ValueError } from "../../exceptions.js";
import type {
  ConnectTCPOptions,
  ConnectUNIXOptions,
  IClientFactory,
  IProtocolFactory,
  ITLSContextFactory,
  ListenTCPOptions,
  ListenUNIXOptions,
} from "../../interfaces.js";
import { StreamConnector } from "../../stream/connector.js";
import type { TransportHost } from "../../stream/host.js";
import { cannotListen, StreamPort } from "../../stream/port.js";
import { TCPConnector } from "../../stream/tcp-connector.js";
import { TCPPort } from "../../stream/tcp-port.js";
import { UDPPort } from "../../udp.js";
import { MemoryDatagramSocket } from "./datagram-socket.js";
import { type Network, namesOf, tcpName } from "./network.js";
import { MemorySocket } from "./stream-socket.js";
import { systemError } from "./system-error.js";

/** What they need of their reactor. */
export interface SimulatedHost extends TransportHost {
  readonly network: Network;
  resolve(name: string): ReturnType<NonNullable<TransportHost["resolve"]>>;
}

export class SimulatedTCPPort extends TCPPort {
  readonly #network: Network;
  readonly #port: number;
  readonly #interface: string;
  #server: net.Server | null = null;
  #name = "";

  constructor(
    host: SimulatedHost,
    port: number,
    factory: IProtocolFactory,
    options: ListenTCPOptions = {},
    tls: ITLSContextFactory | null = null,
  ) {
    super(host, port, factory, options, tls);
    this.#network = host.network;
    this.#port = port;
    this.#interface = options.interface ?? "";
  }

  protected override bind(server: net.Server): IPv4Address | IPv6Address {
    this.checkAddress();
    const address = this.#interface === "" ? "::" : this.#interface;
    const port = this.#port === 0 ? this.#network.freePort() : this.#port;
    this.#name = tcpName(address, port);
    const problem = this.#network.isLocal(address) ? this.#network.listen(this.#name, server) : "EADDRNOTAVAIL";
    if (problem !== null) throw cannotListen(this.#interface, port, systemError(problem, "bind").errno ?? 0);
    this.#server = server;
    return internetAddress("TCP", address, port);
  }

  protected override unbound(): void {
    if (this.#server !== null) this.#network.close(this.#name, this.#server);
    this.#server = null;
  }
}

export class SimulatedTCPConnector extends TCPConnector {
  readonly #host: SimulatedHost;
  readonly #name: string;
  readonly #port: number;
  readonly #bindAddress: readonly [string, number] | null;

  constructor(
    host: SimulatedHost,
    name: string,
    port: number,
    factory: IClientFactory,
    options: ConnectTCPOptions = {},
    tls: ITLSContextFactory | null = null,
  ) {
    super(host, name, port, factory, options, tls);
    this.#host = host;
    this.#name = name;
    this.#port = port;
    this.#bindAddress = options.bindAddress ?? null;
  }

  protected override open(): net.Socket {
    const { network } = this.#host;
    const socket = new MemorySocket(network);
    if (net.isIP(this.#name) !== 0) this.#connect(socket, this.#name);
    else {
      this.#host.resolve(this.#name).addCallbacks(
        (address) => this.#connect(socket, address),
        (failure) => network.later(() => socket.destroy(failure.value as Error)),
      );
    }
    return socket as unknown as net.Socket;
  }

  #connect(socket: MemorySocket, address: string): void {
    const { network } = this.#host;
    const [bound = "", boundPort = 0] = this.#bindAddress ?? [];
    if (!network.isLocal(bound)) {
      network.later(() => socket.destroy(systemError("EADDRNOTAVAIL", "bind")));
    } else if (network.isLocal(address)) {
      network.connect(socket, namesOf(address, this.#port), {
        localAddress: bound === "" ? address : bound,
        localPort: boundPort === 0 ? network.freePort() : boundPort,
        remoteAddress: address,
        remotePort: this.#port,
      });
    } // else nobody answers, until the time is up
  }
}

/** There are no files: `mode` means nothing, and the lock of a port is that it listens. */
export class SimulatedUNIXPort extends StreamPort<UNIXAddress> {
  readonly #network: Network;
  readonly #path: string;
  readonly #address: UNIXAddress;
  readonly #wantsLock: boolean;
  #server: net.Server | null = null;

  constructor(
    host: SimulatedHost,
    path: string,
    factory: IProtocolFactory,
    { wantPID = false }: ListenUNIXOptions = {},
  ) {
    super(host, factory);
    if (wantPID) checkHasFile(path);
    this.#network = host.network;
    this.#path = path;
    this.#address = new UNIXAddress(path);
    this.#wantsLock = wantPID;
  }

  protected override bind(server: net.Server): UNIXAddress {
    const problem = this.#network.listen(unixName(this.#path), server);
    if (problem !== null) throw cannotListen(this.#path, -1, systemError(problem, "bind").errno ?? 0);
    if (this.#wantsLock) this.#network.listen(lockName(this.#path), server);
    this.#server = server;
    return this.#address;
  }

  protected override addressesOf(): { host: UNIXAddress; peer: UNIXAddress } {
    return { host: this.#address, peer: new UNIXAddress(null) };
  }

  protected override unbound(): void {
    if (this.#server === null) return;
    for (const name of [unixName(this.#path), lockName(this.#path)]) this.#network.close(name, this.#server);
    this.#server = null;
  }
}

export class SimulatedUNIXConnector extends StreamConnector {
  readonly #network: Network;
  readonly #path: string;
  readonly #checkPID: boolean;
  readonly #address: UNIXAddress;

  constructor(
    host: SimulatedHost,
    path: string,
    factory: IClientFactory,
    { timeout = 30, checkPID = false }: ConnectUNIXOptions = {},
  ) {
    super(host, factory, timeout);
    if (checkPID) checkHasFile(path);
    this.#network = host.network;
    this.#path = path;
    this.#checkPID = checkPID;
    this.#address = new UNIXAddress(path);
  }

  override getDestination(): UNIXAddress {
    return this.#address;
  }

  protected override open(): net.Socket {
    const socket = new MemorySocket(this.#network, {}, { canReset: false });
    if (this.#checkPID && !this.#network.isListening(lockName(this.#path))) {
      socket.destroy(new BadFileError(null, JSON.stringify(this.#path)));
    } else if (this.#network.isListening(unixName(this.#path))) {
      this.#network.connect(socket, [unixName(this.#path)], {});
    } else {
      socket.destroy(systemError("ENOENT", "connect"));
    }
    return socket as unknown as net.Socket;
  }

  protected override addressesOf(): { host: UNIXAddress; peer: UNIXAddress } {
    return { host: new UNIXAddress(null), peer: this.#address };
  }

  protected override connectError(error: Error): Error {
    return error instanceof ConnectError ? error : getConnectError(error);
  }
}

export class SimulatedUDPPort extends UDPPort {
  readonly #network: Network;

  constructor(
    host: SimulatedHost,
    ...rest: ConstructorParameters<typeof UDPPort> extends [unknown, ...infer R] ? R : never
  ) {
    super(host, ...rest);
    this.#network = host.network;
  }

  protected override createSocket(options: SocketOptions): DatagramSocket {
    return new MemoryDatagramSocket(this.#network, options) as unknown as DatagramSocket;
  }
}

function unixName(path: string): string {
  return `unix ${path}`;
}

function lockName(path: string): string {
  return `lock ${path}`;
}

function checkHasFile(path: string): void {
  if (path.startsWith("\0")) throw new ValueError("an abstract name has no file beside which a lock could lie");
}
