/** A connection by TCP or a UNIX socket, of either side: what Twisted promises a protocol, on a socket of Node's. */
import type { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { classImplements, directlyProvides, providedBy } from "../components.js";
import { ConnectionAborted, ConnectionDone, ConnectionLost, SSLError } from "../error.js";
import { RuntimeError } from "../exceptions.js";
import { Failure } from "../failure.js";
import { guarded, onRejection } from "../guard.js";
import {
  type BytesLike,
  type IAddress,
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
  type LentDataProtocol,
  type MaybeAsync,
  type StartTLSOptions,
  type TLSSettings,
} from "../interfaces.js";
import { nameOf } from "../logged-calls.js";
import { Logger } from "../logger.js";
import { endings } from "./endings.js";
import { nodeTimer, type OpenTransport, type TransportHost } from "./host.js";
import { lendTo, takesLentData } from "./lending.js";
import { Output } from "./output.js";
import { resetNow, SocketWire, startTLSOn, tlsError, TLSSession, type Wire } from "./tls.js";

const log = new Logger({ namespace: "strombus.reactor.stream" });
const STALL_TIME = 60; // seconds; how long a closing connection waits for a peer that takes nothing
const HANDSHAKE_TIME = 60; // seconds; how long TLS may take to begin
const LINGER_TIME = 5; // seconds; how long a closed one reads on
const CLEAN_END = new ConnectionDone(); // one for all: making the stack of an error costs more than the close

/** Listeners are shared by all connections: each finds its own here, so that a connection needs no closures. */
const OWNER = Symbol("connection");
type OwnedSocket = Socket & { [OWNER]: StreamConnection };

export interface ConnectionOptions {
  host: IAddress;
  peer: IAddress;
  /** Which of its port's connections this is, from 0; none for a client's. */
  sessionno?: number;
  /** Told after the protocol. */
  onLost?: (reason: Failure) => void;
}

/**
 * All that is written in one turn of the event loop goes out in one write of the socket. TCP_NODELAY is on from the
 * start (Twisted's is off): as writes are joined here, the system's own waiting would only add delay.
 *
 * Two things are bounded that Twisted leaves open. After `loseConnection` a peer that takes no byte for 60 s is dropped,
 * with ConnectionLost. And a connection closed by us, although it is over for the protocol, reads on for up to 5 s, since
 * closing a socket with unread data would make the system throw away what the peer has not fetched yet.
 *
 * Under TLS, what is written after `loseConnection` is dropped unless a producer is registered, a peer's close alert is the
 * end for every protocol, and an end without one is ConnectionLost.
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
  readonly sessionno: number;
  readonly #onLost: ((reason: Failure) => void) | null;
  #protocol: IProtocol | null; // null when it has heard of the end
  readonly #output = new Output(StreamConnection.#onFinish);
  #disconnecting = false;
  #reason: Failure | null = null; // known from the moment the socket is destroyed
  #stopLingering: (() => void) | null = null;
  #noDelay = true;
  #keepAlive = false;
  #reads = false; // the protocol is connected
  #tls: TLSSession | null = null;

  constructor(
    reactor: TransportHost,
    socket: Socket | null,
    protocol: IProtocol,
    { host, peer, sessionno = -1, onLost }: ConnectionOptions,
  ) {
    this.#reactor = reactor;
    this.#protocol = protocol;
    this.#host = host;
    this.#peer = peer;
    this.sessionno = sessionno;
    this.#onLost = onLost ?? null;
    if (socket !== null) this.#own(socket, false);
  }

  #own(socket: Socket, secure: boolean): void {
    this.#socket = socket as OwnedSocket;
    this.#output.goTo(socket, secure);
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
    if (this.#tls === null && takesLentData(this.#protocol)) lendTo(this.#socket, StreamConnection.#onLentData);
    this.#socket.on("data", StreamConnection.#onData);
    this.#socket.on("end", StreamConnection.#onEnd);
  }

  // Writing

  /** Until `loseConnection` has flushed what is written, more can follow; afterwards it is dropped. */
  write(data: BytesLike): void {
    this.#output.write(data);
  }

  writeSequence(data: Iterable<BytesLike>): void {
    for (const chunk of data) this.write(chunk);
  }

  get bufferedBytes(): number {
    return this.#output.bufferedBytes;
  }

  get bufferSize(): number {
    return this.#output.bufferSize;
  }

  set bufferSize(bytes: number) {
    this.#output.bufferSize = bytes;
  }

  /** By Node's own count of what waits in the system's queue: it sees progress within one large write. */
  get bytesTaken(): number {
    return this.#output.bytesTaken;
  }

  registerProducer(producer: IPushProducer | IPullProducer, streaming: boolean): void {
    this.#output.registerProducer(producer, streaming, (error) => this.#failed(error));
  }

  /** Before `loseConnection`, if the end shall wait for no producer. */
  unregisterProducer(): void {
    this.#output.unregisterProducer();
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
    this[OWNER].#received(data, false);
  }

  static #onLentData(this: Socket, length: number, memory: Buffer): boolean {
    const self = (this as OwnedSocket)[OWNER];
    const data = memory.subarray(0, length);
    if (self.#tls !== null) return this.push(Buffer.from(data)); // it is TLS's since then
    self.#received(data, true);
    return true;
  }

  #received(data: Buffer, isLent: boolean): void {
    const protocol = this.#protocol;
    if (protocol === null || this.#reason !== null) return;
    try {
      const result = isLent ? (protocol as LentDataProtocol).lentDataReceived(data) : protocol.dataReceived(data);
      if (result !== undefined) onRejection(result, (error) => this.#failed(error));
    } catch (error) {
      this.#failed(error);
    }
  }

  /** The peer sends no more. */
  static #onEnd(this: OwnedSocket): void {
    const self = this[OWNER];
    endings.add(() => self.#ended());
  }

  #ended(): void {
    const protocol = this.#protocol;
    if (protocol === null || this.#disconnecting || this.#reason !== null) return;
    if (this.#tls !== null) this.#tlsEnded(this.#tls);
    else if (providedBy(IHalfCloseableProtocol, protocol)) this.#guard(() => protocol.readConnectionLost());
    else this.connectionLost(new Failure(CLEAN_END));
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
    endings.add(() => this.#lose());
  }

  #lose(): void {
    if (this.#reason !== null) return;
    this.#limitStall(this.stallTime);
    if (this.#socket.writableFinished) process.nextTick(() => endings.add(() => this.#finished()));
    else this.loseWriteConnection();
  }

  loseWriteConnection(): void {
    this.#output.end();
  }

  abortConnection(): void {
    if (this.disconnected || this.#reason !== null) return;
    this.#disconnecting = true;
    this.#over(new Failure(new ConnectionAborted()));
    if (this.#tls === null) resetNow(this.#socket);
    else this.#tls.wire.abort();
    this.#destroy();
  }

  /** Ends it at once, for this reason. */
  connectionLost(reason: Failure): void {
    this.#over(reason);
    this.#destroy();
    this.#lost();
  }

  /** For this reason, unless there was one before: nothing goes out any more. */
  #over(reason: Failure): void {
    this.#reason ??= reason;
    this.#output.drop();
  }

  #destroy(): void {
    this.#socket.destroy();
    this.#tls?.wire.destroy();
  }

  static #onFinish(this: OwnedSocket): void {
    const self = this[OWNER];
    if (self.#disconnecting) {
      endings.add(() => self.#finished());
      return;
    }
    const protocol = self.#protocol;
    if (providedBy(IHalfCloseableProtocol, protocol)) self.#guard(() => protocol.writeConnectionLost());
  }

  /** All is sent, the end included. */
  #finished(): void {
    if (this.#reason !== null) return;
    this.#over(new Failure(CLEAN_END));
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
    self.#over(new Failure(new ConnectionLost("the peer takes no data")));
    self.#destroy();
  }

  static #onError(this: OwnedSocket, error: Error): void {
    const self = this[OWNER];
    if (self.#reason === null) {
      self.#over(new Failure(self.#tls === null ? new ConnectionLost(error) : tlsError(error)));
    }
    if (self.#tls !== null) self.#destroy();
  }

  static #onClose(this: OwnedSocket): void {
    const self = this[OWNER];
    self.#stopLingering?.();
    if (self.#reason === null) self.#over(new Failure(CLEAN_END));
    if (self.#protocol !== null) endings.add(() => self.#lost());
  }

  #lost(): void {
    const [protocol, reason] = [this.#protocol, this.#reason];
    if (protocol === null || reason === null) return;
    this.#protocol = null;
    this.#tls?.stopTimeout();
    this.#reactor.openTransports.delete(this);
    for (const call of [() => this.#output.stopProducer(), () => protocol.connectionLost(reason)]) {
      guarded(call, (error) => this.#failed(error));
    }
    this.#onLost?.(reason);
  }

  // TLS

  startTLS(contextFactory: ITLSContextFactory, { normal = true }: StartTLSOptions = {}): void {
    const isClient = this.sessionno < 0 === normal;
    const settings = contextFactory.settingsForTLS(isClient);
    if (this.#tls !== null) throw new RuntimeError("TLS is on already");
    if (this.disconnected || this.#disconnecting || this.#reason !== null) return;
    this.#output.send();
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
        this.#over(new Failure(tlsError(error)));
        this.#destroy();
      },
    });
    const timeout = this.#reactor.callLater(this.handshakeTime, () => {
      this.connectionLost(new Failure(new SSLError(null, `no TLS handshake within ${this.handshakeTime} seconds`)));
    });
    this.#tls = new TLSSession(socket, wire, timeout);
    this.#own(socket, true);
    wire.once("close", () => this.#wireClosed());
    if (this.#reads) this.#read();
    directlyProvides(this, INegotiated);
  }

  /** Node does not close every TLS socket that has failed, and tells of the failure later. */
  #wireClosed(): void {
    const socket = this.#socket;
    if (socket.errored !== null) StreamConnection.#onError.call(socket, socket.errored);
    StreamConnection.#onClose.call(socket);
  }

  #established(): void {
    if (this.#tls === null || this.#reason !== null) return;
    this.#tls.handshakeCompleted();
    const protocol = this.#protocol;
    if (providedBy(IHandshakeListener, protocol)) this.#guard(() => protocol.handshakeCompleted());
  }

  /** The peer's close alert is answered by ours; an end without it is no clean one. */
  #tlsEnded({ wire, established, socket }: TLSSession): void {
    if (wire.truncated || !established) {
      this.connectionLost(new Failure(new ConnectionLost("the connection ended without the end of TLS")));
      return;
    }
    this.#over(new Failure(CLEAN_END));
    this.#lost();
    socket.end(() => this.#destroy());
    this.#linger();
  }

  getPeerCertificate(): X509Certificate | null {
    return this.#tls?.peerCertificate ?? null;
  }

  /** What our side showed; null for none. */
  getHostCertificate(): X509Certificate | null {
    return this.#tls?.hostCertificate ?? null;
  }

  get negotiatedProtocol(): string | null {
    return this.#tls?.negotiatedProtocol ?? null;
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
    if (this.#reason?.check(ConnectionAborted)) this.#reason = failure;
    this.#over(failure);
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
    return this.sessionno < 0 ? `${prefix},client` : `${prefix},${this.sessionno},${peer.host ?? ""}`;
  }
}

// Not as a decorator: TypeScript has none for classes with private static methods.
classImplements(StreamConnection, ITLSTransport, ISystemHandle, ILoggingContext);
