/** One end of a stream in memory, to those who use it a socket of Node's. */
import { Duplex } from "node:stream";
import type { Ends, Network } from "./network.js";
import { systemError } from "./system-error.js";

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
  #timeout: NodeJS.Timeout | null = null;

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
    const taken = (error?: Error): void => {
      this._handle.writeQueueSize = 0;
      done(error);
    };
    this.#network.later(() => {
      const peer = this.#peer;
      if (peer === null || peer.destroyed) taken(systemError("ECONNRESET", "write"));
      else if (peer.push(data)) taken();
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
    if (this.#timeout !== null) clearTimeout(this.#timeout);
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

  /** Told when nothing was written for that long: in real time, since only a closing connection asks for it. */
  setTimeout(milliseconds: number, told?: () => void): this {
    if (this.#timeout !== null) clearTimeout(this.#timeout);
    this.#timeout = milliseconds === 0 ? null : setTimeout(() => this.emit("timeout"), milliseconds).unref();
    if (told !== undefined) this.once("timeout", told);
    return this;
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
