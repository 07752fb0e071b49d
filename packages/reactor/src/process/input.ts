/** What is written to a child: counted until the child has it, so that who writes can be told to wait. */
import { RuntimeError } from "../exceptions.js";
import { guarded } from "../guard.js";
import type { IPullProducer, IPushProducer } from "../interfaces.js";
import { callLogged, logFailed } from "../logged-calls.js";
import { Logger } from "../logger.js";

const log = new Logger({ namespace: "strombus.reactor.process" });

const A_PRODUCER = "a producer";
const HIGH_WATER = 65536; // bytes; more than this in user space pauses a push producer

/** Where the bytes go. */
export interface Sink {
  /** `done` is called once: when the system has taken them, or when nobody ever will. */
  write(data: Buffer, done: () => void): void;
  /** No more will come. */
  end(): void;
}

/** The writing end of a pipe or terminal, as a consumer (IConsumer). */
export class Input {
  readonly #sink: Sink;
  #waiting = 0;
  #state: "open" | "ending" | "closed" = "open";
  #producer: IPushProducer | IPullProducer | null = null;
  #streaming = false;
  #paused = false;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  write(data: Buffer): void {
    if (this.#state === "closed" || data.length === 0) return;
    this.#waiting += data.length;
    this.#sink.write(data, () => this.#written(data.length));
    if (this.#waiting <= HIGH_WATER || !this.#streaming) return;
    this.#paused = true;
    this.#ask((producer) => (producer as IPushProducer).pauseProducing());
  }

  registerProducer(producer: IPushProducer | IPullProducer, streaming: boolean): void {
    if (this.#producer !== null) throw new RuntimeError("a producer is registered already");
    if (this.#state !== "open") {
      callLogged(log, A_PRODUCER, () => producer.stopProducing());
      return;
    }
    this.#producer = producer;
    this.#streaming = streaming;
    this.#paused = false;
    if (!streaming) this.#ask(() => producer.resumeProducing());
  }

  unregisterProducer(): void {
    this.#producer = null;
    this.#streaming = false;
    if (this.#state === "ending") this.#end();
  }

  /** Ends it behind what is written; a producer that was told to wait, or is asked for more, has its turn first. */
  end(): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    if (!this.#awaitsProducer) this.#end();
  }

  /** Nobody takes any of it any more. */
  closed(): void {
    this.#state = "closed";
    const producer = this.#producer;
    this.#producer = null;
    this.#streaming = false;
    callLogged(log, A_PRODUCER, () => producer?.stopProducing());
  }

  #end(): void {
    this.#state = "closed";
    this.#sink.end();
  }

  #written(bytes: number): void {
    this.#waiting -= bytes;
    if (this.#waiting > 0 || this.#state === "closed" || !this.#awaitsProducer) return;
    this.#paused = false;
    this.#ask((producer) => producer.resumeProducing());
  }

  /** A producer that fails is one no more: what is written is not to wait for it. */
  #ask(call: (producer: IPushProducer | IPullProducer) => unknown): void {
    const producer = this.#producer;
    if (producer === null) return;
    guarded(
      () => call(producer),
      (error) => {
        logFailed(log, A_PRODUCER, error);
        if (this.#producer === producer) this.unregisterProducer();
      },
    );
  }

  get #awaitsProducer(): boolean {
    return this.#producer !== null && (!this.#streaming || this.#paused);
  }
}
