/** Reactors that do nothing but remember what was asked of them (twisted.internet.testing). */
import { IPv4Address, IPv6Address, UNIXAddress } from "../address.js";
import { implementer } from "../components.js";
import { type Deferred, succeed } from "../defer.js";
import { AssertionError, NotImplementedError } from "../exceptions.js";
import {
  type AddressFamily,
  type ConnectTCPOptions,
  type ConnectUNIXOptions,
  type IAddress,
  type IClientFactory,
  IConnector,
  type IDatagramProtocol,
  type IDelayedCall,
  IListeningPort,
  type IProcessProtocol,
  type IProtocolFactory,
  IReactorCore,
  IReactorSSL,
  IReactorSocket,
  IReactorProcess,
  IReactorTCP,
  IReactorTime,
  IReactorUNIX,
  type ITLSContextFactory,
  type ListenTCPOptions,
  type ListenUNIXOptions,
  type SpawnProcessOptions,
  type SystemEventTriggerID,
  type TriggerPhase,
} from "../interfaces.js";
import { Clock } from "../task.js";
import { FakeProcess } from "./fake-process.js";

type Callable = (...args: never[]) => unknown;

/** A port that listens to nobody. */
@implementer(IListeningPort)
export class FakePort implements IListeningPort {
  constructor(readonly address: IAddress) {}

  startListening(): void {}

  stopListening(): Deferred<void> {
    return succeed(undefined);
  }

  getHost(): IAddress {
    return this.address;
  }
}

/** A connector that never gets anywhere by itself. */
@implementer(IConnector)
export class FakeConnector implements IConnector {
  stoppedConnecting = false;
  _disconnected = false;

  constructor(readonly address: IAddress) {}

  connect(): void {}

  stopConnecting(): void {
    this.stoppedConnecting = true;
  }

  disconnect(): void {
    this._disconnected = true;
  }

  getDestination(): IAddress {
    return this.address;
  }
}

/** Records each call as a tuple in the order of its arguments, and connects nothing. */
@implementer(IReactorCore, IReactorTCP, IReactorSSL, IReactorUNIX, IReactorSocket, IReactorProcess)
export class MemoryReactor
  implements IReactorCore, IReactorTCP, IReactorSSL, IReactorUNIX, IReactorSocket, IReactorProcess
{
  running = false;
  hasRun = true;
  hasStopped = true;
  hasCrashed = true;
  readonly tcpServers: [port: number, factory: IProtocolFactory, backlog: number, interface_: string][] = [];
  readonly tcpClients: [
    host: string,
    port: number,
    factory: IClientFactory,
    timeout: number | null,
    bindAddress: readonly [string, number] | null,
  ][] = [];
  readonly sslServers: [
    port: number,
    factory: IProtocolFactory,
    contextFactory: ITLSContextFactory,
    backlog: number,
    interface_: string,
  ][] = [];
  readonly sslClients: [
    host: string,
    port: number,
    factory: IClientFactory,
    contextFactory: ITLSContextFactory,
    timeout: number | null,
    bindAddress: readonly [string, number] | null,
  ][] = [];
  readonly unixServers: [
    address: string,
    factory: IProtocolFactory,
    backlog: number,
    mode: number,
    wantPID: boolean,
  ][] = [];
  readonly unixClients: [address: string, factory: IClientFactory, timeout: number | null, checkPID: boolean][] = [];
  readonly adoptedPorts: [fileDescriptor: number, addressFamily: AddressFamily, factory: IProtocolFactory][] = [];
  readonly adoptedStreamConnections: [
    fileDescriptor: number,
    addressFamily: AddressFamily,
    factory: IProtocolFactory,
  ][] = [];
  readonly adoptedDatagramPorts: [
    fileDescriptor: number,
    addressFamily: AddressFamily,
    protocol: IDatagramProtocol,
    maxPacketSize: number,
  ][] = [];
  readonly connectors: FakeConnector[] = [];
  /** What would run: it does what a test makes it do. */
  readonly processes: FakeProcess[] = [];
  readonly triggers: Record<TriggerPhase, Record<string, [callable: Callable, args: unknown[]][]>> = {
    before: {},
    during: {},
    after: {},
  };
  readonly whenRunningHooks: [callable: Callable, args: unknown[]][] = [];

  listenTCP(
    port: number,
    factory: IProtocolFactory,
    { backlog = 50, interface: interface_ = "" }: ListenTCPOptions = {},
  ): FakePort {
    this.tcpServers.push([port, factory, backlog, interface_]);
    return new FakePort(addressOf(interface_ || "0.0.0.0", port));
  }

  connectTCP(
    host: string,
    port: number,
    factory: IClientFactory,
    { timeout = 30, bindAddress = null }: ConnectTCPOptions = {},
  ): FakeConnector {
    this.tcpClients.push([host, port, factory, timeout, bindAddress]);
    return this.#connecting(addressOf(host, port), factory);
  }

  listenSSL(
    port: number,
    factory: IProtocolFactory,
    contextFactory: ITLSContextFactory,
    { backlog = 50, interface: interface_ = "" }: ListenTCPOptions = {},
  ): FakePort {
    this.sslServers.push([port, factory, contextFactory, backlog, interface_]);
    return new FakePort(addressOf(interface_ || "0.0.0.0", port));
  }

  connectSSL(
    host: string,
    port: number,
    factory: IClientFactory,
    contextFactory: ITLSContextFactory,
    { timeout = 30, bindAddress = null }: ConnectTCPOptions = {},
  ): FakeConnector {
    this.sslClients.push([host, port, factory, contextFactory, timeout, bindAddress]);
    return this.#connecting(addressOf(host, port), factory);
  }

  listenUNIX(
    address: string,
    factory: IProtocolFactory,
    { backlog = 50, mode = 0o666, wantPID = false }: ListenUNIXOptions = {},
  ): FakePort {
    this.unixServers.push([address, factory, backlog, mode, wantPID]);
    return new FakePort(new UNIXAddress(address));
  }

  connectUNIX(
    address: string,
    factory: IClientFactory,
    { timeout = 30, checkPID = false }: ConnectUNIXOptions = {},
  ): FakeConnector {
    this.unixClients.push([address, factory, timeout, checkPID]);
    return this.#connecting(new UNIXAddress(address), factory);
  }

  adoptDatagramPort(
    fileDescriptor: number,
    addressFamily: AddressFamily,
    protocol: IDatagramProtocol,
    { maxPacketSize = 8192 }: { maxPacketSize?: number } = {},
  ): FakePort {
    this.adoptedDatagramPorts.push([fileDescriptor, addressFamily, protocol, maxPacketSize]);
    return new FakePort(new IPv4Address("UDP", "0.0.0.0", 1234));
  }

  adoptStreamPort(fileDescriptor: number, addressFamily: AddressFamily, factory: IProtocolFactory): FakePort {
    this.adoptedPorts.push([fileDescriptor, addressFamily, factory]);
    return new FakePort(
      addressFamily === "UNIX" ? new UNIXAddress(null) : addressOf(addressFamily === "IPv4" ? "0.0.0.0" : "::", 1234),
    );
  }

  adoptStreamConnection(fileDescriptor: number, addressFamily: AddressFamily, factory: IProtocolFactory): void {
    this.adoptedStreamConnections.push([fileDescriptor, addressFamily, factory]);
  }

  #connecting(address: IAddress, factory: IClientFactory): FakeConnector {
    const connector = new FakeConnector(address);
    this.connectors.push(connector);
    factory.startedConnecting(connector);
    return connector;
  }

  spawnProcess(
    processProtocol: IProcessProtocol,
    executable: string,
    args: readonly string[] = [],
    options: SpawnProcessOptions = {},
  ): FakeProcess {
    const child = new FakeProcess(processProtocol, executable, args, options);
    this.processes.push(child);
    child.begin();
    return child;
  }

  run(): Promise<void> {
    this.hasRun = true;
    this.running = true;
    for (const [callable, args] of this.whenRunningHooks) callable(...(args as never[]));
    this.stop();
    return Promise.resolve();
  }

  stop(): void {
    this.running = false;
    this.hasStopped = true;
  }

  crash(): void {
    this.running = false;
    this.hasCrashed = true;
  }

  addSystemEventTrigger<A extends unknown[]>(
    phase: TriggerPhase,
    eventType: string,
    callable: (...args: A) => unknown,
    ...args: A
  ): SystemEventTriggerID {
    const triggers = (this.triggers[phase][eventType] ??= []);
    triggers.push([callable, args]);
    return [phase, eventType, callable, args] as unknown as SystemEventTriggerID;
  }

  callWhenRunning<A extends unknown[]>(callable: (...args: A) => unknown, ...args: A): SystemEventTriggerID | null {
    if (this.running) {
      callable(...args);
      return null;
    }
    this.whenRunningHooks.push([callable, args]);
    return this.whenRunningHooks.at(-1) as unknown as SystemEventTriggerID;
  }

  removeSystemEventTrigger(triggerID: SystemEventTriggerID): never {
    throw new NotImplementedError("a MemoryReactor forgets no trigger");
  }

  fireSystemEvent(eventType: string): never {
    throw new NotImplementedError("a MemoryReactor fires no events");
  }

  resolve(name: string): never {
    throw new NotImplementedError("a MemoryReactor looks up no names");
  }

  iterate(): never {
    throw new NotImplementedError("a MemoryReactor has no loop");
  }
}

/** A MemoryReactor whose time is a Clock's. */
@implementer(IReactorTime)
export class MemoryReactorClock extends MemoryReactor implements IReactorTime {
  readonly clock = new Clock();

  get rightNow(): number {
    return this.clock.rightNow;
  }

  seconds(): number {
    return this.clock.seconds();
  }

  callLater<A extends unknown[]>(delay: number, callable: (...args: A) => unknown, ...args: A): IDelayedCall {
    return this.clock.callLater(delay, callable, ...args);
  }

  getDelayedCalls(): IDelayedCall[] {
    return this.clock.getDelayedCalls();
  }

  advance(seconds: number): void {
    this.clock.advance(seconds);
  }

  pump(timings: Iterable<number>): void {
    this.clock.pump(timings);
  }
}

/** A MemoryReactor that cannot listen and cannot connect. */
export class RaisingMemoryReactor extends MemoryReactor {
  readonly #listenException: Error;
  readonly #connectException: Error;

  constructor({ listenException, connectException }: { listenException?: Error; connectException?: Error } = {}) {
    super();
    this.#listenException = listenException ?? new AssertionError("listening was not expected");
    this.#connectException = connectException ?? new AssertionError("connecting was not expected");
  }

  override listenTCP(): never {
    throw this.#listenException;
  }

  override connectTCP(): never {
    throw this.#connectException;
  }

  override listenSSL(): never {
    throw this.#listenException;
  }

  override connectSSL(): never {
    throw this.#connectException;
  }

  override adoptStreamPort(): never {
    throw this.#listenException;
  }

  override listenUNIX(): never {
    throw this.#listenException;
  }

  override connectUNIX(): never {
    throw this.#connectException;
  }
}

function addressOf(host: string, port: number): IPv4Address | IPv6Address {
  return host.includes(":") ? new IPv6Address("TCP", host, port) : new IPv4Address("TCP", host, port);
}
