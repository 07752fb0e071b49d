/** Transports that remember what a protocol does to them (twisted.internet.testing). */
import { IPv4Address } from "../address.js";
import { toBuffer } from "../bytes.js";
import { ConnectionDone } from "../error.js";
import { RuntimeError } from "../exceptions.js";
import { Failure } from "../failure.js";
import type { BytesLike, IAddress, IProtocol, IPullProducer, IPushProducer, ITCPTransport } from "../interfaces.js";

export interface StringTransportOptions {
  /** Default 10.0.0.1:12345. */
  hostAddress?: IAddress;
  /** Default 192.168.1.1:54321. */
  peerAddress?: IAddress;
  /** Allow pausing and resuming after `loseConnection`. Default false. */
  lenient?: boolean;
}

/** Keeps what is written; closing only sets flags, and the test says what happens next. */
export class StringTransport implements ITCPTransport {
  connected = true;
  disconnecting = false;
  disconnected = false;
  producer: IPushProducer | IPullProducer | null = null;
  streaming: boolean | null = null;
  /** What the protocol asked of the reading side. */
  producerState: "producing" | "paused" | "stopped" = "producing";
  readonly hostAddr: IAddress;
  readonly peerAddr: IAddress;
  readonly #lenient: boolean;
  #written: Buffer[] = [];
  #noDelay = false;
  #keepAlive = false;

  constructor({ hostAddress, peerAddress, lenient = false }: StringTransportOptions = {}) {
    this.hostAddr = hostAddress ?? new IPv4Address("TCP", "10.0.0.1", 12345);
    this.peerAddr = peerAddress ?? new IPv4Address("TCP", "192.168.1.1", 54321);
    this.#lenient = lenient;
  }

  /** All that was written since the last `clear`. */
  value(): Buffer {
    return Buffer.concat(this.#written);
  }

  clear(): void {
    this.#written = [];
  }

  write(data: BytesLike): void {
    this.#written.push(Buffer.from(toBuffer(data)));
  }

  writeSequence(data: Iterable<BytesLike>): void {
    for (const chunk of data) this.write(chunk);
  }

  loseConnection(): void {
    this.disconnecting = true;
  }

  abortConnection(): void {
    this.disconnected = true;
    this.loseConnection();
  }

  loseWriteConnection(): void {}

  getPeer(): IAddress {
    return this.peerAddr;
  }

  getHost(): IAddress {
    return this.hostAddr;
  }

  getTcpNoDelay(): boolean {
    return this.#noDelay;
  }

  setTcpNoDelay(enabled: boolean): void {
    this.#noDelay = enabled;
  }

  getTcpKeepAlive(): boolean {
    return this.#keepAlive;
  }

  setTcpKeepAlive(enabled: boolean): void {
    this.#keepAlive = enabled;
  }

  registerProducer(producer: IPushProducer | IPullProducer, streaming: boolean): void {
    if (this.producer !== null) throw new RuntimeError("a producer is registered already");
    this.producer = producer;
    this.streaming = streaming;
  }

  unregisterProducer(): void {
    if (this.producer === null) throw new RuntimeError("no producer is registered");
    this.producer = null;
    this.streaming = null;
  }

  pauseProducing(): void {
    this.#checkProducing();
    this.producerState = "paused";
  }

  resumeProducing(): void {
    this.#checkProducing();
    this.producerState = "producing";
  }

  stopProducing(): void {
    this.producerState = "stopped";
  }

  #checkProducing(): void {
    if (this.disconnecting && !this.#lenient) throw new RuntimeError("the transport is closing");
    if (this.producerState === "stopped") throw new RuntimeError("the transport was told to stop producing");
  }
}

/** A StringTransport that tells its `protocol` of the end as soon as it is closed. */
export class StringTransportWithDisconnection extends StringTransport {
  protocol: IProtocol | null = null;

  override loseConnection(): void {
    if (!this.connected) return;
    super.loseConnection();
    this.connected = false;
    void this.protocol?.connectionLost(new Failure(new ConnectionDone()));
  }
}
