/** One end of a connection in memory; an IOPump moves what it holds. */
import { IPv4Address } from "../address.js";
import { toBuffer } from "../bytes.js";
import { ConnectionDone } from "../error.js";
import { RuntimeError } from "../exceptions.js";
import { Failure } from "../failure.js";
import { guarded } from "../guard.js";
import type {
  MaybeAsync,
  BytesLike,
  IAddress,
  IProtocol,
  IPullProducer,
  IPushProducer,
  ITCPTransport,
  LentDataProtocol,
} from "../interfaces.js";
import { IHalfCloseableProtocol } from "../interfaces.js";
import { callLogged } from "../logged-calls.js";
import { Logger } from "../logger.js";
import { takesLentData } from "../stream/lending.js";

const log = new Logger({ namespace: "strombus.reactor.testing" });
const HIGH_WATER = 65536; // bytes, as on TCP

export interface FakeTransportOptions {
  hostAddress?: IAddress;
  peerAddress?: IAddress;
}

/**
 * Behaves as a TCP transport as far as a protocol can tell, with these differences: writes after `loseConnection` are
 * dropped, `abortConnection` loses no data and is otherwise a clean close, and the socket options do nothing.
 */
export class FakeTransport implements ITCPTransport {
  static #made = 0;

  connected = false;
  disconnecting = false;
  disconnected = false;
  producer: IPushProducer | IPullProducer | null = null;
  streamingProducer = false;
  /** Counts the transports made, for telling them apart. */
  readonly serial: number = ++FakeTransport.#made;
  readonly protocol: IProtocol;
  readonly isServer: boolean;
  /** What is written and not yet moved. */
  stream: Buffer[] = [];
  /** The pump is to break the connection off. */
  broken = false;
  /** Told after the protocol's `connectionLost`. */
  onLost: ((reason: Failure) => void) | null = null;
  readonly #host: IAddress;
  readonly #peer: IAddress;
  #buffered = 0;
  #producerPaused = false;
  #readingPaused = false;
  #ended: "no" | "wanted" | "passed" = "no"; // our writing half
  #reason: Failure | null = null;
  #noDelay = false;
  #keepAlive = false;

  constructor(protocol: IProtocol, isServer: boolean, { hostAddress, peerAddress }: FakeTransportOptions = {}) {
    this.protocol = protocol;
    this.isServer = isServer;
    const [server, client] = [new IPv4Address("TCP", "127.0.0.1", 22), new IPv4Address("TCP", "127.0.0.1", 31337)];
    this.#host = hostAddress ?? (isServer ? server : client);
    this.#peer = peerAddress ?? (isServer ? client : server);
  }

  /** Connects the protocol. */
  begin(): void {
    this.connected = true;
    this.#guard(() => this.protocol.makeConnection(this));
  }

  write(data: BytesLike): void {
    const bytes = Buffer.from(toBuffer(data)); // a copy: the receiver may decrypt in place, the sender reuse its buffer
    if (this.disconnecting || this.disconnected || this.#ended !== "no" || bytes.length === 0) return;
    this.stream.push(bytes);
    this.#buffered += bytes.length;
    if (this.#buffered <= HIGH_WATER || this.producer === null || !this.streamingProducer) return;
    this.#producerPaused = true;
    this.#guard(() => (this.producer as IPushProducer).pauseProducing());
  }

  writeSequence(data: Iterable<BytesLike>): void {
    this.write(Buffer.concat(Array.from(data, toBuffer)));
  }

  loseConnection(): void {
    this.disconnecting = true;
  }

  abortConnection(): void {
    this.loseConnection();
  }

  loseWriteConnection(): void {
    if (this.#ended === "no" && !this.disconnecting) this.#ended = "wanted";
  }

  getPeer(): IAddress {
    return this.#peer;
  }

  getHost(): IAddress {
    return this.#host;
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
    if (this.disconnected) {
      callLogged(log, "a producer", () => producer.stopProducing());
      return;
    }
    this.producer = producer;
    this.streamingProducer = streaming;
    this.#producerPaused = false;
    if (!streaming) this.#guard(() => producer.resumeProducing());
  }

  unregisterProducer(): void {
    this.producer = null;
  }

  pauseProducing(): void {
    this.#readingPaused = true;
  }

  resumeProducing(): void {
    this.#readingPaused = false;
  }

  stopProducing(): void {
    this.loseConnection();
  }

  /** Takes all that is written and not yet moved. */
  getOutBuffer(): Buffer {
    return this.take(this.#buffered);
  }

  /** Takes the first bytes of what is written and not yet moved. */
  protected take(size: number): Buffer {
    const bytes = Buffer.concat(this.stream);
    this.stream = size < bytes.length ? [bytes.subarray(size)] : [];
    this.#buffered = bytes.length - Math.min(size, bytes.length);
    return bytes.subarray(0, size);
  }

  /** How many bytes of what is written are on their way no longer. */
  protected get arrived(): number {
    return this.#buffered;
  }

  /** Delivers bytes, and drops them if this side is closing. */
  bufferReceived(data: Buffer): void {
    if (this.disconnecting || this.disconnected) return;
    const { protocol } = this;
    this.#guard(() => (takesLentData(protocol) ? lend(protocol, data) : protocol.dataReceived(data)));
  }

  /** For the pump: what there is for a peer that is reading, else null. */
  outputFor(peer: FakeTransport): Buffer | null {
    const { arrived } = this;
    return arrived === 0 || peer.#holdsBack() ? null : this.take(arrived);
  }

  /** For the pump: the buffer may be empty now, and the producer may be waiting for that. */
  drained(): void {
    if (this.#buffered > 0 || this.producer === null || this.disconnected || this.#reason !== null) return;
    if (this.streamingProducer && !this.#producerPaused) return;
    this.#producerPaused = false;
    this.#guard(() => this.producer?.resumeProducing());
  }

  /** For the pump: tells the peer that this side has closed, whole or by half. False if there is nothing to tell. */
  passEndTo(peer: FakeTransport): boolean {
    if (this.#buffered > 0 || peer.#holdsBack()) return false;
    if (this.disconnecting && !this.disconnected) {
      this.disconnected = true;
      peer.disconnecting = true;
      peer.#lost();
      return true;
    }
    if (this.#ended !== "wanted") return false;
    this.#ended = "passed";
    const { protocol } = this;
    if (IHalfCloseableProtocol.providedBy(protocol)) this.#guard(() => protocol.writeConnectionLost());
    peer.#readEnded();
    return true;
  }

  /** For the pump: the connection broke, whatever either side had to say. */
  breakOff(reason: Failure): void {
    this.disconnecting = true;
    this.disconnected = true;
    this.getOutBuffer();
    this.#reason ??= reason;
    this.#lost();
  }

  #readEnded(): void {
    const { protocol } = this;
    if (this.disconnecting) return;
    if (IHalfCloseableProtocol.providedBy(protocol)) this.#guard(() => protocol.readConnectionLost());
    else this.loseConnection();
  }

  /** A reader that pauses hears nothing, not even of the end, until it resumes; one that closes has stopped listening. */
  #holdsBack(): boolean {
    return this.#readingPaused && !this.disconnecting && !this.disconnected;
  }

  #lost(): void {
    if (!this.connected) return;
    this.connected = false;
    const reason = this.#reason ?? new Failure(new ConnectionDone());
    const { producer } = this;
    this.producer = null;
    this.#guard(() => producer?.stopProducing());
    this.#guard(() => this.protocol.connectionLost(reason));
    this.onLost?.(reason);
  }

  /** Runs the protocol's code: what it throws, now or later, is logged and ends this connection. */
  #guard(call: () => MaybeAsync): void {
    guarded(call, (error) => this.#failed(error));
  }

  #failed(error: unknown): void {
    const failure = new Failure(error);
    log.failure("a protocol failed", failure);
    this.#reason ??= failure;
    this.loseConnection();
  }
}

/** As sockets do, and more surely: what it has kept of them is spoilt. */
function lend(protocol: LentDataProtocol, data: Buffer): MaybeAsync {
  const lent = Buffer.from(data);
  try {
    return protocol.lentDataReceived(lent);
  } finally {
    lent.fill("spoilt");
  }
}
