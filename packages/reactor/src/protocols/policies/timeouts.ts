/** Ending connections on which nothing happens. */
import type {
  BytesLike,
  IDelayedCall,
  IProtocol,
  IProtocolFactory,
  IReactorTime,
  MaybeAsync,
} from "../../interfaces.js";
import type { Failure } from "../../failure.js";
import { guarded } from "../../guard.js";
import { logFailed } from "../../logged-calls.js";
import { Logger } from "../../logger.js";
import { reactor } from "../../reactor.js";
import { ProtocolWrapper, WrappingFactory } from "./wrapping.js";

const log = new Logger({ namespace: "strombus.policies" });

/** A wrapper that counts from when it was built; what is written or arrives starts it again. */
export class TimeoutProtocol extends ProtocolWrapper {
  #period: number | null;
  #call: IDelayedCall | null = null;
  readonly #clock: Pick<IReactorTime, "callLater">;

  constructor(factory: TimeoutFactory, wrappedProtocol: IProtocol, timeoutPeriod: number | null) {
    super(factory, wrappedProtocol);
    this.#period = timeoutPeriod;
    this.#clock = factory.clock;
    this.setTimeout(timeoutPeriod);
  }

  /** Seconds from now; null for none. */
  setTimeout(timeoutPeriod: number | null = null): void {
    this.cancelTimeout();
    this.#period = timeoutPeriod;
    if (timeoutPeriod !== null)
      this.#call = this.#clock.callLater(timeoutPeriod, () => this.guard(() => this.timeoutFunc()));
  }

  cancelTimeout(): void {
    if (this.#call?.active()) this.#call.cancel();
    this.#call = null;
  }

  resetTimeout(): void {
    if (this.#call?.active() && this.#period !== null) this.#call.reset(this.#period);
  }

  /** The time is over. */
  timeoutFunc(): void {
    this.loseConnection();
  }

  override write(data: BytesLike): void {
    super.write(data);
    this.resetTimeout();
  }

  override writeSequence(data: Iterable<BytesLike>): void {
    super.writeSequence(data);
    this.resetTimeout();
  }

  override dataReceived(data: Buffer): MaybeAsync {
    const result = super.dataReceived(data);
    this.resetTimeout();
    return result;
  }

  override connectionLost(reason: Failure): MaybeAsync {
    this.cancelTimeout();
    return super.connectionLost(reason);
  }
}

/** Ends connections on which nothing happened for `timeoutPeriod` seconds. */
export class TimeoutFactory extends WrappingFactory {
  readonly timeoutPeriod: number;
  readonly clock: Pick<IReactorTime, "callLater">;

  constructor(
    wrappedFactory: IProtocolFactory,
    { timeoutPeriod = 1800, clock = reactor }: { timeoutPeriod?: number; clock?: Pick<IReactorTime, "callLater"> } = {},
  ) {
    super(wrappedFactory);
    this.timeoutPeriod = timeoutPeriod;
    this.clock = clock;
  }

  override wrap(protocol: IProtocol): TimeoutProtocol {
    return new TimeoutProtocol(this, protocol, this.timeoutPeriod);
  }
}

type Constructor<T = object> = abstract new (...args: any[]) => T; // eslint-disable-line @typescript-eslint/no-explicit-any -- TypeScript asks it of mixins

/** What a class with a timeout can do. */
export interface WithTimeout {
  /** Seconds; null while it is off. */
  timeOut: number | null;
  /** Starts counting; null switches it off. Returns what was set before. */
  setTimeout(period: number | null): number | null;
  /** Counts from now again; does nothing while it is off. */
  resetTimeout(): void;
  /** The time is over. Default: `transport.loseConnection()`. */
  timeoutConnection(): void;
  /** To be overridden for another clock. */
  callLater(period: number, callable: () => void): IDelayedCall;
}

/** Adds a timeout to a class: `class Session extends TimeoutMixin(LineReceiver)`. */
export function TimeoutMixin<Base extends Constructor>(base: Base): Base & Constructor<WithTimeout> {
  abstract class Timed extends base implements WithTimeout {
    timeOut: number | null = null;
    #call: IDelayedCall | null = null;

    setTimeout(period: number | null): number | null {
      const before = this.timeOut;
      this.timeOut = period;
      if (this.#call?.active()) this.#call.cancel();
      this.#call = period === null ? null : this.callLater(period, () => this.#timeIsOver());
      return before;
    }

    /** A connection whose timeout fails has had its time all the same. */
    #timeIsOver(): void {
      guarded(
        () => this.timeoutConnection(),
        (error) => {
          logFailed(log, "a timeout", error);
          this.#close();
        },
      );
    }

    #close(): void {
      (this as { transport?: { loseConnection(): void } | null }).transport?.loseConnection();
    }

    resetTimeout(): void {
      if (this.#call?.active() && this.timeOut !== null) this.#call.reset(this.timeOut);
    }

    timeoutConnection(): void {
      this.#close();
    }

    callLater(period: number, callable: () => void): IDelayedCall {
      return reactor.callLater(period, callable);
    }
  }
  return Timed;
}
