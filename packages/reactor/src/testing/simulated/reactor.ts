/** A whole reactor in memory: its network, its names, its processes, and a clock that only tests turn. */
import { internetAddress } from "../../address.js";
import { BaseReactor } from "../../base-reactor.js";
import { implementer } from "../../components.js";
import { UnsupportedAddressFamily } from "../../error.js";
import { AssertionError, OSError } from "../../exceptions.js";
import {
  type AddressFamily,
  type ConnectTCPOptions,
  type ConnectUNIXOptions,
  type IClientFactory,
  type IDatagramProtocol,
  type IDelayedCall,
  type IHostnameResolver,
  type IHostResolution,
  type IProcessProtocol,
  type IProtocolFactory,
  IReactor,
  type IResolutionReceiver,
  type ITLSContextFactory,
  type ListenMulticastOptions,
  type ListenTCPOptions,
  type ListenUDPOptions,
  type ListenUNIXOptions,
  type ResolveHostNameOptions,
  type SpawnProcessOptions,
} from "../../interfaces.js";
import type { Timer } from "../../stream/host.js";
import { Clock } from "../../task.js";
import { FakeProcess } from "../fake-process.js";
import { Network } from "./network.js";
import {
  SimulatedTCPConnector,
  SimulatedTCPPort,
  SimulatedUDPPort,
  SimulatedUNIXConnector,
  SimulatedUNIXPort,
} from "./transports.js";

const QUIET_TURNS = 10; // so long nothing happens: then nothing will; TLS works some turns by itself
const MOST_TURNS = 100_000; // whoever talks for longer talks for ever

/**
 * Everything that a reactor does, without a socket and without real time. Connections are those of the real reactor,
 * TLS too, on a network in memory:
 *
 * ```ts
 * const reactor = new SimulatedReactor();
 * reactor.listenTCP(7, new EchoFactory());
 * reactor.connectTCP("localhost", 7, new ClientFactory());
 * await reactor.settle(); // all that is under way has arrived
 * reactor.advance(60); // a minute later
 * ```
 */
@implementer(IReactor)
export class SimulatedReactor extends BaseReactor implements IReactor {
  readonly clock = new Clock();
  readonly #ownCalls = new Set<IDelayedCall>();
  /** The time of closing connections: it goes by as all other does, but is among nobody's delayed calls. */
  readonly timer: Timer = (seconds, call) => {
    const delayed = this.clock.callLater(seconds, () => {
      this.#ownCalls.delete(delayed);
      this.network.activity += 1;
      call();
    });
    this.#ownCalls.add(delayed);
    return () => {
      if (this.#ownCalls.delete(delayed)) delayed.cancel();
    };
  };
  readonly network = new Network(this.timer);
  /** What names resolve to. */
  readonly hosts: Map<string, readonly string[]>;
  /** What there is to spawn, by path: each is handed the child, and says what it does. */
  readonly programs = new Map<string, (child: FakeProcess) => void>();
  /** All that were spawned. */
  readonly processes: FakeProcess[] = [];

  constructor() {
    const hosts = new Map<string, readonly string[]>([["localhost", ["127.0.0.1", "::1"]]]);
    super(new HostsResolver(hosts));
    this.hosts = hosts;
  }

  /** Lets happen all that can without time going by; calls that are due run too. @throws AssertionError if it never ends */
  async settle(): Promise<void> {
    let quiet = 0;
    for (let turns = 0; quiet < QUIET_TURNS; turns++) {
      if (turns === MOST_TURNS) throw new AssertionError(`still talking after ${MOST_TURNS} turns`);
      const before = this.network.activity;
      this.clock.advance(0);
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.network.activity === before ? quiet + 1 : 0;
    }
  }

  // Time

  seconds(): number {
    return this.clock.seconds();
  }

  callLater<A extends unknown[]>(delay: number, callable: (...args: A) => unknown, ...args: A): IDelayedCall {
    return this.clock.callLater(delay, () => {
      this.network.activity += 1;
      this.runLogged("a delayed call", () => callable(...args));
    });
  }

  getDelayedCalls(): IDelayedCall[] {
    return this.clock.getDelayedCalls().filter((call) => !this.#ownCalls.has(call));
  }

  /** Moves time on, and runs what is due. What it sends is under way then: `settle`. */
  advance(seconds: number): void {
    this.clock.advance(seconds);
  }

  /** Advances by each of these in turn, and lets everything settle in between. */
  async pump(timings: Iterable<number>): Promise<void> {
    for (const seconds of timings) {
      this.advance(seconds);
      await this.settle();
    }
  }

  callInThread<A extends unknown[]>(callable: (...args: A) => unknown, ...args: A): void {
    if (typeof callable !== "function") throw new AssertionError("callInThread takes a function");
    this.callFromThread(callable, ...args);
  }

  // Connections

  listenTCP(port: number, factory: IProtocolFactory, options: ListenTCPOptions = {}): SimulatedTCPPort {
    return listening(new SimulatedTCPPort(this, port, factory, options));
  }

  connectTCP(
    host: string,
    port: number,
    factory: IClientFactory,
    options: ConnectTCPOptions = {},
  ): SimulatedTCPConnector {
    return connecting(new SimulatedTCPConnector(this, host, port, factory, options));
  }

  listenSSL(
    port: number,
    factory: IProtocolFactory,
    contextFactory: ITLSContextFactory,
    options: ListenTCPOptions = {},
  ): SimulatedTCPPort {
    return listening(new SimulatedTCPPort(this, port, factory, options, contextFactory));
  }

  connectSSL(
    host: string,
    port: number,
    factory: IClientFactory,
    contextFactory: ITLSContextFactory,
    options: ConnectTCPOptions = {},
  ): SimulatedTCPConnector {
    return connecting(new SimulatedTCPConnector(this, host, port, factory, options, contextFactory));
  }

  listenUNIX(address: string, factory: IProtocolFactory, options: ListenUNIXOptions = {}): SimulatedUNIXPort {
    return listening(new SimulatedUNIXPort(this, address, factory, options));
  }

  connectUNIX(address: string, factory: IClientFactory, options: ConnectUNIXOptions = {}): SimulatedUNIXConnector {
    return connecting(new SimulatedUNIXConnector(this, address, factory, options));
  }

  listenUDP(port: number, protocol: IDatagramProtocol, options: ListenUDPOptions = {}): SimulatedUDPPort {
    return this.listenMulticast(port, protocol, options);
  }

  listenMulticast(port: number, protocol: IDatagramProtocol, options: ListenMulticastOptions = {}): SimulatedUDPPort {
    return listening(new SimulatedUDPPort(this, port, protocol, options));
  }

  // There are no descriptors in memory.

  /** @throws UnsupportedAddressFamily always */
  adoptStreamPort(fileDescriptor: number, addressFamily: AddressFamily): never {
    throw new UnsupportedAddressFamily(addressFamily);
  }

  /** @throws UnsupportedAddressFamily always */
  adoptStreamConnection(fileDescriptor: number, addressFamily: AddressFamily): never {
    throw new UnsupportedAddressFamily(addressFamily);
  }

  /** @throws UnsupportedAddressFamily always */
  adoptDatagramPort(fileDescriptor: number, addressFamily: AddressFamily): never {
    throw new UnsupportedAddressFamily(addressFamily);
  }

  // Processes

  /** Runs one of `programs`, on a later turn. @throws OSError for any other */
  spawnProcess(
    processProtocol: IProcessProtocol,
    executable: string,
    args: readonly string[] = [],
    options: SpawnProcessOptions = {},
  ): FakeProcess {
    const program = this.programs.get(executable);
    if (program === undefined) throw new OSError(`no such program: ${executable}`, { code: "ENOENT", errno: 2 });
    const child = new FakeProcess(processProtocol, executable, args, options);
    this.processes.push(child);
    child.begin();
    this.network.later(() => this.runLogged("a program of the test", () => program(child)));
    return child;
  }
}

/** Names as in a file of hosts. */
class HostsResolver implements IHostnameResolver {
  constructor(readonly hosts: ReadonlyMap<string, readonly string[]>) {}

  resolveHostName(
    receiver: IResolutionReceiver,
    hostName: string,
    { portNumber = 0, addressTypes = null, transportSemantics = "TCP" }: ResolveHostNameOptions = {},
  ): IHostResolution {
    const resolution = { name: hostName, cancel: () => {} };
    receiver.resolutionBegan(resolution);
    for (const address of this.hosts.get(hostName) ?? []) {
      const wanted = addressTypes?.includes(address.includes(":") ? "IPv6" : "IPv4") ?? true;
      if (wanted) receiver.addressResolved(internetAddress(transportSemantics, address, portNumber));
    }
    receiver.resolutionComplete();
    return resolution;
  }
}

function listening<P extends { startListening(): void }>(port: P): P {
  port.startListening();
  return port;
}

function connecting<C extends { connect(): void }>(connector: C): C {
  connector.connect();
  return connector;
}
