/** Small doubles: a file, a producer, a datagram transport, an observer (twisted.internet.testing). */
import { toBuffer } from "../bytes.js";
import { Deferred } from "../defer.js";
import { RuntimeError } from "../exceptions.js";
import { LoopingCall } from "../task.js";
import type { BytesLike, IConsumer, IPullProducer, IReactorTime, ITCPTransport, ITransport } from "../interfaces.js";
import { globalLogPublisher, type LogEvent, type LogObserver, type LogPublisher } from "../logger.js";

const POLL_INTERVAL = 0.01; // seconds

/** A file in memory that stays readable when it is closed. */
export class StringIOWithoutClosing {
  #chunks: Buffer[] = [];

  write(data: BytesLike): number {
    const bytes = Buffer.from(toBuffer(data));
    this.#chunks.push(bytes);
    return bytes.length;
  }

  getvalue(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  close(): void {}
}

/** Keeps the datagrams that are sent. */
export class FakeDatagramTransport {
  readonly written: [packet: Buffer, addr: readonly [host: string, port: number] | null][] = [];

  write(packet: BytesLike, addr: readonly [host: string, port: number] | null = null): void {
    this.written.push([Buffer.from(toBuffer(packet)), addr]);
  }
}

/** A pull producer of the digits 0 to 9, one each time it is asked. */
export class NonStreamingProducer implements IPullProducer {
  counter = 0;
  stopped = false;
  readonly result = new Deferred<null>();
  consumer: IConsumer | null;

  constructor(consumer: IConsumer) {
    this.consumer = consumer;
  }

  /** @throws RuntimeError after the last digit */
  resumeProducing(): void {
    if (this.consumer === null || this.counter >= 10)
      throw new RuntimeError("a producer that is done was asked for more");
    this.consumer.write(String(this.counter));
    this.counter += 1;
    if (this.counter < 10) return;
    this.consumer.unregisterProducer();
    this.#finish();
  }

  /** @throws RuntimeError always: a pull producer is never paused */
  pauseProducing(): never {
    throw new RuntimeError("a pull producer was paused");
  }

  stopProducing(): void {
    if (this.consumer !== null) this.consumer.unregisterProducer();
    this.stopped = true;
    this.#finish();
  }

  #finish(): void {
    this.consumer = null;
    if (!this.result.called) this.result.callback(null);
  }
}

/** Fires when none of the protocols is connected any more; looks every 0.01 seconds. */
export function waitUntilAllDisconnected(
  reactor: IReactorTime,
  protocols: readonly { readonly transport: ITransport | null }[],
): Deferred<null> {
  const done = new Deferred<null>();
  const loop = new LoopingCall(() => {
    const isConnected = ({ transport }: { readonly transport: ITransport | null }): boolean =>
      (transport as Partial<ITCPTransport> | null)?.connected === true;
    if (protocols.some(isConnected)) return;
    loop.stop();
    done.callback(null);
  });
  loop.clock = reactor;
  loop.start(POLL_INTERVAL).addErrback((failure) => done.errback(failure));
  return done;
}

/** What a test runner gives for cleaning up after a test. */
export interface CleaningTest {
  addCleanup(cleanup: () => void): void;
}

/** A log observer that is the array of the events it saw. */
export class EventLoggingObserver extends Array<LogEvent> {
  /** What `map` and its like make is a plain array. */
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  /** To be added to a publisher. */
  readonly observer: LogObserver = (event) => void this.push(event);

  /** Observes `publisher` until the test ends. */
  static createWithCleanup(test: CleaningTest, publisher: LogPublisher = globalLogPublisher): EventLoggingObserver {
    const events = new EventLoggingObserver();
    publisher.addObserver(events.observer);
    test.addCleanup(() => publisher.removeObserver(events.observer));
    return events;
  }
}
