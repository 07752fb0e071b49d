/** A channel: one stream of data and requests within a connection (twisted.conch.ssh.channel; RFC 4254 section 5). */
import { implementer } from "@strombus/reactor/components";
import { type MaybeAsync, ITransport } from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";
import { guard } from "../channel/hooks.js";
import { after } from "../channel/later.js";
import { type Message, OutputQueue } from "../channel/output.js";
import { isRefillDue, PathWindow } from "../channel/path.js";
import type { ConchError } from "../error.js";
import type { IConchUser, MaybeLater } from "../interfaces.js";
import { peerLog } from "../peer-log.js";
import { toBuffer, type BytesLike } from "../wire/writer.js";
import type { SSHTransportAddress } from "./address.js";
import type { SSHConnection } from "./connection.js";
import { namedMethod } from "./service.js";

const log = new Logger({ namespace: "strombus.conch.ssh.channel" });

/** Bytes that the peer may send ahead of what we have taken, unless a channel says otherwise or the path is a long one. */
export const DEFAULT_WINDOW = 2 * 1024 * 1024;

/** The most bytes of data in one packet, both ways: what every implementation takes (RFC 4253 section 6.1). */
export const DEFAULT_MAX_PACKET = 32_768;

/**
 * Output that may wait on a channel, of what was written as data came, before the peer gets no more window: who floods and
 * does not read must wait. What the application writes by itself does not count: two that each wrote much at once, and read
 * what comes, would wait for each other for ever.
 */
const MAX_BACKLOG = 2 * 1024 * 1024; // bytes

const NOTHING = Buffer.alloc(0);

export interface SSHChannelOptions {
  /** Bytes that the peer may send before we say so again; 0 is the default of the class. */
  localWindow?: number;
  /** The most bytes of data that we take in one packet; 0 is the default of the class. */
  localMaxPacket?: number;
  remoteWindow?: number;
  remoteMaxPacket?: number;
  conn?: SSHConnection | null;
  /** What came with the request to open. */
  data?: unknown;
  avatar?: IConchUser | null;
}

/**
 * Base of all channels. Override the hooks, from `channelOpen` to `closed`, and add a method `request_<name>` for each
 * request, with `_` for `-`: it gets the request's data and returns, or promises, whether it succeeds. An exception from
 * a hook is logged and closes this channel alone.
 *
 * ```ts
 * class Echo extends SSHChannel {
 *   override name = "session";
 *   request_shell(data: Buffer) { return true; }
 *   override dataReceived(data: Buffer) { this.write(data); }
 *   override eofReceived() { this.loseConnection(); }
 * }
 * ```
 */
@implementer(ITransport)
export class SSHChannel implements ITransport {
  static defaultWindow = DEFAULT_WINDOW;
  static defaultMaxPacket = DEFAULT_MAX_PACKET;

  /** The channel's type; needed to open it from here. */
  name: string | null = null;
  localWindowSize: number;
  localWindowLeft: number;
  localMaxPacket: number;
  /** Bytes that the peer will still take; 0 until it confirms a channel that we open. */
  remoteWindowLeft: number;
  remoteMaxPacket: number;
  /** False from `stopWriting` to `startWriting`. */
  areWriting = true;
  /** The connection, once it knows the channel. */
  conn: SSHConnection | null;
  data: unknown;
  avatar: IConchUser | null;
  /** Sent to the peer when its request to open is confirmed. */
  specificData: BytesLike = NOTHING;
  /** `loseConnection` was called. */
  closing = false;
  /** Our CLOSE is sent. */
  localClosed = false;
  /** The peer's CLOSE has come. */
  remoteClosed = false;
  /** Our EOF is sent: data written after it is dropped. */
  localEOF = false;
  /** The peer's EOF has come. */
  remoteEOF = false;
  /** Our number of the channel. */
  id: number | null = null;
  /** Requests are handled as they come, not each after the reply to the one before; replies keep their order all the same. */
  requestsAtOnce = false;
  /**
   * Set by a channel whose `dataReceived` copies what it keeps, writes or passes on of the bytes that it gets: they may be
   * in memory that the next packet, of whatever connection, is read into. Nothing is then allocated for them.
   */
  takesLentData = false;

  readonly #output = new OutputQueue();
  #holds = 0;
  #abandoned = false;
  #paused = false;
  #windowHolds = 0;
  #answered = 0; // bytes of the output that waits, at most, that were written as data came
  /** Data is being received. @internal */
  receiving = false;
  #unwanted = false;
  #path: PathWindow | null = null; // from the first refill on

  constructor(options?: SSHChannelOptions);
  constructor(
    localWindow?: number,
    localMaxPacket?: number,
    remoteWindow?: number,
    remoteMaxPacket?: number,
    conn?: SSHConnection | null,
    data?: unknown,
    avatar?: IConchUser | null,
  );
  constructor(
    localWindow: number | SSHChannelOptions = 0,
    localMaxPacket = 0,
    remoteWindow = 0,
    remoteMaxPacket = 0,
    conn: SSHConnection | null = null,
    data: unknown = null,
    avatar: IConchUser | null = null,
  ) {
    const given =
      typeof localWindow === "object"
        ? localWindow
        : { localWindow, localMaxPacket, remoteWindow, remoteMaxPacket, conn, data, avatar };
    this.localWindowSize = orDefault(given.localWindow, new.target.defaultWindow);
    this.localWindowLeft = this.localWindowSize;
    this.localMaxPacket = orDefault(given.localMaxPacket, new.target.defaultMaxPacket);
    this.remoteWindowLeft = given.remoteWindow ?? 0;
    this.remoteMaxPacket = given.remoteMaxPacket ?? 0;
    this.conn = given.conn ?? null;
    this.data = given.data ?? null;
    this.avatar = given.avatar ?? null;
  }

  // Hooks, in the order of a channel's life.

  /** The channel is open; `specificData` came with the request, or with the peer's confirmation. */
  channelOpen(specificData: Buffer): MaybeAsync {
    peerLog(log, this.conn?.transport).debug("{channel} is open", { channel: this.logPrefix() });
  }

  /**
   * The channel that we wanted was refused (ConchError of text and code), or the connection ended first (ConnectionLost),
   * also before one that the peer wanted could be opened.
   */
  openFailed(reason: ConchError | Error): MaybeAsync {
    peerLog(log, this.conn?.transport).error("{channel} could not be opened: {reason}", {
      channel: this.logPrefix(),
      reason: reason.message,
    });
  }

  /** A request of the peer: whether it succeeds. Requests are handled one at a time, and answered in their order. */
  requestReceived(requestType: string, data: Buffer, wantReply = true): unknown {
    const handler = namedMethod(this, `request_${requestType.replaceAll("-", "_")}`);
    if (handler !== null) return handler(data);
    peerLog(log, this.conn?.transport).info("{channel} has no handler for request {request}", {
      channel: this.logPrefix(),
      request: requestType,
    });
    return 0;
  }

  /**
   * Data that is the application's own, unless it `takesLentData`. Window for more is given as it is delivered, or when
   * the promise that is returned settles; see also `pauseProducing`.
   */
  dataReceived(data: Buffer): MaybeAsync {
    peerLog(log, this.conn?.transport).debug("{channel} got {bytes} bytes", {
      channel: this.logPrefix(),
      bytes: data.length,
    });
  }

  /** Data of a type of its own, such as 1 for standard error. */
  extReceived(dataType: number, data: Buffer): MaybeAsync {
    peerLog(log, this.conn?.transport).debug("{channel} got {bytes} bytes of type {type}", {
      channel: this.logPrefix(),
      bytes: data.length,
      type: dataType,
    });
  }

  /** The peer sends no more data; we may go on. */
  eofReceived(): MaybeAsync {
    peerLog(log, this.conn?.transport).debug("{channel}: end of data", { channel: this.logPrefix() });
  }

  /** The peer closed the channel and will take nothing more. The connection answers when this is done. */
  closeReceived(): MaybeAsync {
    peerLog(log, this.conn?.transport).debug("{channel}: closed by the peer", { channel: this.logPrefix() });
    this.loseConnection();
  }

  /** The server stops in so many seconds: end what can be ended, tell the user. */
  serverStopping(seconds: number): MaybeAsync {}

  /** The channel, which was open, is closed by both sides, or the connection is gone. Called once. */
  closed(): MaybeAsync {
    peerLog(log, this.conn?.transport).debug("{channel} is closed", { channel: this.logPrefix() });
  }

  /**
   * The peer reads no more data, although the channel stays open (eow@openssh.com, which OpenSSH sends to OpenSSH alone).
   * Unless overridden, what waits and what is written from now on is dropped; EOF and requests still go out.
   */
  eowReceived(): MaybeAsync {
    this.#unwanted = true;
    this.#output.dropData();
    this.flushOutput();
  }

  "request_eow@openssh.com"(): MaybeLater<boolean> {
    return after(this.eowReceived(), () => true);
  }

  /** Output has to wait: `write` returned false. */
  stopWriting(): void {}

  /** All output that waited is sent. */
  startWriting(): void {}

  // Sending.

  /**
   * Sends data, or keeps it in order until the peer's window takes it; the bytes must not change afterwards.
   * @returns false when the caller should wait for `startWriting`. On a channel that is closing down, data is dropped.
   */
  write(data: BytesLike): boolean {
    return this.#write(null, toBuffer(data));
  }

  /** Sends data of a type of its own, such as 1 for standard error; otherwise as `write`. */
  writeExtended(dataType: number, data: BytesLike): boolean {
    return this.#write(dataType, toBuffer(data));
  }

  writeSequence(data: Iterable<BytesLike>): boolean {
    return this.write(Buffer.concat([...data].map(toBuffer)));
  }

  /** Closes the channel when all that was written, and the EOF and requests behind it, are sent. */
  loseConnection(): void {
    this.closing = true;
    if (this.#output.empty && this.#holds === 0) this.conn?.sendClose(this);
  }

  /** Bytes that wait for window, or for the transport. */
  get bytesHeld(): number {
    return this.#output.bytes;
  }

  /** Data that waits for window. */
  get buf(): Buffer {
    return this.#output.data;
  }

  /** Extended data that waits for window, by type, in the order of the calls. */
  get extBuf(): [dataType: number, data: Buffer][] {
    return this.#output.extended;
  }

  /** The peer takes that many bytes more. */
  addWindowBytes(bytes: number): void {
    this.remoteWindowLeft += bytes;
    this.flushOutput();
  }

  // Receiving: a push producer, so that a slow consumer of what is received holds the peer back.

  /** Gives the peer no more window. What it may send already is still delivered: at most `localWindowSize` bytes. */
  pauseProducing(): void {
    this.#paused = true;
  }

  resumeProducing(): void {
    this.#paused = false;
    this.refillWindow();
  }

  stopProducing(): void {
    this.loseConnection();
  }

  getPeer(): SSHTransportAddress {
    return this.conn!.transport!.getPeer();
  }

  getHost(): SSHTransportAddress {
    return this.conn!.transport!.getHost();
  }

  logPrefix(): string {
    const conn = this.conn?.logPrefix() ?? "no connection";
    return `SSHChannel ${this.name ?? "None"} (${this.id ?? "unknown"}) on ${conn}`;
  }

  toString(): string {
    return `<SSHChannel ${this.name ?? "None"} (lw ${this.localWindowLeft} rw ${this.remoteWindowLeft})>`;
  }

  // For the connection.

  /** No more window until `releaseWindow`, which is called as often. @internal */
  holdWindow(): void {
    this.#windowHolds += 1;
  }

  /** @internal */
  releaseWindow(): void {
    this.#windowHolds -= 1;
    this.refillWindow();
  }

  /** Whether anything waits to be sent, so that a message must wait behind it. @internal */
  get outputWaits(): boolean {
    return !this.#output.empty || this.#holds > 0;
  }

  /** Sends a message behind the output that waits. @internal */
  sendBehindOutput(message: Message): void {
    if (!this.#abandoned) this.#output.addMessage(message);
  }

  /** Lets output wait until `releaseOutput`, which is called as often: a reply goes out before it. @internal */
  holdOutput(): void {
    this.#holds += 1;
  }

  /** @internal */
  releaseOutput(): void {
    this.#holds -= 1;
    this.flushOutput();
  }

  /** Nobody takes our output any more: what waits is dropped, and what is written from now on. @internal */
  abandonOutput(): void {
    this.#abandoned = true;
    this.#output.clear();
    this.#path?.shrink();
  }

  /** Sends what may be sent now, then says so, or closes. @internal */
  flushOutput(): void {
    if (this.#holds > 0) return;
    if (this.conn !== null) this.#sendWaiting(this.conn);
    this.#tellWriters();
    if (this.closing && this.#output.empty) this.conn?.sendClose(this);
    this.refillWindow();
  }

  /** Gives the peer window when less than half is left, unless we are not keeping up. @internal */
  refillWindow(): void {
    const { localWindowLeft: left, localWindowSize: size } = this;
    if (this.#path !== null) this.#path.heard(left, this.#now);
    if (!isRefillDue(left, size)) return;
    this.#answered = Math.min(this.#answered, this.#output.bytes);
    if (this.#paused || this.#windowHolds > 0 || this.#answered > MAX_BACKLOG) {
      this.#path?.hold();
      return;
    }
    const { conn } = this;
    if (conn === null) return;
    if (size >= DEFAULT_WINDOW) this.#fitPath(conn, left);
    if (this.localWindowSize > left) conn.adjustWindow(this, this.localWindowSize - left);
  }

  /** Small windows are somebody's choice: they stay what they are. */
  #fitPath(conn: SSHConnection, left: number): void {
    const { localWindowSize: size, localMaxPacket } = this;
    if (this.#path === null) this.#path = new PathWindow(conn, size, localMaxPacket, left, this.#now);
    else this.localWindowSize = this.#path.refill(left, this.#now);
  }

  /** In seconds. A transport in memory may have no clock: its time stands still. */
  get #now(): number {
    const clock = this.conn?.transport?.clock;
    return clock?.seconds() ?? 0;
  }

  #write(type: number | null, bytes: Buffer): boolean {
    if (bytes.length === 0 || this.#abandoned || this.#unwanted || this.localClosed || this.localEOF) {
      return this.areWriting;
    }
    const conn = this.conn;
    if (conn !== null && !this.outputWaits && !conn.outputHeld && bytes.length <= this.#room) {
      this.#send(conn, type, bytes);
    } else {
      this.#output.add(type, bytes);
      if (this.receiving) this.#answered += bytes.length;
      if (conn !== null && this.#holds === 0) this.#sendWaiting(conn);
    }
    this.#tellWriters();
    return this.areWriting;
  }

  /** The most data that may go out in one packet now. */
  get #room(): number {
    return Math.min(this.remoteWindowLeft, this.remoteMaxPacket, DEFAULT_MAX_PACKET);
  }

  #send(conn: SSHConnection, type: number | null, bytes: Buffer): void {
    this.remoteWindowLeft -= bytes.length;
    if (type === null) conn.sendData(this, bytes);
    else conn.sendExtendedData(this, type, bytes);
  }

  #sendWaiting(conn: SSHConnection): void {
    for (let next = this.#output.first; next !== undefined; next = this.#output.first) {
      if (typeof next === "function") {
        this.#output.takeMessage();
        next();
        continue;
      }
      const room = conn.outputHeld ? 0 : this.#room;
      if (room <= 0) return;
      this.#send(conn, next.type, this.#output.take(next, room));
    }
  }

  /** Calls `stopWriting` when output begins to wait, for window or for the transport; `startWriting` when none does. */
  #tellWriters(): void {
    const held = this.conn?.outputHeld ?? false;
    if (held) this.conn?.resumeLater(this);
    if (this.areWriting) {
      if (!held && (this.#output.bytes === 0 || this.#fits)) return;
      this.areWriting = false;
      this.#hook(() => this.stopWriting());
    } else if (!held && this.#output.empty && !this.closing) {
      this.areWriting = true;
      this.#hook(() => this.startWriting());
    }
  }

  /** What fails in it, now or later, ends this channel. */
  #hook(hook: () => MaybeAsync): void {
    if (this.conn === null) void hook();
    else guard(this.conn, this, hook);
  }

  /** Whether what waits does so for a reply alone. */
  get #fits(): boolean {
    return this.#holds > 0 && this.remoteMaxPacket > 0 && this.#output.bytes <= this.remoteWindowLeft;
  }
}

/** 0 stands for the default, as in Twisted. */
function orDefault(given: number | undefined, standard: number): number {
  return given === undefined || given === 0 ? standard : given;
}
