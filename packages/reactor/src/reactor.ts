/**
 * The reactor on Node's event loop (twisted.internet.reactor). The loop turns by itself, so sockets and timers work at
 * once; `run` adds what Node has not: system events, orderly shutdown on signals, and keeping the process alive.
 */
import { isIPv4 } from "node:net";
import { constants } from "node:os";
import { performance } from "node:perf_hooks";
import { implementer } from "./components.js";
import { Deferred, reportUnhandledErrors, succeed } from "./defer.js";
import { DelayedCall } from "./delayed-call.js";
import {
  ConnectionLost,
  DNSLookupError,
  ReactorAlreadyRunning,
  ReactorNotRestartable,
  ReactorNotRunning,
  UnsupportedAddressFamily,
} from "./error.js";
import { AssertionError, NotImplementedError } from "./exceptions.js";
import { Failure } from "./failure.js";
import {
  type AddressFamily,
  type ConnectTCPOptions,
  type ConnectUNIXOptions,
  type IChildProcess,
  type IClientFactory,
  type IDatagramProtocol,
  type IHostnameResolver,
  type IProcessProtocol,
  type IProtocolFactory,
  IReactor,
  type IResolverSimple,
  type ITerminalProcess,
  type ITLSContextFactory,
  type ListenTCPOptions,
  type ListenMulticastOptions,
  type ListenUDPOptions,
  type ListenUNIXOptions,
  type RunOptions,
  type SpawnProcessOptions,
  type SystemEventTriggerID,
  type TerminalOptions,
  type TriggerPhase,
} from "./interfaces.js";
import { Logger } from "./logger.js";
import { ComplexResolverSimplifier, GAIResolver, SimpleResolverComplexifier } from "./resolver.js";
import { ThreadPool } from "./threads/pool.js";
import { UDPPort } from "./udp.js";
import { spawnProcess } from "./process/spawn.js";
import { SystemEvents } from "./system-events.js";
import { TCPConnector } from "./stream/tcp-connector.js";
import type { OpenTransport, TransportHost } from "./stream/host.js";
import { TCPPort } from "./stream/tcp-port.js";
import { adoptConnection, AdoptedPort } from "./stream/adopted.js";
import { UNIXConnector, UNIXPort } from "./stream/unix.js";

const log = new Logger({ namespace: "strombus.reactor" });
const RESOLVE_TIMEOUTS = [1, 3, 11, 45]; // seconds; Node's resolver retries by itself, so only their sum counts
const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGBREAK"] as const;
type StopSignal = (typeof STOP_SIGNALS)[number];

/** Where `run` stands. "crashed" may run again; "stopped" never will. */
type Phase = "new" | "started" | "stopping" | "stopped" | "crashed";

@implementer(IReactor)
export class NodeReactor implements IReactor, TransportHost {
  /** The number of the signal that stopped the reactor, or null. */
  _exitSignal: number | null = null;
  readonly openTransports = new Set<OpenTransport>();
  readonly #events = new SystemEvents((what, error) => logError(what, error));
  readonly #delayedCalls = new Set<DelayedCall>();
  readonly #signals = new Map<NodeJS.Signals, () => void>();
  #nameResolver: IHostnameResolver = new GAIResolver();
  #resolver: IResolverSimple = new ComplexResolverSimplifier(this.#nameResolver);
  /** A resolver was installed: Node's own lookups are not to be used. */
  resolvesNames = false;
  #threadPool: ThreadPool | null = null;
  #phase: Phase = "new";
  #running = false;
  #keepAlive: NodeJS.Timeout | null = null;
  #settle: (() => void) | null = null;

  get running(): boolean {
    return this.#running;
  }

  /** For delayed calls: after the last trigger nothing holds the process. */
  get holdsProcess(): boolean {
    return this.#phase !== "stopped";
  }

  // Life cycle

  run({ installSignalHandlers = true }: RunOptions = {}): Promise<void> {
    if (this.#settle !== null) throw new ReactorAlreadyRunning();
    if (this.#phase === "stopped") throw new ReactorNotRestartable();
    this.#phase = "started";
    this.#keepAlive = setInterval(() => {}, 2 ** 31 - 1);
    const finished = new Promise<void>((resolve) => (this.#settle = resolve));
    this.#events.fire("startup", {
      during: () => {
        if (this.#settle === null) return; // it crashed while a trigger was waiting
        this.#running = true;
        if (installSignalHandlers) this.#installSignalHandlers();
      },
    });
    return finished;
  }

  stop(): void {
    if (this.#phase !== "started") throw new ReactorNotRunning();
    this.#phase = "stopping";
    setImmediate(() => {
      if (this.#phase === "stopping") this.fireSystemEvent("shutdown");
    });
  }

  crash(): void {
    if (this.#settle === null) throw new ReactorNotRunning();
    // Stopped once is stopped for good, even if it then crashes.
    this.#phase = this.#phase === "stopping" ? "stopped" : "crashed";
    this.#end();
  }

  iterate(): never {
    throw new NotImplementedError("Node's event loop cannot be turned by hand");
  }

  fireSystemEvent(eventType: string): void {
    if (eventType !== "shutdown") {
      this.#events.fire(eventType);
      return;
    }
    this.#events.fire("shutdown", {
      during: () => {
        this.#running = false;
        this.#disconnectAll();
      },
      done: () => {
        this.#phase = "stopped";
        for (const call of this.#delayedCalls) call.unref();
        reportUnhandledErrors();
        this.#end();
      },
    });
  }

  addSystemEventTrigger<A extends unknown[]>(
    phase: TriggerPhase,
    eventType: string,
    callable: (...args: A) => unknown,
    ...args: A
  ): SystemEventTriggerID {
    return this.#events.add(phase, eventType, callable, args);
  }

  removeSystemEventTrigger(triggerID: SystemEventTriggerID): void {
    this.#events.remove(triggerID);
  }

  callWhenRunning<A extends unknown[]>(callable: (...args: A) => unknown, ...args: A): SystemEventTriggerID | null {
    if (!this.#running) return this.addSystemEventTrigger("after", "startup", callable, ...args);
    callable(...args);
    return null;
  }

  #disconnectAll(): void {
    for (const transport of this.openTransports) {
      this.runLogged("closing a transport", () => transport.connectionLost(new Failure(new ConnectionLost())));
    }
  }

  /** What `run` began ends, and `run` settles. */
  #end(): void {
    this.#running = false;
    for (const [signal, handler] of this.#signals) process.removeListener(signal, handler);
    this.#signals.clear();
    if (this.#keepAlive !== null) clearInterval(this.#keepAlive);
    this.#settle?.();
    this.#settle = null;
  }

  // Signals

  #installSignalHandlers(): void {
    for (const signal of STOP_SIGNALS) {
      if (signal === "SIGINT" && process.listenerCount("SIGINT") > 0) continue; // a debugger, a prompt
      if (signal === "SIGBREAK" && process.platform !== "win32") continue;
      const handler = (): void => this.#signalled(signal);
      this.#signals.set(signal, handler);
      process.on(signal, handler);
    }
  }

  /** The first asks for an orderly end; the second means it, with the status that a shell gives such a death. */
  #signalled(signal: StopSignal): void {
    const number = constants.signals[signal];
    if (this._exitSignal !== null) process.exit(128 + number);
    this._exitSignal = number;
    log.info("received {signal}, shutting down", { signal });
    this.callFromThread(() => {
      if (this.#phase === "started") this.stop();
    });
  }

  // Time

  seconds(): number {
    return (performance.timeOrigin + performance.now()) / 1000;
  }

  callLater<A extends unknown[]>(delay: number, callable: (...args: A) => unknown, ...args: A): DelayedCall {
    if (!(delay >= 0)) throw new AssertionError(`a delay is 0 or more seconds, not ${delay}`);
    const call = new DelayedCall(this, delay, () => callable(...args));
    this.#delayedCalls.add(call);
    return call;
  }

  getDelayedCalls(): DelayedCall[] {
    return [...this.#delayedCalls];
  }

  forget(call: DelayedCall): void {
    this.#delayedCalls.delete(call);
  }

  callFromThread<A extends unknown[]>(callable: (...args: A) => unknown, ...args: A): void {
    if (typeof callable !== "function") throw new AssertionError("callFromThread takes a function");
    setImmediate(() => this.runLogged("a call from a thread", () => callable(...args)));
  }

  /** Runs a function; what it throws, or its promise rejects with, is logged. */
  runLogged(what: string, callable: () => unknown): void {
    try {
      const result = callable();
      if (result instanceof Promise) result.catch((error: unknown) => logError(what, error));
    } catch (error) {
      logError(what, error);
    }
  }

  // Names and connections

  resolve(name: string, { timeout = RESOLVE_TIMEOUTS }: { timeout?: readonly number[] } = {}): Deferred<string> {
    if (name === "") return succeed("0.0.0.0");
    if (isIPv4(name)) return succeed(name);
    const found = new Deferred<string>();
    const seconds = timeout.reduce((sum, each) => sum + each, 0);
    const late = this.callLater(seconds, () => found.errback(new DNSLookupError(`no answer for ${name} in time`)));
    const settle = (use: () => void): void => {
      if (!late.active()) return;
      late.cancel();
      use();
    };
    this.#resolver.getHostByName(name, { timeout }).addCallbacks(
      (address) => settle(() => found.callback(address)),
      (failure) => settle(() => found.errback(failure)),
    );
    return found;
  }

  get nameResolver(): IHostnameResolver {
    return this.#nameResolver;
  }

  installNameResolver(resolver: IHostnameResolver): IHostnameResolver {
    const before = this.#nameResolver;
    this.#nameResolver = resolver;
    this.#resolver = new ComplexResolverSimplifier(resolver);
    this.resolvesNames = true;
    return before;
  }

  installResolver(resolver: IResolverSimple): IResolverSimple {
    const before = this.#resolver;
    this.#resolver = resolver;
    this.#nameResolver = new SimpleResolverComplexifier(resolver);
    this.resolvesNames = true;
    return before;
  }

  listenTCP(port: number, factory: IProtocolFactory, options: ListenTCPOptions = {}): TCPPort {
    const listening = new TCPPort(this, port, factory, options);
    listening.startListening();
    return listening;
  }

  connectTCP(host: string, port: number, factory: IClientFactory, options: ConnectTCPOptions = {}): TCPConnector {
    const connector = new TCPConnector(this, host, port, factory, options);
    connector.connect();
    return connector;
  }

  listenSSL(
    port: number,
    factory: IProtocolFactory,
    contextFactory: ITLSContextFactory,
    options: ListenTCPOptions = {},
  ): TCPPort {
    const listening = new TCPPort(this, port, factory, options, contextFactory);
    listening.startListening();
    return listening;
  }

  connectSSL(
    host: string,
    port: number,
    factory: IClientFactory,
    contextFactory: ITLSContextFactory,
    options: ConnectTCPOptions = {},
  ): TCPConnector {
    const connector = new TCPConnector(this, host, port, factory, options, contextFactory);
    connector.connect();
    return connector;
  }

  listenUNIX(address: string, factory: IProtocolFactory, options: ListenUNIXOptions = {}): UNIXPort {
    const listening = new UNIXPort(this, address, factory, options);
    listening.startListening();
    return listening;
  }

  connectUNIX(address: string, factory: IClientFactory, options: ConnectUNIXOptions = {}): UNIXConnector {
    const connector = new UNIXConnector(this, address, factory, options);
    connector.connect();
    return connector;
  }

  adoptStreamPort(fileDescriptor: number, addressFamily: AddressFamily, factory: IProtocolFactory): AdoptedPort {
    const listening = new AdoptedPort(this, fileDescriptor, addressFamily, factory);
    listening.startListening();
    return listening;
  }

  adoptStreamConnection(fileDescriptor: number, addressFamily: AddressFamily, factory: IProtocolFactory): void {
    adoptConnection(this, fileDescriptor, addressFamily, factory);
  }

  adoptDatagramPort(
    fileDescriptor: number,
    addressFamily: AddressFamily,
    protocol: IDatagramProtocol,
    options: { maxPacketSize?: number } = {},
  ): UDPPort {
    if (addressFamily === "UNIX") throw new UnsupportedAddressFamily(addressFamily);
    const family = addressFamily === "IPv6" ? 6 : 4;
    const listening = new UDPPort(this, 0, protocol, options, { fd: fileDescriptor, family });
    listening.startListening();
    return listening;
  }

  listenUDP(port: number, protocol: IDatagramProtocol, options: ListenUDPOptions = {}): UDPPort {
    return this.listenMulticast(port, protocol, options);
  }

  listenMulticast(port: number, protocol: IDatagramProtocol, options: ListenMulticastOptions = {}): UDPPort {
    const listening = new UDPPort(this, port, protocol, options);
    listening.startListening();
    return listening;
  }

  // Threads

  callInThread<A extends unknown[]>(callable: (...args: A) => unknown, ...args: A): void {
    if (typeof callable !== "function") throw new AssertionError("callInThread takes a function");
    this.getThreadPool().callInThread(callable, ...args);
  }

  getThreadPool(): ThreadPool {
    if (this.#threadPool === null) {
      const pool = (this.#threadPool = new ThreadPool());
      this.addSystemEventTrigger("during", "shutdown", () => pool.stop());
    }
    return this.#threadPool;
  }

  /** The most worker threads there shall be; default 10. */
  suggestThreadPoolSize(size: number): void {
    const pool = this.getThreadPool();
    pool.adjustPoolsize(Math.min(pool.min, size), size);
  }

  // Processes

  spawnProcess(
    processProtocol: IProcessProtocol,
    executable: string,
    args: readonly string[],
    options: SpawnProcessOptions & { usePTY: true | TerminalOptions },
  ): ITerminalProcess;
  spawnProcess(
    processProtocol: IProcessProtocol,
    executable: string,
    args?: readonly string[],
    options?: SpawnProcessOptions,
  ): IChildProcess;
  spawnProcess(
    processProtocol: IProcessProtocol,
    executable: string,
    args: readonly string[] = [],
    options: SpawnProcessOptions = {},
  ): IChildProcess {
    return spawnProcess(processProtocol, executable, args, options);
  }

  // A process of Node's cannot become another that runs in the background: there is nothing to do before or after.

  beforeDaemonize(): void {}

  afterDaemonize(): void {}
}

/** The reactor of this process. */
export const reactor = new NodeReactor();

function logError(what: string, error: unknown): void {
  log.failure("{what} failed", error instanceof Failure ? error : new Failure(error), { what });
}
