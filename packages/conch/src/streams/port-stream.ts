/** A Duplex over one direction each way of a channel. */
import { Duplex } from "node:stream";
import { Failure } from "@strombus/reactor/failure";
import { Logger } from "@strombus/reactor/logger";
import { Backlog } from "./backlog.js";

const log = new Logger({ namespace: "strombus.conch.streams" });

/** What is below a stream: a channel, or one kind of its data. */
export interface Port {
  /** False when the caller should wait for `drained`. */
  write(data: Buffer): boolean;
  /** No more will be written. */
  end(): void;
  /** No more can be taken for now. */
  pause(): void;
  resume(): void;
  /** Whoever has the stream is done with it; `clean` when both directions have come to their ends. */
  done(clean: boolean): void;
}

/** Reading to the end must not destroy what is still written to (see `#closeWhenDone`); listeners may be asynchronous. */
const OPTIONS = {
  allowHalfOpen: true,
  autoDestroy: false,
  captureRejections: true,
  // Node keeps what comes piece by piece, and a piece costs more than a hundred bytes however small it is; what goes
  // beyond this is kept side by side.
  readableHighWaterMark: 4096,
};

/**
 * What `write` and `read` of Node's streams promise, both ways: a reader that stops holds the peer back, and a write waits
 * until the peer takes it.
 */
export class PortStream extends Duplex {
  readonly #port: Port;
  #waiting: ((error?: Error) => void) | null = null;
  #over = false;
  #isUnread = false;
  /** Whether the reader has enough for now: the rest waits in the backlog. */
  #behind = false;
  readonly #backlog = new Backlog();

  constructor(port: Port) {
    super(OPTIONS);
    this.#port = port;
    this.once("end", () => this.#closeWhenDone());
    this.once("finish", () => this.#closeWhenDone());
  }

  /**
   * What a listener throws, or an asynchronous one rejects with, ends this stream and its channel; without a listener for
   * errors it is logged, where Node would end the process (rule R1).
   */
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    try {
      if (event !== "error" || this.listenerCount("error") > 0) return super.emit(event as "data", ...args);
      log.failure("a stream failed", new Failure(args[0]));
    } catch (error) {
      log.failure("a listener on a stream failed", new Failure(error));
      if (event !== "error") this.destroy();
    }
    return true;
  }

  // From below

  deliver(data: Buffer): void {
    if (this.readableEnded || this.destroyed || this.#over) return;
    if (this.#behind) this.#backlog.add(data);
    else if (!this.push(data)) {
      this.#behind = true;
      this.#port.pause();
    }
  }

  /** The peer sends no more. */
  ended(): void {
    if (this.#over || this.destroyed || this.readableEnded) return;
    for (const data of this.#backlog.take()) this.push(data);
    this.push(null);
  }

  /** What was written is on its way. */
  drained(): void {
    this.#settleWrite();
  }

  /** The peer reads no more: what is written fails with EPIPE, as on a pipe. */
  unread(): void {
    this.#isUnread = true;
    this.#settleWrite(closedError());
  }

  /** Nothing goes through any more; an error says that it was not the end that anybody meant. */
  lost(error?: Error): void {
    if (this.#over) return;
    if (error !== undefined) {
      this.#over = true;
      this.destroy(error);
      return;
    }
    this.ended();
    this.#over = true;
    this.#settleWrite(closedError());
    if (!this.writableEnded && !this.destroyed) this.end();
  }

  // From above

  override _read(): void {
    if (this.#over) return;
    this.#behind = false;
    for (const data of this.#backlog.take()) this.#behind = !this.push(data);
    if (!this.#behind) this.#port.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, written: (error?: Error) => void): void {
    if (this.#over || this.#isUnread) written(closedError());
    else if (this.#port.write(this.outgoing(chunk))) written();
    else this.#waiting = written;
  }

  override _final(finished: (error?: Error) => void): void {
    if (!this.#over) this.#port.end();
    finished();
  }

  override _destroy(error: Error | null, destroyed: (error: Error | null) => void): void {
    if (!this.#over) this.#port.done(error === null && this.readableEnded && this.writableFinished);
    this.#backlog.clear();
    this.#settleWrite(error ?? closedError());
    destroyed(error);
  }

  #settleWrite(error?: Error): void {
    const written = this.#waiting;
    this.#waiting = null;
    written?.(error);
  }

  #closeWhenDone(): void {
    if (this.readableEnded && this.writableFinished) this.destroy();
  }

  /** What becomes of what is written. */
  protected outgoing(chunk: Buffer): Buffer {
    return chunk;
  }
}

function closedError(): Error {
  return Object.assign(new Error("the channel is closed"), { code: "EPIPE" });
}
