/** One end of a stream in memory, to those who use it a socket of Node's. */
import { Duplex } from "node:stream";
import type { Ends, Network } from "./network.js";
import { systemError } from "./system-error.js";

const PIECE = 65536; // bytes; Node reads no more from a socket at once

export class MemorySocket extends Duplex {
  declare localAddress?: string;
  declare localPort?: number;
  declare remoteAddress?: string;
  declare remotePort?: number;
  /** What of Node's handle is looked at: how much is taken, and that a stream can be reset. */
  readonly _handle: { bytesWritten: number; writeQueueSize: number; reset(): void };
  /** Destroying it is to be a reset. */
  resetAndClosing = false;
  readonly #network: Network;
  #peer: MemorySocket | null = null;
  #waiting: ((error?: Error) => void) | null = null; // the peer's write that we are too full for
  #hasEnded = false; // the peer's end has come
  #quietTime = 0; // seconds
  #stopTimer: (() => void) | null = null;

  constructor(network: Network, ends: Ends = {}, { canReset = true }: { canReset?: boolean } = {}) {
    super({ allowHalfOpen: true });
    this.#network = network;
    const counts = { bytesWritten: 0, writeQueueSize: 0 };
    this._handle = (canReset ? { ...counts, reset: () => {} } : counts) as MemorySocket["_handle"];
    Object.assign(this, ends);
  }

  join(peer: MemorySocket): void {
    this.#peer = peer;
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const data = Buffer.from(chunk); // a copy: the sender uses its memory again, the receiver owns what it gets
    this._handle.bytesWritten += data.length;
    this._handle.writeQueueSize = data.length;
    this.#deliver(data, done);
  }

  /** A piece a turn, as far as the peer has room. */
  #deliver(data: Buffer, done: (error?: Error | null) => void): void {
    this.#network.later(() => {
      const peer = this.#peer;
      if (peer === null || peer.destroyed) {
        done(systemError("ECONNRESET", "write"));
        return;
      }
      const rest = data.subarray(PIECE);
      const taken = (error?: Error): void => {
        this._handle.writeQueueSize = rest.length;
        if (!this.destroyed) this.#startTimer();
        if (error !== undefined || rest.length === 0) done(error);
        else this.#deliver(rest, done);
      };
      if (peer.push(data.subarray(0, PIECE))) taken();
      else peer.#waiting = taken;
    });
  }

  override _final(done: () => void): void {
    this.#network.later(() => {
      this.#peer?.peerEnded();
      done();
    });
  }

  override _read(): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    this.#waiting = null;
    this.#network.later(waiting);
  }

  /** What the peer has written and we have not read is lost to it, which makes the close a reset. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const isReset = this.resetAndClosing || this.#waiting !== null;
    this.#waiting?.(systemError("ECONNRESET", "write"));
    this.#waiting = null;
    this.#stopTimer?.();
    this.#network.later(() => {
      const peer = this.#peer;
      if (isReset) peer?.destroy(systemError("ECONNRESET", "read"));
      else peer?.peerEnded();
    });
    done(error);
  }

  /** The peer sends no more. */
  peerEnded(): void {
    if (this.#hasEnded || this.destroyed) return;
    this.#hasEnded = true;
    this.push(null);
  }

  // What a socket of Node's can besides

  resetAndDestroy(): this {
    this.resetAndClosing = true;
    return this.destroy();
  }

  /** Told when the peer took nothing for that long. */
  setTimeout(milliseconds: number, told?: () => void): this {
    this.#quietTime = milliseconds / 1000;
    this.#startTimer();
    if (told !== undefined) this.once("timeout", told);
    return this;
  }

  #startTimer(): void {
    this.#stopTimer?.();
    this.#stopTimer = this.#quietTime === 0 ? null : this.#network.timer(this.#quietTime, () => this.emit("timeout"));
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}
