/** A file in the place of a transport, for debugging and for tests. */
import { PipeAddress } from "../address.js";
import { toBuffer } from "../bytes.js";
import { implementer } from "../components.js";
import { RuntimeError } from "../exceptions.js";
import {
  type BytesLike,
  type IAddress,
  IConsumer,
  type IPullProducer,
  type IPushProducer,
  ITransport,
} from "../interfaces.js";
import { guarded } from "../guard.js";
import { callLogged, logFailed } from "../logged-calls.js";
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
    this.#guard("writing to a file", () => this.file.write(bytes));
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
    callLogged(log, "a producer", () => producer?.stopProducing());
    callLogged(log, "closing a file", () => this.file.close());
  }

  registerProducer(producer: IPushProducer | IPullProducer, streaming: boolean): void {
    if (this.producer !== null) throw new RuntimeError("a producer is registered already");
    if (this.closed) {
      callLogged(log, "a producer", () => producer.stopProducing());
      return;
    }
    this.producer = producer;
    this.streamingProducer = streaming;
    // A file is never full, so a pull producer is asked until it has no more.
    while (!streaming && this.producer === producer) this.#guard("a producer", () => producer.resumeProducing());
  }

  unregisterProducer(): void {
    this.producer = null;
  }

  /** What fails is logged, and the end. */
  #guard(what: string, call: () => unknown): void {
    guarded(call, (error) => {
      logFailed(log, what, error);
      this.loseConnection();
    });
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
