/** FileSender: a file, piece by piece, at the pace of its consumer (twisted.protocols.basic). */
import { readSync } from "node:fs";
import { toBuffer } from "../../bytes.js";
import { implementer } from "../../components.js";
import { Deferred } from "../../defer.js";
import { RuntimeError } from "../../exceptions.js";
import { type BytesLike, type IConsumer, IPullProducer } from "../../interfaces.js";
import { logRejection } from "../../logged-calls.js";
import { Logger } from "../../logger.js";

const log = new Logger({ namespace: "strombus.protocols.basic" });

/** A file to read: a descriptor, or an object; nothing is the end. Neither is closed. */
export type SentFile = number | { read(size: number): BytesLike };

export interface FileTransferOptions {
  /** What to send instead of a piece. */
  transform?: ((piece: Buffer) => BytesLike) | null;
}

/**
 * A pull producer.
 *
 * ```ts
 * new FileSender().beginFileTransfer(openSync("song.ogg"), this.transport).addBoth(() => this.transport.loseConnection());
 * ```
 */
@implementer(IPullProducer)
export class FileSender implements IPullProducer {
  /** Bytes read at a time. */
  CHUNK_SIZE = 16384;
  /** The last byte sent; empty before there was one. */
  lastSent: Buffer = Buffer.alloc(0);
  file: SentFile | null = null;
  consumer: IConsumer | null = null;
  transform: ((piece: Buffer) => BytesLike) | null = null;
  deferred: Deferred<Buffer> | null = null;

  /** Fires with the last byte sent when all is written; fails if the consumer stops it or the file cannot be read. */
  beginFileTransfer(
    file: SentFile,
    consumer: IConsumer,
    { transform = null }: FileTransferOptions = {},
  ): Deferred<Buffer> {
    this.file = file;
    this.consumer = consumer;
    this.transform = transform;
    const deferred = (this.deferred = new Deferred<Buffer>());
    logRejection(log, consumer.registerProducer(this, false));
    return deferred;
  }

  resumeProducing(): void {
    if (this.file === null) return;
    let piece: Buffer;
    try {
      piece = read(this.file, this.CHUNK_SIZE);
      if (piece.length > 0 && this.transform !== null) piece = toBuffer(this.transform(piece));
      else if (piece.length === 0) this.file = null;
    } catch (error) {
      this.file = null;
      logRejection(log, this.consumer?.unregisterProducer());
      this.#take()?.errback(error);
      return;
    }
    if (this.file === null) {
      logRejection(log, this.consumer?.unregisterProducer());
      this.#take()?.callback(this.lastSent);
      return;
    }
    if (piece.length > 0) this.lastSent = Buffer.from(piece.subarray(-1));
    return this.consumer?.write(piece);
  }

  stopProducing(): void {
    this.file = null;
    this.#take()?.errback(new RuntimeError("the consumer stopped the transfer of the file"));
  }

  #take(): Deferred<Buffer> | null {
    const { deferred } = this;
    this.deferred = null;
    return deferred;
  }
}

function read(file: SentFile, size: number): Buffer {
  if (typeof file !== "number") return toBuffer(file.read(size));
  const buffer = Buffer.allocUnsafe(size);
  return buffer.subarray(0, readSync(file, buffer, 0, size, null));
}
