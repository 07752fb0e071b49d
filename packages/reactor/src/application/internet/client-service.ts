/** ClientService: keeps one connection, and makes it again whenever it is lost. */
import { CancelledError, Deferred, fail, maybeDeferred, succeed } from "../../defer.js";
import { NoProtocol } from "../../error.js";
import { ValueError } from "../../exceptions.js";
import type { Failure } from "../../failure.js";
import type { IDelayedCall, IProtocol, IProtocolFactory, IReactorTime } from "../../interfaces.js";
import { logFailed } from "../../logged-calls.js";
import { Logger } from "../../logger.js";
import { reactor } from "../../reactor.js";
import { Service } from "../service.js";
import { backoffPolicy, type RetryPolicy } from "./backoff.js";
import { WatchingFactory } from "./watched-protocol.js";

const DEFAULT_POLICY = backoffPolicy();
const log = new Logger({ namespace: "strombus.application" });

/** What connects for a factory. */
export interface ClientEndpoint {
  connect(factory: IProtocolFactory): PromiseLike<IProtocol>;
}

export interface ClientServiceOptions<P extends IProtocol> {
  /** How long to wait after a failure or a loss. Default `backoffPolicy()`. */
  retryPolicy?: RetryPolicy;
  /** Default the reactor. */
  clock?: IReactorTime;
  /** Runs when a connection is made, before anyone is told; if it fails, the connection closes and the attempt has failed. */
  prepareConnection?: (protocol: P) => unknown;
}

export interface WhenConnectedOptions {
  /** Fail after that many failed attempts; null waits for as long as it takes. */
  failAfterFailures?: number | null;
}

/** One attempt to connect, and the connection that comes of it. */
interface Attempt {
  readonly factory: WatchingFactory;
  work: Deferred;
  /** It failed: what else it reports is no news. */
  over: boolean;
}

type State =
  | { name: "init" }
  | { name: "connecting"; attempt: Attempt }
  | { name: "waiting"; timer: IDelayedCall }
  | { name: "connected"; attempt: Attempt }
  | { name: "disconnecting"; attempt: Attempt }
  | { name: "restarting"; attempt: Attempt }
  | { name: "stopped" };

interface Waiter<P> {
  readonly deferred: Deferred<P>;
  failuresLeft: number;
}

/** Keeps one connection while it runs: makes it, and again when it is lost or fails, after waits that grow. */
export class ClientService<P extends IProtocol = IProtocol> extends Service {
  readonly #endpoint: ClientEndpoint;
  readonly #factory: IProtocolFactory;
  readonly #retryPolicy: RetryPolicy;
  readonly #clock: IReactorTime;
  readonly #prepareConnection: (protocol: P) => unknown;
  #state: State = { name: "init" };
  #failures = 0; // since the last connection
  #waiters: Waiter<P>[] = [];
  #stops: Deferred<null>[] = [];

  constructor(
    endpoint: ClientEndpoint,
    factory: IProtocolFactory,
    {
      retryPolicy = DEFAULT_POLICY,
      clock = reactor,
      prepareConnection = () => undefined,
    }: ClientServiceOptions<P> = {},
  ) {
    super();
    this.#endpoint = endpoint;
    this.#factory = factory;
    this.#retryPolicy = retryPolicy;
    this.#clock = clock;
    this.#prepareConnection = prepareConnection;
  }

  override startService(): void {
    if (this.running) {
      log.warn("a ClientService was started twice");
      return;
    }
    void super.startService();
    if (this.#state.name === "disconnecting") this.#state = { ...this.#state, name: "restarting" };
    else this.#connect();
  }

  /** Fires when there is no connection any more. */
  override stopService(): Deferred<null> {
    void super.stopService();
    const state = this.#state;
    switch (state.name) {
      case "waiting":
        state.timer.cancel();
        break;
      case "connecting":
      case "connected":
      case "restarting":
        this.#state = { name: "disconnecting", attempt: state.attempt };
        break;
      case "init":
      case "stopped":
      case "disconnecting":
        break;
    }
    if (this.#state.name !== "disconnecting") {
      this.#stopped();
      return succeed(null);
    }
    const stopped = new Deferred<null>();
    this.#stops.push(stopped);
    if (state.name === "connecting") state.attempt.work.cancel();
    if (state.name === "connected") state.attempt.factory.built?.transport?.loseConnection();
    return stopped;
  }

  /** The protocol: now if it is connected, else when it is. Fails with CancelledError when the service stops. */
  whenConnected({ failAfterFailures = null }: WhenConnectedOptions = {}): Deferred<P> {
    if (this.#state.name === "connected") return succeed(protocolOf<P>(this.#state.attempt));
    if (this.#state.name === "stopped") return fail(new CancelledError("the service is stopped"));
    const deferred = new Deferred<P>(() => {
      this.#waiters = this.#waiters.filter((waiter) => waiter.deferred !== deferred);
    });
    this.#waiters.push({ deferred, failuresLeft: failAfterFailures ?? Infinity });
    return deferred;
  }

  #connect(): void {
    const attempt: Attempt = {
      factory: new WatchingFactory(this.#factory, (reason) => this.#lost(attempt, reason)),
      work: new Deferred(),
      over: false,
    };
    this.#state = { name: "connecting", attempt };
    attempt.work = maybeDeferred(() => this.#endpoint.connect(attempt.factory));
    attempt.work
      .addCallback(() => {
        if (attempt.factory.built === null) throw new NoProtocol();
        return maybeDeferred(() => this.#prepareConnection(protocolOf<P>(attempt)));
      })
      .addCallbacks(
        () => this.#made(attempt),
        (failure) => this.#failed(attempt, failure),
      );
  }

  #made(attempt: Attempt): void {
    if (attempt.over) return;
    if (this.#state.name === "connecting") {
      this.#state = { name: "connected", attempt };
      this.#failures = 0;
      for (const { deferred } of this.#takeWaiters()) deferred.callback(protocolOf<P>(attempt));
    } else {
      // It was to be cancelled, and was made all the same.
      attempt.factory.built?.transport?.loseConnection();
    }
  }

  #failed(attempt: Attempt, failure: Failure): void {
    if (attempt.over) return;
    attempt.over = true;
    attempt.factory.closed = true;
    const { built } = attempt.factory;
    const isOpen = built?.transport != null && !built.lost;
    if (isOpen) built.transport?.loseConnection();
    if (this.#state.name === "connecting") {
      this.#wait();
      this.#countFailure(failure);
    } else if (!isOpen) this.#disconnected();
  }

  #lost(attempt: Attempt, reason: Failure): void {
    switch (this.#state.name) {
      case "connecting":
        if (this.#state.attempt === attempt) this.#failed(attempt, reason);
        break;
      case "connected":
        if (this.#state.attempt === attempt) this.#wait();
        break;
      case "disconnecting":
      case "restarting":
        attempt.over = true;
        if (this.#state.attempt === attempt) this.#disconnected();
        break;
      case "init":
      case "waiting":
      case "stopped":
        break; // a connection that was given up before
    }
  }

  #wait(): void {
    this.#failures += 1;
    const delay = this.#delay();
    log.info("connecting again in {delay:.1f} seconds", { delay });
    this.#state = { name: "waiting", timer: this.#clock.callLater(delay, () => this.#connect()) };
  }

  /** A policy that fails does not keep the service from connecting again: then the default one decides. */
  #delay(): number {
    try {
      const delay = this.#retryPolicy(this.#failures);
      if (!(delay >= 0)) throw new ValueError(`a delay of ${delay} seconds`);
      return delay;
    } catch (error) {
      logFailed(log, "a retry policy", error);
      return DEFAULT_POLICY(this.#failures);
    }
  }

  #countFailure(failure: Failure): void {
    for (const waiter of this.#waiters) waiter.failuresLeft -= 1;
    const ready = this.#waiters.filter(({ failuresLeft }) => failuresLeft <= 0);
    this.#waiters = this.#waiters.filter(({ failuresLeft }) => failuresLeft > 0);
    for (const { deferred } of ready) deferred.errback(failure);
  }

  /** What was to end has ended. */
  #disconnected(): void {
    if (this.#state.name === "restarting") {
      const stops = this.#takeStops();
      this.#connect();
      for (const stopped of stops) stopped.callback(null);
    } else this.#stopped();
  }

  #stopped(): void {
    this.#state = { name: "stopped" };
    const stops = this.#takeStops();
    for (const { deferred } of this.#takeWaiters()) deferred.errback(new CancelledError("the service was stopped"));
    for (const stopped of stops) stopped.callback(null);
  }

  #takeWaiters(): Waiter<P>[] {
    const waiters = this.#waiters;
    this.#waiters = [];
    return waiters;
  }

  #takeStops(): Deferred<null>[] {
    const stops = this.#stops;
    this.#stops = [];
    return stops;
  }
}

function protocolOf<P extends IProtocol>(attempt: Attempt): P {
  return attempt.factory.built!.original as P;
}
