/** The writing half of a connection: the bytes of one turn joined, the producer that feeds it, and the end after both. */
import type { Socket } from "node:net";
import { toBuffer } from "../bytes.js";
import { RuntimeError } from "../exceptions.js";
import { guarded } from "../guard.js";
import type { BytesLike, IPullProducer, IPushProducer, MaybeAsync } from "../interfaces.js";
import { callLogged } from "../logged-calls.js";
import { Logger } from "../logger.js";

const log = new Logger({ namespace: "strombus.reactor.stream" });
const JOIN_LIMIT = 65536; // bytes; up to here copying chunks together is cheaper than a write of many pieces

/** What node:net itself goes by to tell a slow peer from one that takes nothing. */
interface WriteCounts {
  readonly bytesWritten: number;
  readonly writeQueueSize: number;
}

/** Takes bytes until the end has gone out; under TLS only until the end is asked for, or as long as a producer has some. */
export class Output {
  /** Bytes; more than this in user space pauses a push producer. */
  bufferSize = 65536;
  readonly #onFinish: () => void;
  #socket!: Socket;
  #secure = false;
  #pending: Buffer[] = []; // written in this turn
  #pendingBytes = 0;
  #flushScheduled = false;
  #state: "open" | "closing" | "closed" | "dropped" = "open"; // closing: the end follows what is pending
  #producer: IPushProducer | IPullProducer | null = null;
  #streaming = false;
  #producerPaused = false;
  #producerFailed: ((error: unknown) => void) | null = null;
  #written: (() => void) | undefined = undefined; // asks for news of the write, while there is a producer

  /** @param onFinish a listener of the socket's: all is sent, the end included */
  constructor(onFinish: () => void) {
    this.#onFinish = onFinish;
  }

  /** From here on this is the socket. */
  goTo(socket: Socket, secure: boolean): void {
    this.#socket = socket;
    this.#secure = secure;
  }

  write(data: BytesLike): void {
    const bytes = toBuffer(data);
    if (this.#state === "closed" || this.#state === "dropped" || bytes.length === 0) return;
    if (this.#secure && this.#state !== "open" && this.#producer === null) return;
    this.#append(bytes);
    this.#pendingBytes += bytes.length;
    this.#scheduleFlush();
    if (this.#producer === null || !this.#streaming) return;
    if (this.bufferedBytes <= this.bufferSize) return;
    this.#producerPaused = true;
    this.#ask((producer) => (producer as IPushProducer).pauseProducing());
  }

  get bufferedBytes(): number {
    return this.#pendingBytes + this.#socket.writableLength;
  }

  get bytesTaken(): number {
    const { _handle: handle } = this.#socket as unknown as { _handle: WriteCounts | null };
    return handle === null ? 0 : handle.bytesWritten - handle.writeQueueSize;
  }

  /** Chunks that lie side by side in memory become one. */
  #append(bytes: Buffer): void {
    const last = this.#pending.at(-1);
    if (last?.buffer === bytes.buffer && last.byteOffset + last.length === bytes.byteOffset) {
      this.#pending[this.#pending.length - 1] = Buffer.from(last.buffer, last.byteOffset, last.length + bytes.length);
    } else {
      this.#pending.push(bytes);
    }
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    process.nextTick(Output.#flush, this);
  }

  static #flush(this: void, self: Output): void {
    self.#flushScheduled = false;
    if (self.#state === "dropped") return;
    self.send();
    if (self.#state !== "closing" || self.#awaitsProducer) return;
    self.#state = "closed";
    self.#socket.once("finish", self.#onFinish);
    self.#socket.end();
  }

  /** Hands what is pending to the socket, now. */
  send(): void {
    if (this.#pendingBytes === 0) return;
    const [chunks, size, socket] = [this.#pending, this.#pendingBytes, this.#socket];
    this.#pending = [];
    this.#pendingBytes = 0;
    if (chunks.length === 1 || size <= JOIN_LIMIT) {
      socket.write(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size), this.#written);
      return;
    }
    socket.cork();
    const last = chunks.pop()!;
    for (const chunk of chunks) socket.write(chunk);
    socket.write(last, this.#written);
    socket.uncork();
  }

  // The producer that feeds it

  /** @param failed told what the producer throws or rejects with */
  registerProducer(
    producer: IPushProducer | IPullProducer,
    streaming: boolean,
    failed: (error: unknown) => void,
  ): void {
    if (this.#producer !== null) throw new RuntimeError("a producer is registered already");
    if (this.#state === "dropped") {
      callLogged(log, "a producer", () => producer.stopProducing());
      return;
    }
    this.#producer = producer;
    this.#streaming = streaming;
    this.#producerPaused = false;
    this.#producerFailed = failed;
    this.#written ??= this.#whenWritten();
    if (!streaming) this.#ask(() => producer.resumeProducing());
  }

  unregisterProducer(): void {
    this.#producer = null;
    if (this.#state === "closing") this.#scheduleFlush();
  }

  #whenWritten(): () => void {
    // On a later turn: a peer that takes all we have must not keep the other sockets waiting.
    return () => {
      if (this.bufferedBytes === 0) setImmediate(Output.#drained, this);
    };
  }

  static #drained(this: void, self: Output): void {
    if (self.bufferedBytes > 0 || self.#state === "dropped" || !self.#awaitsProducer) return;
    self.#producerPaused = false;
    self.#ask((producer) => producer.resumeProducing());
  }

  /** A pull producer, or a push producer that we paused, has more to say before the end; under TLS any producer has. */
  get #awaitsProducer(): boolean {
    return this.#producer !== null && (!this.#streaming || this.#producerPaused || this.#secure);
  }

  #ask(call: (producer: IPushProducer | IPullProducer) => void): void {
    const [producer, failed] = [this.#producer, this.#producerFailed];
    if (producer !== null && failed !== null) guarded(() => call(producer), failed);
  }

  // The end

  /** Ends it when all is written. */
  end(): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#scheduleFlush();
  }

  /** Nothing more goes out. */
  drop(): void {
    this.#state = "dropped";
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  /** The producer hears of the end, if there is one. */
  stopProducer(): MaybeAsync {
    const producer = this.#producer;
    this.#producer = null;
    return producer?.stopProducing();
  }
}
