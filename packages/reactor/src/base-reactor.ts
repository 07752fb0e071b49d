/** What every reactor does in the same way: its life cycle, system events, names. Time and transports differ. */
import { isIPv4 } from "node:net";
import { Deferred, maybeDeferred, reportUnhandledErrors, succeed } from "./defer.js";
import {
  ConnectionLost,
  DNSLookupError,
  ReactorAlreadyRunning,
  ReactorNotRestartable,
  ReactorNotRunning,
} from "./error.js";
import { AssertionError, NotImplementedError } from "./exceptions.js";
import { Failure } from "./failure.js";
import type {
  IDelayedCall,
  IHostnameResolver,
  IReactorCore,
  IReactorFromThreads,
  IReactorPluggableNameResolver,
  IResolverSimple,
  RunOptions,
  SystemEventTriggerID,
  TriggerPhase,
} from "./interfaces.js";
import { callLogged, logFailed, logRejection } from "./logged-calls.js";
import { Logger } from "./logger.js";
import { ComplexResolverSimplifier, SimpleResolverComplexifier } from "./resolver.js";
import { Roster } from "./roster.js";
import type { OpenTransport, TransportHost } from "./stream/host.js";
import { SystemEvents } from "./system-events.js";

const log = new Logger({ namespace: "strombus.reactor" });
const RESOLVE_TIMEOUTS = [1, 3, 11, 45]; // seconds; resolvers retry by themselves, so only their sum counts

/** Where `run` stands. "crashed" may run again; "stopped" never will. */
type Phase = "new" | "started" | "stopping" | "stopped" | "crashed";

export abstract class BaseReactor
  implements IReactorCore, IReactorFromThreads, IReactorPluggableNameResolver, TransportHost
{
  readonly openTransports = new Roster<OpenTransport>();
  /** A resolver was installed: Node's own lookups are not to be used. */
  resolvesNames = false;
  readonly #events = new SystemEvents((what, error) => logFailed(log, what, error));
  #nameResolver: IHostnameResolver;
  #resolver: IResolverSimple;
  #phase: Phase = "new";
  #running = false;
  #settle: (() => void) | null = null;

  constructor(nameResolver: IHostnameResolver) {
    this.#nameResolver = nameResolver;
    this.#resolver = new ComplexResolverSimplifier(nameResolver);
  }

  abstract seconds(): number;
  abstract callLater<A extends unknown[]>(delay: number, callable: (...args: A) => unknown, ...args: A): IDelayedCall;
  abstract getDelayedCalls(): IDelayedCall[];

  /** `run` was called; the startup triggers have not run yet. */
  protected starting(): void {}
  /** In the during phase of startup. */
  protected started(options: RunOptions): void {}
  /** After the last trigger of shutdown. */
  protected stopped(): void {}
  /** What `run` began ends, by `stop` or `crash`. */
  protected ended(): void {}

  get running(): boolean {
    return this.#running;
  }

  /** For delayed calls: after the last trigger nothing holds the process. */
  get holdsProcess(): boolean {
    return this.#phase !== "stopped";
  }

  // Life cycle

  run(options: RunOptions = {}): Promise<void> {
    if (this.#settle !== null) throw new ReactorAlreadyRunning();
    if (this.#phase === "stopped") throw new ReactorNotRestartable();
    this.#phase = "started";
    this.starting();
    const finished = new Promise<void>((resolve) => (this.#settle = resolve));
    this.#events.fire("startup", {
      during: () => {
        if (this.#settle === null) return; // it crashed while a trigger was waiting
        this.#running = true;
        this.started(options);
      },
    });
    return finished;
  }

  stop(): void {
    if (!this.canStop) throw new ReactorNotRunning();
    this.#phase = "stopping";
    setImmediate(() => {
      if (this.#phase === "stopping") this.fireSystemEvent("shutdown");
    });
  }

  protected get canStop(): boolean {
    return this.#phase === "started";
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
        this.stopped();
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
    logRejection(log, callable(...args));
    return null;
  }

  #disconnectAll(): void {
    for (const transport of this.openTransports) {
      this.runLogged("closing a transport", () => transport.connectionLost(new Failure(new ConnectionLost())));
    }
  }

  #end(): void {
    this.#running = false;
    this.ended();
    this.#settle?.();
    this.#settle = null;
  }

  // Calls

  callFromThread<A extends unknown[]>(callable: (...args: A) => unknown, ...args: A): void {
    if (typeof callable !== "function") throw new AssertionError("callFromThread takes a function");
    setImmediate(() => this.runLogged("a call from a thread", () => callable(...args)));
  }

  /** Runs a function; what it throws, or its promise rejects with, is logged. */
  runLogged(what: string, callable: () => unknown): void {
    callLogged(log, what, callable);
  }

  // Names

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
    maybeDeferred(() => this.#resolver.getHostByName(name, { timeout })).addCallbacks(
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

  // A process of Node's cannot become another that runs in the background: there is nothing to do before or after.

  beforeDaemonize(): void {}

  afterDaemonize(): void {}
}
