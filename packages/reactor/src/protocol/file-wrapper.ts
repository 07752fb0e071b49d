/** A file in the place of a transport, for debugging and for tests. */
import { PipeAddress } from "../address.js";
import { toBuffer } from "../bytes.js";
import { implementer } from "../components.js";
import { RuntimeError } from "../exceptions.js";
import { Failure } from "../failure.js";
import {
  type BytesLike,
  type IAddress,
  IConsumer,
  type IPullProducer,
  type IPushProducer,
  ITransport,
} from "../interfaces.js";
import { Logger } from "../logger.js";

const log = new Logger({ namespace: "strombus.reactor.protocol" });

/** What it writes to: a stream, a descriptor's wrapper, an object of a test's. */
export interface WritableFile {
  write(data: Buffer): unknown;
  close(): unknown;
}

/**
 * What a protocol writes goes to the file; nothing is ever received. Producers are asked as long as they are registered.
 * Both addresses print as "file" (Twisted's are the text itself).
 */
@implementer(ITransport, IConsumer)
export class FileWrapper implements ITransport, IConsumer {
  closed = false;
  disconnecting = false;
  producer: IPushProducer | IPullProducer | null = null;
  streamingProducer = false;
  readonly file: WritableFile;

  constructor(file: WritableFile) {
    this.file = file;
  }

  write(data: BytesLike): void {
    const bytes = toBuffer(data);
    if (this.closed) return;
    try {
      this.file.write(bytes);
    } catch (error) {
      log.failure("a file could not be written", new Failure(error));
      this.loseConnection();
    }
  }

  writeSequence(data: Iterable<BytesLike>): void {
    this.write(Buffer.concat(Array.from(data, toBuffer)));
  }

  loseConnection(): void {
    if (this.closed) return;
    this.closed = true;
    this.disconnecting = true;
    const { producer } = this;
    this.producer = null;
    producer?.stopProducing();
    try {
      this.file.close();
    } catch (error) {
      log.failure("a file could not be closed", new Failure(error));
    }
  }

  registerProducer(producer: IPushProducer | IPullProducer, streaming: boolean): void {
    if (this.producer !== null) throw new RuntimeError("a producer is registered already");
    if (this.closed) {
      producer.stopProducing();
      return;
    }
    this.producer = producer;
    this.streamingProducer = streaming;
    // A file is never full, so a pull producer is asked until it has no more.
    while (!streaming && this.producer === producer) producer.resumeProducing();
  }

  unregisterProducer(): void {
    this.producer = null;
  }

  getPeer(): IAddress {
    return new FileAddress();
  }

  getHost(): IAddress {
    return new FileAddress();
  }
}

class FileAddress extends PipeAddress {
  override toString(): string {
    return "file";
  }
}
