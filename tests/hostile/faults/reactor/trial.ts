/** One fault in one callback: where it is put, and who hears of it. */
import { Deferred } from "@strombus/reactor/defer";
import type { Failure } from "@strombus/reactor/failure";
import type { ITCPTransport } from "@strombus/reactor/interfaces";
import { ClientFactory, Factory, Protocol } from "@strombus/reactor/protocol";
import { SimulatedReactor } from "@strombus/reactor/testing";

export const FAULT = "a fault of the application";
export const HERE = { interface: "127.0.0.1" };

/** Pattern of names to what makes the callback happen. A name has all the cases that fit it, and needs one. */
export type Cases = readonly (readonly [pattern: RegExp, make: (trial: Trial) => unknown])[];

type Callable = (this: unknown, ...args: unknown[]) => unknown;

/** Whether a failure is, or comes of, the fault that was injected. */
export function isFault(error: unknown): boolean {
  const { cause, subFailure } = Object(error) as { cause?: unknown; subFailure?: Failure };
  return String(error).includes(FAULT) || [cause, subFailure?.value].some((each) => each != null && isFault(each));
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

export class Trial {
  readonly reactor = new SimulatedReactor();
  /** The callback was called. */
  reached = false;
  /** What came back to the application: from what it called, from a Deferred that it holds, as the reason of an end. */
  readonly told: unknown[] = [];
  readonly #member: string;
  readonly #fault: () => unknown;

  constructor(member: string, fault: () => unknown) {
    this.#member = member;
    this.#fault = fault;
  }

  /** A function of the application's: does its work, and then fails. */
  function<F extends (...args: never[]) => unknown>(work: F): F {
    const act = (self: unknown, args: unknown[]): unknown => {
      this.reached = true;
      this.hear(() => (work as unknown as Callable).apply(self, args));
      return this.#fault();
    };
    return function (this: unknown, ...args: unknown[]) {
      return act(this, args);
    } as unknown as F;
  }

  /** Lets the callback of this object fail, if the object has it. */
  spoil<T extends object>(holder: T): T {
    const functions = holder as Record<string, Callable>;
    const original = functions[this.#member];
    if (typeof original === "function") functions[this.#member] = this.function(original);
    return holder;
  }

  /** Calls as an application does: what comes of it is heard. */
  hear<T>(call: () => T): T | null {
    try {
      const result = call();
      if (result instanceof Deferred) result.addErrback(({ value }) => void this.told.push(value));
      else if (isThenable(result)) result.then(undefined, (error: unknown) => this.told.push(error));
      return result;
    } catch (error) {
      this.told.push(error);
      return null;
    }
  }

  /** Lets everything happen, and half a second go by. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) {
      await this.reactor.settle();
      this.reactor.advance(0.1);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** A protocol of the application's, which remembers. */
export class End extends Protocol {
  declare transport: ITCPTransport;
  heard = "";
  override dataReceived(data: Buffer): void {
    this.heard += data.toString();
  }
}

export function quiet<F extends { noisy: boolean }>(factory: F): F {
  factory.noisy = false;
  return factory;
}

/** A connection that is there before, and must not notice. */
export class Bystander {
  readonly #trial: Trial;
  readonly #ends = [new End(), new End()] as const;
  #stop = (): unknown => undefined;

  constructor(trial: Trial) {
    this.#trial = trial;
  }

  async connect(): Promise<void> {
    const { reactor } = this.#trial;
    const [server, client] = this.#ends;
    const port = reactor.listenTCP(0, quiet(Factory.forProtocol(() => server)), HERE);
    this.#stop = () => port.stopListening();
    reactor.connectTCP("127.0.0.1", port.getHost().port, quiet(ClientFactory.forProtocol(() => client)));
    await this.#trial.settle();
  }

  /** What it can still say. */
  async leave(): Promise<string> {
    const [server, client] = this.#ends;
    client.transport.write("still here");
    await this.#trial.settle();
    client.transport.loseConnection();
    await this.#stop();
    await this.#trial.settle();
    return server.heard;
  }
}
