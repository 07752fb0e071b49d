/** A protocol on this process's own standard input and output (twisted.internet.stdio). */
import { fstatSync } from "node:fs";
import * as net from "node:net";
import { type Readable, Writable } from "node:stream";
import { PipeAddress } from "./address.js";
import { toBuffer } from "./bytes.js";
import { implementer, providedBy } from "./components.js";
import { ConnectionDone, ConnectionLost } from "./error.js";
import { RuntimeError } from "./exceptions.js";
import { Failure } from "./failure.js";
import { guarded } from "./guard.js";
import {
  type BytesLike,
  type IAddress,
  IHalfCloseableProtocol,
  type IProtocol,
  type IPullProducer,
  type IPushProducer,
  ITransport,
} from "./interfaces.js";
import { callLogged } from "./logged-calls.js";
import { Logger } from "./logger.js";
import { reactor as theReactor } from "./reactor.js";
import type { OpenTransport, TransportHost } from "./stream/host.js";

const log = new Logger({ namespace: "strombus.stdio" });
const HIGH_WATER = 65536; // bytes

export interface StandardIOOptions {
  /** A descriptor, or a stream. Default `process.stdin`. */
  stdin?: number | Readable;
  /** A descriptor, or a stream. Default `process.stdout`. */
  stdout?: number | Writable;
  reactor?: Pick<TransportHost, "openTransports">;
}

/** Connects the protocol when it is made. The mode of a terminal stays as it is. */
@implementer(ITransport)
export class StandardIO implements OpenTransport {
  connected = true;
  disconnecting = false;
  disconnected = false;
  readonly #protocol: IProtocol;
  readonly #stdin: Readable;
  readonly #stdout: Writable;
  readonly #openTransports: TransportHost["openTransports"];
  #output: "open" | "closing" | "closed" = "open";
  /** Called when the output has closed. */
  readonly #waiting: (() => void)[] = [];
  #producer: IPushProducer | IPullProducer | null = null;
  #streaming = false;
  #producerPaused = false;

  constructor(
    protocol: IProtocol,
    { stdin = process.stdin, stdout = process.stdout, reactor = theReactor }: StandardIOOptions = {},
  ) {
    this.#protocol = protocol;
    this.#stdin = typeof stdin === "number" ? readingFrom(stdin) : stdin;
    this.#stdout = typeof stdout === "number" ? writingTo(stdout) : stdout;
    this.#openTransports = reactor.openTransports;
    this.#openTransports.add(this);
    this.#stdin.on("error", this.#inputFailed);
    this.#stdout.on("error", this.#outputFailed);
    this.#stdout.on("close", this.#outputClosed);
    this.#guard(() => protocol.makeConnection(this));
    this.#stdin.on("data", this.#received);
    this.#stdin.on("end", this.#inputEnded);
  }

  write(data: BytesLike): void {
    const bytes = toBuffer(data);
    if (this.#output !== "open" || this.disconnected || bytes.length === 0) return;
    this.#stdout.write(bytes, this.#written);
    if (!this.#streaming || this.#stdout.writableLength <= HIGH_WATER) return;
    this.#producerPaused = true;
    this.#guard(() => (this.#producer as IPushProducer | null)?.pauseProducing());
  }

  writeSequence(data: Iterable<BytesLike>): void {
    for (const chunk of data) this.write(chunk);
  }

  get bufferedBytes(): number {
    return this.#stdout.writableLength;
  }

  /** Writes what is to be written and stops reading. Standard output of this process itself stays open for others. */
  loseConnection(): void {
    if (this.disconnecting || this.disconnected) return;
    this.disconnecting = true;
    this.#stdin.pause();
    if (this.#producer === null || this.#output !== "open") this.#endOutput(() => this.#lost(new ConnectionDone()));
  }

  loseWriteConnection(): void {
    if (this.#output !== "open") return;
    this.#endOutput(() => this.#writeLost());
  }

  abortConnection(): void {
    setImmediate(() => this.#lost(new ConnectionDone()));
  }

  /** The reactor stops. */
  connectionLost(reason: Failure): void {
    this.#lost(reason.value as Error);
  }

  getPeer(): IAddress {
    return new PipeAddress();
  }

  getHost(): IAddress {
    return new PipeAddress();
  }

  registerProducer(producer: IPushProducer | IPullProducer, streaming: boolean): void {
    if (this.#producer !== null) throw new RuntimeError("a producer is registered already");
    if (this.disconnected) {
      callLogged(log, "a producer", () => producer.stopProducing());
      return;
    }
    this.#producer = producer;
    this.#streaming = streaming;
    if (!streaming) this.#guard(() => producer.resumeProducing());
  }

  unregisterProducer(): void {
    this.#producer = null;
    this.#streaming = false;
    if (this.disconnecting) this.#endOutput(() => this.#lost(new ConnectionDone()));
  }

  pauseProducing(): void {
    if (!this.disconnecting) this.#stdin.pause();
  }

  resumeProducing(): void {
    if (!this.disconnecting && !this.disconnected) this.#stdin.resume();
  }

  stopProducing(): void {
    this.loseConnection();
  }

  readonly #received = (data: Buffer): void => {
    if (!this.disconnecting) this.#guard(() => this.#protocol.dataReceived(data));
  };

  readonly #inputEnded = (): void => {
    const protocol = this.#protocol;
    if (this.disconnected || this.disconnecting) return;
    if (providedBy(IHalfCloseableProtocol, protocol)) this.#guard(() => protocol.readConnectionLost());
    else this.#endOutput(() => this.#lost(new ConnectionDone()));
  };

  readonly #inputFailed = (error: Error): void => this.#lost(new ConnectionLost(error));

  readonly #outputFailed = (error: Error): void => {
    this.#output = "closed";
    if (providedBy(IHalfCloseableProtocol, this.#protocol)) this.#writeLost();
    else this.#lost(new ConnectionLost(error));
  };

  readonly #outputClosed = (): void => {
    if (this.#output === "open") this.#outputFailed(new Error("standard output was closed"));
  };

  readonly #written = (): void => {
    if (this.#stdout.writableLength > 0 || this.#producer === null || this.disconnected) return;
    if (this.#streaming && !this.#producerPaused) return;
    this.#producerPaused = false;
    setImmediate(() => this.#guard(() => this.#producer?.resumeProducing()));
  };

  /** Node does not let a program close its own standard output; an empty write tells when all is out. */
  #endOutput(done: () => void): void {
    if (this.#output === "closed") {
      setImmediate(done);
      return;
    }
    this.#waiting.push(done);
    if (this.#output === "closing") return;
    this.#output = "closing";
    const closed = (): void => {
      this.#output = "closed";
      for (const each of this.#waiting.splice(0)) each();
    };
    if (this.#stdout === process.stdout) this.#stdout.write("", closed);
    else this.#stdout.end(closed);
  }

  #writeLost(): void {
    const protocol = this.#protocol;
    if (providedBy(IHalfCloseableProtocol, protocol)) this.#guard(() => protocol.writeConnectionLost());
  }

  #lost(error: Error): void {
    if (this.disconnected) return;
    this.connected = false;
    this.disconnecting = false;
    this.disconnected = true;
    this.#openTransports.delete(this);
    this.#stdin.off("data", this.#received).off("end", this.#inputEnded).off("error", this.#inputFailed);
    this.#stdin.on("error", ignore).pause();
    this.#stdin.destroy();
    this.#stdout.off("close", this.#outputClosed);
    const producer = this.#producer;
    this.#producer = null;
    this.#guard(() => producer?.stopProducing());
    this.#guard(() => this.#protocol.connectionLost(new Failure(error)));
  }

  /** What the protocol throws is logged, and the end. */
  #guard(call: () => unknown): void {
    guarded(call, (error) => {
      log.failure("a protocol failed", new Failure(error));
      this.#lost(error as Error);
    });
  }
}

function readingFrom(fd: number): Readable {
  if (fd === 0) return process.stdin;
  if (isFile(fd)) return process.getBuiltinModule("node:fs").createReadStream("", { fd, autoClose: true });
  return new net.Socket({ fd, readable: true, writable: false });
}

function writingTo(fd: number): Writable {
  if (fd === 1) return process.stdout;
  if (isFile(fd)) return process.getBuiltinModule("node:fs").createWriteStream("", { fd, autoClose: true });
  return new net.Socket({ fd, readable: false, writable: true });
}

function isFile(fd: number): boolean {
  const stats = fstatSync(fd);
  return !stats.isFIFO() && !stats.isSocket();
}

function ignore(): void {}
