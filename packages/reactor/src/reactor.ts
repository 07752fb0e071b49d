/**
 * The reactor on Node's event loop (twisted.internet.reactor). The loop turns by itself, so sockets and timers work at
 * once; `run` adds what Node has not: system events, orderly shutdown on signals, and keeping the process alive.
 */
import { constants } from "node:os";
import { BaseReactor } from "./base-reactor.js";
import { implementer } from "./components.js";
import { DelayedCall } from "./delayed-call.js";
import { UnsupportedAddressFamily } from "./error.js";
import { AssertionError } from "./exceptions.js";
import {
  type AddressFamily,
  type ConnectTCPOptions,
  type ConnectUNIXOptions,
  type IChildProcess,
  type IClientFactory,
  type IDatagramProtocol,
  type IProcessProtocol,
  type IProtocolFactory,
  IReactor,
  IReactorDaemonize,
  IReactorThreads,
  type ITerminalProcess,
  type ITLSContextFactory,
  type ListenTCPOptions,
  type ListenMulticastOptions,
  type ListenUDPOptions,
  type ListenUNIXOptions,
  type RunOptions,
  type SpawnProcessOptions,
  type TerminalOptions,
} from "./interfaces.js";
import { Logger } from "./logger.js";
import { milliseconds } from "./monotonic.js";
import { GAIResolver } from "./resolver.js";
import { Roster } from "./roster.js";
import { ThreadPool } from "./threads/pool.js";
import { UDPPort } from "./udp.js";
import { spawnProcess } from "./process/spawn.js";
import { TCPConnector } from "./stream/tcp-connector.js";
import { TCPPort } from "./stream/tcp-port.js";
import { adoptConnection, AdoptedPort } from "./stream/adopted.js";
import { UNIXConnector, UNIXPort } from "./stream/unix.js";

const log = new Logger({ namespace: "strombus.reactor" });
const EPOCH = Date.now() - milliseconds(); // where the monotonic clock stood in 1970
const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGBREAK"] as const;
type StopSignal = (typeof STOP_SIGNALS)[number];

@implementer(IReactor, IReactorThreads, IReactorDaemonize)
export class NodeReactor extends BaseReactor implements IReactor, IReactorThreads, IReactorDaemonize {
  /** The number of the signal that stopped the reactor, or null. */
  _exitSignal: number | null = null;
  /** Seconds that connections may go on once the reactor is told to stop, where their protocol knows how; `--drain` sets it. */
  drainTime = 0;
  readonly #delayedCalls = new Roster<DelayedCall>();
  readonly #signals = new Map<NodeJS.Signals, () => void>();
  #threadPool: ThreadPool | null = null;
  #keepAlive: NodeJS.Timeout | null = null;

  constructor() {
    super(new GAIResolver());
  }

  // Life cycle

  protected override starting(): void {
    this.#keepAlive = setInterval(() => {}, 2 ** 31 - 1);
  }

  protected override started({ installSignalHandlers = true }: RunOptions): void {
    if (installSignalHandlers) this.#installSignalHandlers();
  }

  protected override stopped(): void {
    for (const call of this.#delayedCalls) call.unref();
  }

  protected override ended(): void {
    for (const [signal, handler] of this.#signals) process.removeListener(signal, handler);
    this.#signals.clear();
    if (this.#keepAlive !== null) clearInterval(this.#keepAlive);
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
      if (this.canStop) this.stop();
    });
  }

  // Time

  seconds(): number {
    return (EPOCH + milliseconds()) / 1000;
  }

  callLater<A extends unknown[]>(delay: number, callable: (...args: A) => unknown, ...args: A): DelayedCall {
    if (!(delay >= 0)) throw new AssertionError(`a delay is 0 or more seconds, not ${delay}`);
    const call = new DelayedCall(this, delay, callable, args);
    this.#delayedCalls.add(call);
    return call;
  }

  getDelayedCalls(): DelayedCall[] {
    return [...this.#delayedCalls];
  }

  forget(call: DelayedCall): void {
    this.#delayedCalls.delete(call);
  }

  // Connections

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
}

/** The reactor of this process. */
export const reactor = new NodeReactor();
