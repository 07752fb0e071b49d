/** Services that work as time passes. */
import { type Deferred, succeed } from "../../defer.js";
import type { IReactorTime, MaybeAsync } from "../../interfaces.js";
import { Logger } from "../../logger.js";
import { reactor } from "../../reactor.js";
import { Cooperator, LoopingCall } from "../../task.js";
import { Service } from "../service.js";

const log = new Logger({ namespace: "strombus.application" });

/** Calls a function when it starts, and every `step` seconds. If that fails, it is logged, and the calls end. */
export class TimerService<A extends unknown[] = []> extends Service {
  /** Set before `startService`; null is the reactor. */
  clock: IReactorTime | null = null;
  readonly step: number;
  readonly call: () => unknown;
  #loop: LoopingCall | null = null;
  #finished: Deferred = succeed(null);

  constructor(step: number, callable: (...args: A) => unknown, ...args: A) {
    super();
    this.step = step;
    const call = (): unknown => callable(...args);
    this.call = call;
  }

  override startService(): void {
    void super.startService();
    const loop = (this.#loop = new LoopingCall(this.call));
    loop.clock = this.clock ?? reactor;
    this.#finished = loop.start(this.step).addErrback((failure) => {
      log.failure("the call of a TimerService failed, and will not be made again", failure);
    });
  }

  /** Fires after the call in progress. */
  override stopService(): Deferred {
    if (this.#loop?.running === true) this.#loop.stop();
    return this.#finished.addCallback(() => void super.stopService());
  }
}

/** A Cooperator that works while the service runs. */
export class CooperatorService extends Service {
  coop: Cooperator = new Cooperator({ started: false });

  /** Fires when the iterator is done. */
  coiterate(iterator: Iterator<unknown>): Deferred<Iterator<unknown>> {
    return this.coop.coiterate(iterator);
  }

  override startService(): MaybeAsync {
    this.coop.start();
    return super.startService();
  }

  override stopService(): MaybeAsync {
    this.coop.stop();
    return super.stopService();
  }
}
