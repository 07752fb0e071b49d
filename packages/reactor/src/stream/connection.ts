/** A connection by TCP or a UNIX socket, of either side: what Twisted promises a protocol, on a socket of Node's. */
import type { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { toBuffer } from "../bytes.js";
import { classImplements, directlyProvides, providedBy } from "../components.js";
import { ConnectionAborted, ConnectionDone, ConnectionLost, SSLError } from "../error.js";
import { RuntimeError } from "../exceptions.js";
import { Failure } from "../failure.js";
import { guarded, onRejection } from "../guard.js";
import {
  type BytesLike,
  type IAddress,
  type IDelayedCall,
  IHalfCloseableProtocol,
  IHandshakeListener,
  ILoggingContext,
  INegotiated,
  type IProtocol,
  type IPullProducer,
  type IPushProducer,
  ISystemHandle,
  type ITLSContextFactory,
  ITLSTransport,
  type MaybeAsync,
  type StartTLSOptions,
  type TLSSettings,
} from "../interfaces.js";
import { callLogged, nameOf } from "../logged-calls.js";
import { Logger } from "../logger.js";
import { nodeTimer, type OpenTransport, type TransportHost } from "./host.js";
import { resetNow, SocketWire, startTLSOn, tlsError, type Wire } from "./tls.js";

const log = new Logger({ namespace: "strombus.reactor.stream" });
const HIGH_WATER = 65536; // bytes; more than this in user space pauses a push producer
const JOIN_LIMIT = 65536; // bytes; up to here copying chunks together is cheaper than a write of many pieces
const STALL_TIME = 60; // seconds; how long a closing connection waits for a peer that takes nothing
const HANDSHAKE_TIME = 60; // seconds; how long TLS may take to begin
const LINGER_TIME = 5; // seconds; how long a closed one reads on
const CLEAN_END = new ConnectionDone(); // one for all: making the stack of an error costs more than the close

/** Listeners are shared by all connections: each finds its own here, so that a connection needs no closures. */
const OWNER = Symbol("connection");
type OwnedSocket = Socket & { [OWNER]: StreamConnection };

/** What node:net itself goes by to tell a slow peer from one that takes nothing. */
interface WriteCounts {
  readonly bytesWritten: number;
  readonly writeQueueSize: number;
}

export interface ConnectionOptions {
  host: IAddress;
  peer: IAddress;
  /** Which of its port's connections this is, from 0; none for a client's. */
  session?: number;
  /** Told after the protocol. */
  onLost?: (reason: Failure) => void;
}

/** TLS on a connection: where its bytes go, and how far it has come. */
interface TLSState {
  readonly socket: TLSSocket;
  readonly wire: Wire;
  established: boolean;
  peerCertificate: X509Certificate | null;
  /** Ends a handshake that takes too long. */
  timeout: IDelayedCall | null;
}

/**
 * All that is written in one turn of the event loop goes out in one write of the socket. TCP_NODELAY is on from the
 * start (Twisted's is off): as writes are joined here, the system's own waiting would only add delay.
 *
 * Two things are bounded that Twisted leaves open. After `loseConnection` a peer that takes no byte for 60 s is dropped,
 * with ConnectionLost. And a connection closed by us, although it is over for the protocol, reads on for up to 5 s, since
 * closing a socket with unread data would make the system throw away what the peer has not fetched yet.
 *
 * Under TLS, what is written after `loseConnection` is dropped, a peer's close alert is the end for every protocol, and an
 * end without one is ConnectionLost.
 */
export class StreamConnection implements ITLSTransport, ISystemHandle, ILoggingContext, OpenTransport {
  /** Seconds. */
  stallTime = STALL_TIME;
  lingerTime = LINGER_TIME;
  handshakeTime = HANDSHAKE_TIME;
  readonly #reactor: TransportHost;
  #socket!: OwnedSocket; // null is for subclasses, which call `secure` at once
  readonly #host: IAddress;
  readonly #peer: IAddress;
  readonly #session: number;
  readonly #onLost: ((reason: Failure) => void) | null;
  #protocol: IProtocol | null; // null when it has heard of the end
  #pending: Buffer[] = []; // written in this turn
  #pendingBytes = 0;
  #flushScheduled = false;
  #output: "open" | "closing" | "closed" = "open"; // closing: the end follows what is pending
  #disconnecting = false;
  #reason: Failure | null = null; // known from the moment the socket is destroyed
  #producer: IPushProducer | IPullProducer | null = null;
  #streaming = false;
  #producerPaused = false;
  #written: (() => void) | undefined = undefined; // asks for news of the write, while there is a producer
  #stopLingering: (() => void) | null = null;
  #noDelay = true;
  #keepAlive = false;
  #reads = false; // the protocol is connected
  #tls: TLSState | null = null;

  constructor(
    reactor: TransportHost,
    socket: Socket | null,
    protocol: IProtocol,
    { host, peer, session = -1, onLost }: ConnectionOptions,
  ) {
    this.#reactor = reactor;
    this.#protocol = protocol;
    this.#host = host;
    this.#peer = peer;
    this.#session = session;
    this.#onLost = onLost ?? null;
    if (socket !== null) this.#own(socket);
  }

  #own(socket: Socket): void {
    this.#socket = socket as OwnedSocket;
    this.#socket[OWNER] = this;
    socket.on("error", StreamConnection.#onError);
    socket.on("close", StreamConnection.#onClose);
  }

  get connected(): boolean {
    return this.#protocol !== null;
  }

  get disconnecting(): boolean {
    return this.#disconnecting && this.#protocol !== null;
  }

  get disconnected(): boolean {
    return this.#protocol === null;
  }

  /** Connects the protocol, then lets data in. */
  begin(): void {
    this.#reactor.openTransports.add(this);
    this.#guard((protocol) => protocol.makeConnection(this));
    this.#reads = true;
    this.#read();
  }

  #read(): void {
    this.#socket.on("data", StreamConnection.#onData);
    this.#socket.on("end", StreamConnection.#onEnd);
  }

  // Writing

  /** Until `loseConnection` has flushed what is written, more can follow; afterwards it is dropped. */
  write(data: BytesLike): void {
    const bytes = toBuffer(data);
    if (this.#output === "closed" || this.#reason !== null || bytes.length === 0) return;
    if (this.#tls !== null && this.#output !== "open") return;
    this.#append(bytes);
    this.#pendingBytes += bytes.length;
    this.#scheduleFlush();
    if (this.#producer === null || !this.#streaming) return;
    if (this.bufferedBytes <= HIGH_WATER) return;
    this.#producerPaused = true;
    this.#guard(() => (this.#producer as IPushProducer).pauseProducing());
  }

  writeSequence(data: Iterable<BytesLike>): void {
    for (const chunk of data) this.write(chunk);
  }

  get bufferedBytes(): number {
    return this.#pendingBytes + this.#socket.writableLength;
  }

  /** By Node's own count of what waits in the system's queue: it sees progress within one large write. */
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
    process.nextTick(StreamConnection.#flush, this);
  }

  static #flush(this: void, self: StreamConnection): void {
    self.#flushScheduled = false;
    if (self.#reason !== null) return;
    if (self.#pendingBytes > 0) self.#send();
    if (self.#output !== "closing" || self.#awaitsProducer) return;
    self.#output = "closed";
    self.#socket.once("finish", StreamConnection.#onFinish);
    self.#socket.end();
  }

  #send(): void {
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

  registerProducer(producer: IPushProducer | IPullProducer, streaming: boolean): void {
    if (this.#producer !== null) throw new RuntimeError("a producer is registered already");
    if (this.disconnected || this.#reason !== null) {
      callLogged(log, "a producer", () => producer.stopProducing());
      return;
    }
    this.#producer = producer;
    this.#streaming = streaming;
    this.#producerPaused = false;
    // On a later turn: a peer that takes all we have must not keep the other sockets waiting.
    this.#written ??= () => {
      if (this.bufferedBytes === 0) setImmediate(StreamConnection.#drained, this);
    };
    if (!streaming) this.#guard(() => producer.resumeProducing());
  }

  /** Before `loseConnection`, if the end shall wait for no producer. */
  unregisterProducer(): void {
    this.#producer = null;
    if (this.#output === "closing") this.#scheduleFlush();
  }

  static #drained(this: void, self: StreamConnection): void {
    if (self.bufferedBytes > 0 || self.#reason !== null || !self.#awaitsProducer) return;
    self.#producerPaused = false;
    self.#guard(() => self.#producer?.resumeProducing());
  }

  /** A pull producer, or a push producer that we paused, has more to say before the end; under TLS any producer has. */
  get #awaitsProducer(): boolean {
    return this.#producer !== null && (!this.#streaming || this.#producerPaused || this.#tls !== null);
  }

  // Reading

  pauseProducing(): void {
    if (!this.#disconnecting && this.connected) this.#socket.pause();
  }

  resumeProducing(): void {
    if (!this.#disconnecting && this.connected) this.#socket.resume();
  }

  stopProducing(): void {
    this.loseConnection();
  }

  static #onData(this: OwnedSocket, data: Buffer): void {
    const self = this[OWNER];
    if (self.#protocol === null || self.#reason !== null) return;
    try {
      const result = self.#protocol.dataReceived(data);
      if (result !== undefined) onRejection(result, (error) => self.#failed(error));
    } catch (error) {
      self.#failed(error);
    }
  }

  /** The peer sends no more. */
  static #onEnd(this: OwnedSocket): void {
    const self = this[OWNER];
    const protocol = self.#protocol;
    if (protocol === null || self.#disconnecting || self.#reason !== null) return;
    if (self.#tls !== null) self.#tlsEnded(self.#tls);
    else if (providedBy(IHalfCloseableProtocol, protocol)) self.#guard(() => protocol.readConnectionLost());
    else self.connectionLost(new Failure(CLEAN_END));
  }

  // The end

  loseConnection(): void {
    if (this.#disconnecting || this.disconnected || this.#reason !== null) return;
    if (this.#tls?.established === false && this.bufferedBytes === 0) {
      this.abortConnection();
      return;
    }
    this.#disconnecting = true;
    this.#socket.pause();
    this.#limitStall(this.stallTime);
    if (this.#socket.writableFinished) process.nextTick(() => this.#finished());
    else this.loseWriteConnection();
  }

  loseWriteConnection(): void {
    if (this.#output !== "open") return;
    this.#output = "closing";
    this.#scheduleFlush();
  }

  abortConnection(): void {
    if (this.disconnected || this.#reason !== null) return;
    this.#disconnecting = true;
    this.#reason = new Failure(new ConnectionAborted());
    if (this.#tls === null) resetNow(this.#socket);
    else this.#tls.wire.abort();
    this.#destroy();
  }

  /** Ends it at once, for this reason. */
  connectionLost(reason: Failure): void {
    this.#reason ??= reason;
    this.#destroy();
    this.#lost();
  }

  #destroy(): void {
    this.#socket.destroy();
    this.#tls?.wire.destroy();
  }

  static #onFinish(this: OwnedSocket): void {
    const self = this[OWNER];
    if (self.#disconnecting) {
      self.#finished();
      return;
    }
    const protocol = self.#protocol;
    if (providedBy(IHalfCloseableProtocol, protocol)) self.#guard(() => protocol.writeConnectionLost());
  }

  /** All is sent, the end included. */
  #finished(): void {
    if (this.#reason !== null) return;
    this.#reason = new Failure(CLEAN_END);
    this.#lost();
    const socket = this.#socket;
    if (socket.readableEnded) {
      this.#destroy();
      return;
    }
    this.#limitStall(0);
    socket.resume(); // Node closes the socket when the peer's end has come too
    socket.unref();
    this.#linger();
  }

  #linger(): void {
    const { timer = nodeTimer } = this.#reactor;
    this.#stopLingering = timer(this.lingerTime, () => this.#destroy());
  }

  /** Drops a peer that takes nothing for so many seconds; 0 is never. Under TLS what is below can tell. */
  #limitStall(seconds: number): void {
    if (this.#tls === null) this.#socket.setTimeout(seconds * 1000, StreamConnection.#onStall);
    else this.#tls.wire.whenQuiet(seconds, () => StreamConnection.#onStall.call(this.#socket));
  }

  static #onStall(this: OwnedSocket): void {
    const self = this[OWNER];
    self.#reason ??= new Failure(new ConnectionLost("the peer takes no data"));
    self.#destroy();
  }

  static #onError(this: OwnedSocket, error: Error): void {
    const self = this[OWNER];
    const why = self.#tls === null ? null : tlsError(error);
    self.#reason ??= new Failure(why ?? new ConnectionLost(error));
    if (self.#tls !== null) self.#destroy();
  }

  static #onClose(this: OwnedSocket): void {
    const self = this[OWNER];
    if (this !== self.#socket) return; // TLS has taken its place
    self.#stopLingering?.();
    self.#reason ??= new Failure(CLEAN_END);
    self.#lost();
  }

  #lost(): void {
    const [protocol, reason, producer] = [this.#protocol, this.#reason, this.#producer];
    if (protocol === null || reason === null) return;
    this.#protocol = null;
    this.#producer = null;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#handshakeOver();
    this.#reactor.openTransports.delete(this);
    for (const call of [() => producer?.stopProducing(), () => protocol.connectionLost(reason)]) {
      guarded(call, (error) => this.#failed(error));
    }
    this.#onLost?.(reason);
  }

  // TLS

  startTLS(contextFactory: ITLSContextFactory, { normal = true }: StartTLSOptions = {}): void {
    const isClient = this.#session < 0 === normal;
    const settings = contextFactory.settingsForTLS(isClient);
    if (this.#tls !== null) throw new RuntimeError("TLS is on already");
    if (this.disconnected || this.#disconnecting || this.#reason !== null) return;
    if (this.#pendingBytes > 0) this.#send();
    const plain = this.#socket;
    const paused = plain.isPaused();
    plain
      .off("data", StreamConnection.#onData)
      .off("end", StreamConnection.#onEnd)
      .off("close", StreamConnection.#onClose);
    this.secure(new SocketWire(plain), settings, isClient);
    if (paused) this.#socket.pause();
  }

  /** From here on bytes go through TLS on this wire. */
  protected secure(wire: Wire, settings: TLSSettings, isClient: boolean): void {
    const socket = startTLSOn(wire, settings, isClient, {
      established: () => this.#established(),
      failed: (error) => {
        this.#reason ??= new Failure(tlsError(error) ?? new ConnectionLost(error));
        this.#destroy();
      },
    });
    const timeout = this.#reactor.callLater(this.handshakeTime, () => {
      this.connectionLost(new Failure(new SSLError(null, `no TLS handshake within ${this.handshakeTime} seconds`)));
    });
    this.#tls = { socket, wire, established: false, peerCertificate: null, timeout };
    this.#own(socket);
    wire.once("close", () => this.#wireClosed(socket));
    if (this.#reads) this.#read();
    directlyProvides(this, INegotiated);
  }

  /** Node does not close every TLS socket that has failed, and tells of the failure later. */
  #wireClosed(socket: TLSSocket): void {
    if (socket.errored !== null) StreamConnection.#onError.call(this.#socket, socket.errored);
    StreamConnection.#onClose.call(this.#socket);
  }

  #established(): void {
    if (this.#tls === null || this.#reason !== null) return;
    this.#tls.established = true;
    this.#handshakeOver();
    const protocol = this.#protocol;
    if (providedBy(IHandshakeListener, protocol)) this.#guard(() => protocol.handshakeCompleted());
  }

  #handshakeOver(): void {
    const timeout = this.#tls?.timeout;
    if (timeout?.active()) timeout.cancel();
  }

  /** The peer's close alert is answered by ours; an end without it is no clean one. */
  #tlsEnded({ wire, established, socket }: TLSState): void {
    if (wire.truncated || !established) {
      this.connectionLost(new Failure(new ConnectionLost("the connection ended without the end of TLS")));
      return;
    }
    this.#reason = new Failure(CLEAN_END);
    this.#lost();
    socket.end(() => this.#destroy());
    this.#linger();
  }

  getPeerCertificate(): X509Certificate | null {
    if (this.#tls?.established !== true) return null;
    return (this.#tls.peerCertificate ??= this.#tls.socket.getPeerX509Certificate() ?? null); // Node gives it once
  }

  /** What our side showed; null for none. */
  getHostCertificate(): X509Certificate | null {
    return this.#tls?.socket.getX509Certificate() ?? null;
  }

  get negotiatedProtocol(): string | null {
    const chosen = this.#tls?.established === true ? this.#tls.socket.alpnProtocol : null;
    return typeof chosen === "string" ? chosen : null;
  }

  // What the protocol's code throws

  #guard(call: (protocol: IProtocol) => MaybeAsync): void {
    const protocol = this.#protocol;
    if (protocol === null) return;
    guarded(
      () => call(protocol),
      (error) => this.#failed(error),
    );
  }

  /** Logged, and the end of this connection; an error right after `abortConnection` replaces that as the reason. */
  #failed(error: unknown): void {
    const failure = new Failure(error);
    log.failure("a protocol failed", failure, { log_system: nameOf(log, this) });
    if (this.#protocol === null) return;
    if (this.#reason === null || this.#reason.check(ConnectionAborted)) this.#reason = failure;
    this.#destroy();
  }

  // What it is

  getPeer(): IAddress {
    return this.#peer;
  }

  getHost(): IAddress {
    return this.#host;
  }

  /** The socket itself: what is done to it by hand, the transport knows nothing of. */
  getHandle(): Socket {
    return this.#socket;
  }

  getTcpNoDelay(): boolean {
    return this.#noDelay;
  }

  setTcpNoDelay(enabled: boolean): void {
    this.#noDelay = enabled;
    if (this.connected) this.#socket.setNoDelay(enabled);
  }

  getTcpKeepAlive(): boolean {
    return this.#keepAlive;
  }

  setTcpKeepAlive(enabled: boolean): void {
    this.#keepAlive = enabled;
    if (this.connected) this.#socket.setKeepAlive(enabled);
  }

  /** "protocol,client", or for a server "protocol,number,peer". */
  logPrefix(): string {
    const prefix = providedBy(ILoggingContext, this.#protocol) ? this.#protocol.logPrefix() : "-";
    const peer = this.#peer as { host?: string };
    return this.#session < 0 ? `${prefix},client` : `${prefix},${this.#session},${peer.host ?? ""}`;
  }
}

// Not as a decorator: TypeScript has none for classes with private static methods.
classImplements(StreamConnection, ITLSTransport, ISystemHandle, ILoggingContext);
