/** UDP ports (twisted.internet.udp), also for multicast. node:dgram loads when the first is opened. */
import type { RemoteInfo, Socket, SocketOptions } from "node:dgram";
import { isIP } from "node:net";
import { type IPv4Address, type IPv6Address, internetAddress } from "./address.js";
import { toBuffer } from "./bytes.js";
import { implementer } from "./components.js";
import { Deferred, succeed } from "./defer.js";
import { CannotListenError, InvalidAddressError, MessageLengthError, MulticastJoinError } from "./error.js";
import { AssertionError, OSError, RuntimeError } from "./exceptions.js";
import {
  type BytesLike,
  type IDatagramProtocol,
  IListeningPort,
  type GroupOptions,
  IMulticastTransport,
  type ListenMulticastOptions,
  type MaybeAsync,
} from "./interfaces.js";
import { Logger } from "./logger.js";
import { callLogged, logRejection, SparseLog } from "./logged-calls.js";
import type { OpenTransport, TransportHost } from "./stream/host.js";
import { sharedSockets } from "./stream/shared-sockets.js";

const log = new Logger({ namespace: "strombus.reactor.udp" });
const LONGEST = { 4: 65507, 6: 65527 } as const; // bytes; more does not fit into a datagram

/** A bound port, and the transport of its protocol. */
@implementer(IListeningPort, IMulticastTransport)
export class UDPPort implements IListeningPort, IMulticastTransport, OpenTransport {
  readonly #reactor: TransportHost;
  readonly #port: number;
  readonly #protocol: IDatagramProtocol;
  readonly #interface: string;
  readonly #family: 4 | 6;
  readonly #maxPacketSize: number;
  readonly #listenMultiple: boolean;
  readonly #fd: number | null;
  #socket: Socket | null = null;
  #address: IPv4Address | IPv6Address | null = null;
  #peer: readonly [host: string, port: number] | null = null;
  #broadcast = false;
  #ttl = 1;
  #loopback = true;
  #outgoing: string;
  readonly #errors: SparseLog;

  /** @throws InvalidAddressError if the interface is a name */
  constructor(
    reactor: TransportHost,
    port: number,
    protocol: IDatagramProtocol,
    { interface: interface_ = "", maxPacketSize = 8192, listenMultiple = false }: ListenMulticastOptions = {},
    adopted: { fd: number; family: 4 | 6 } | null = null,
  ) {
    if (interface_ !== "" && isIP(interface_) === 0) {
      throw new InvalidAddressError(interface_, "the interface is not an IP address");
    }
    this.#reactor = reactor;
    this.#errors = new SparseLog(log, reactor);
    this.#port = port;
    this.#protocol = protocol;
    this.#interface = interface_;
    this.#family = adopted?.family ?? (isIP(interface_) === 6 ? 6 : 4);
    this.#maxPacketSize = maxPacketSize;
    this.#listenMultiple = listenMultiple;
    this.#fd = adopted?.fd ?? null;
    this.#outgoing = this.#family === 4 ? "0.0.0.0" : "::";
  }

  protected createSocket(options: SocketOptions): Socket {
    return process.getBuiltinModule("node:dgram").createSocket(options);
  }

  startListening(): void {
    if (this.#socket !== null) throw new RuntimeError("the port is listening already");
    const socket = this.createSocket({
      type: this.#family === 6 ? "udp6" : "udp4",
      reuseAddr: this.#listenMultiple,
      // Only literals come here: with this, binding is done when `bind` returns.
      lookup: ((host: string, _: unknown, done: (error: null, address: string) => void) => done(null, host)) as never,
    });
    // A port of any number is one of its own; several processes share those that are named.
    const shared = this.#fd === null && this.#port !== 0 ? sharedSockets() : null;
    const fd = this.#fd ?? shared?.take(`udp ${this.#interface}`, this.#port) ?? null;
    let problem: NodeJS.ErrnoException | null = null;
    const failed = (error: Error): void => void (problem = error);
    socket.on("error", failed);
    try {
      if (fd !== null) socket.bind({ fd });
      else
        socket.bind({
          port: this.#port,
          ...(this.#interface === "" ? {} : { address: this.#interface }),
          exclusive: true,
        });
      const { address, port } = socket.address();
      this.#address = internetAddress("UDP", address, port);
    } catch (error) {
      problem ??= error as Error;
    }
    if (problem !== null) {
      socket.close();
      throw new CannotListenError(this.#interface, this.#port, asOSError(problem));
    }
    if (fd === null) shared?.bound(handleOf(socket));
    socket.off("error", failed);
    socket.on("error", (error) => this.#failed(error));
    socket.on("message", (data, from) => this.#received(data, from));
    this.#socket = socket;
    this.#peer = null;
    this.#reactor.openTransports.add(this);
    try {
      logRejection(log, this.#protocol.makeConnection(this));
    } catch (error) {
      this.#close(); // whoever asked for the port gets none
      throw error;
    }
  }

  stopListening(): Deferred<void> {
    if (this.#socket === null) return succeed(undefined);
    const stopped = new Deferred<void>();
    this.#close();
    setImmediate(() => {
      try {
        logRejection(log, this.#protocol.doStop());
      } catch (error) {
        stopped.errback(error);
        return;
      }
      stopped.callback();
    });
    return stopped;
  }

  loseConnection(): void {
    void this.stopListening();
  }

  /** The reactor stops. */
  connectionLost(): void {
    if (this.#socket === null) return;
    this.#close();
    logRejection(log, this.#protocol.doStop());
  }

  #close(): void {
    this.#socket?.close();
    this.#socket = null;
    this.#reactor.openTransports.delete(this);
  }

  /** @throws RuntimeError if it never listened */
  getHost(): IPv4Address | IPv6Address {
    if (this.#address === null) throw new RuntimeError("the port is not listening");
    return this.#address;
  }

  // Sending

  write(packet: BytesLike, addr: readonly [host: string, port: number] | null = null): void {
    const bytes = toBuffer(packet);
    if (bytes.length > LONGEST[this.#family]) throw new MessageLengthError(bytes.length);
    const socket = this.#socket;
    if (this.#peer !== null) {
      if (addr !== null && (addr[0] !== this.#peer[0] || addr[1] !== this.#peer[1])) {
        throw new AssertionError("a connected port sends to its peer only");
      }
      socket?.send(bytes, this.#sent);
      return;
    }
    if (addr === null) throw new AssertionError("a port that is not connected needs an address to send to");
    const [host, port] = addr;
    const isBroadcast = host === "<broadcast>" && this.#family === 4;
    if (!isBroadcast) this.#checkLiteral(host);
    socket?.send(bytes, port, isBroadcast ? "255.255.255.255" : host, this.#sent);
  }

  writeSequence(packets: Iterable<BytesLike>, addr: readonly [host: string, port: number] | null = null): void {
    this.write(Buffer.concat(Array.from(packets, toBuffer)), addr);
  }

  readonly #sent = (error: Error | null): void => {
    if (error === null) return;
    if (this.#peer !== null) this.#failed(error);
    else log.debug("a datagram could not be sent: {error}", { error: error.message });
  };

  /** From here on only to and from this address. @throws InvalidAddressError for a name, RuntimeError the second time */
  connect(host: string, port: number): void {
    if (this.#peer !== null) throw new RuntimeError("the port is connected already");
    this.#checkLiteral(host);
    this.#peer = [host, port];
    this.#socket?.connect(port, host);
  }

  #checkLiteral(host: string): void {
    const family = isIP(host);
    if (family === 0) throw new InvalidAddressError(host, "not an IP address: look the name up before");
    if (family !== this.#family) throw new InvalidAddressError(host, `not an address of IPv${this.#family}`);
  }

  // Receiving

  #received(data: Buffer, { address, port }: RemoteInfo): void {
    const bytes = data.length > this.#maxPacketSize ? data.subarray(0, this.#maxPacketSize) : data;
    this.#guard(() => this.#protocol.datagramReceived(bytes, [address, port]));
  }

  #failed(error: NodeJS.ErrnoException): void {
    if (this.#peer !== null && error.code === "ECONNREFUSED") {
      this.#guard(() => this.#protocol.connectionRefused?.());
      return;
    }
    this.#errors.failure("a UDP port failed", error);
  }

  /** What the protocol throws is logged, and the port goes on. */
  #guard(call: () => MaybeAsync): void {
    callLogged(log, "a protocol", call);
  }

  // Broadcast and multicast

  setBroadcastAllowed(enabled: boolean): void {
    this.#socket?.setBroadcast(enabled);
    this.#broadcast = enabled;
  }

  getBroadcastAllowed(): boolean {
    return this.#broadcast;
  }

  joinGroup(addr: string, options: GroupOptions | string = {}): Deferred<void> {
    return this.#membership((socket) => socket.addMembership(addr, interfaceOf(options)), addr);
  }

  leaveGroup(addr: string, options: GroupOptions | string = {}): Deferred<void> {
    return this.#membership((socket) => socket.dropMembership(addr, interfaceOf(options)), addr);
  }

  #membership(change: (socket: Socket) => void, addr: string): Deferred<void> {
    const done = new Deferred<void>();
    try {
      if (this.#socket === null) throw new RuntimeError("the port is not listening");
      change(this.#socket);
      done.callback();
    } catch (error) {
      done.errback(new MulticastJoinError(addr, error));
    }
    return done;
  }

  getTTL(): number {
    return this.#ttl;
  }

  setTTL(ttl: number): void {
    this.#socket?.setMulticastTTL(ttl);
    this.#ttl = ttl;
  }

  getLoopbackMode(): boolean {
    return this.#loopback;
  }

  setLoopbackMode(enabled: boolean): void {
    this.#socket?.setMulticastLoopback(enabled);
    this.#loopback = enabled;
  }

  getOutgoingInterface(): string {
    return this.#outgoing;
  }

  setOutgoingInterface(address: string): void {
    this.#socket?.setMulticastInterface(address);
    this.#outgoing = address;
  }
}

/** What another process can be handed: a socket of node:dgram would receive there, what it stands on only waits. */
function handleOf(socket: Socket): object {
  const state = Object.getOwnPropertySymbols(socket).find(({ description }) => description === "state symbol")!;
  return (socket as unknown as Record<symbol, { handle: object }>)[state]!.handle;
}

function asOSError(error: NodeJS.ErrnoException): OSError {
  const errno = typeof error.errno === "number" ? Math.abs(error.errno) : null;
  return new OSError(error.message, { cause: error, errno, code: error.code ?? "ERR_OS" });
}

function interfaceOf(options: GroupOptions | string): string | undefined {
  const { interface: name = "" } = typeof options === "string" ? { interface: options } : options;
  return name === "" ? undefined : name;
}
