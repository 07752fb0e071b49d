/** The half of a connection that acts: channels that we open, requests that we make, data that we send (RFC 4254). */
import { Deferred, fail } from "@strombus/reactor/defer";
import { ConnectionLost } from "@strombus/reactor/error";
import { KeyError } from "@strombus/reactor/exceptions";
import { Logger } from "@strombus/reactor/logger";
import { ConchError } from "../error.js";
import {
  ChannelClose,
  ChannelEof,
  ChannelFailure,
  ChannelOpen,
  ChannelOpenConfirmation,
  ChannelOpenFailure,
  ChannelRequest,
  ChannelSuccess,
  ChannelWindowAdjust,
} from "../messages/connection.js";
import { SparseMap, SparseSet } from "../sparse.js";
import type { SSHChannel } from "../ssh/channel.js";
import { NS } from "../ssh/common.js";
import type { SSHConnection } from "../ssh/connection.js";
import { SSHService } from "../ssh/service.js";
import { DISCONNECT_PROTOCOL_ERROR } from "../transport/constants.js";
import type { SSHTransportBase } from "../ssh/transport.js";
import { tell } from "../transport/watch.js";
import { toBuffer, type BytesLike } from "../wire/writer.js";
import { guard } from "./hooks.js";
import { MAX_GROWTH } from "./path.js";
import {
  MSG_CHANNEL_CLOSE,
  MSG_CHANNEL_DATA,
  MSG_CHANNEL_EOF,
  MSG_CHANNEL_EXTENDED_DATA,
  MSG_CHANNEL_OPEN,
  MSG_CHANNEL_REQUEST,
  MSG_CHANNEL_WINDOW_ADJUST,
  MSG_GLOBAL_REQUEST,
  OPEN_CONNECT_FAILED,
} from "./numbers.js";

const log = new Logger({ namespace: "strombus.conch.ssh.connection" });

/** These act on what runs now, and do not wait behind data (RFC 4254 sections 6.7 to 6.9, RFC 4335). */
const OVERTAKES: ReadonlySet<string> = new Set(["window-change", "xon-xoff", "signal", "break"]);

const MAX_CHANNEL = 2 ** 32 - 1; // a channel's number travels as a uint32

/** A transport in memory may lack the shortcut that spares a copy of the data. */
type AnyTransport = Omit<SSHTransportBase, "sendChannelData"> & Partial<Pick<SSHTransportBase, "sendChannelData">>;

interface PendingOpen {
  resolve: () => void;
  reject: (reason: Error) => void;
}

/** What lives no longer than its connection, such as a listener. */
export interface Dependent {
  connectionLost(): void;
}

export interface OpenChannelOptions {
  /** Gives the channel up: while it is being opened it fails with the signal's reason, later it is closed. */
  signal?: AbortSignal;
}

export abstract class ActingConnection extends SSHService {
  /** The number of the next channel. */
  localChannelID = 0;
  /** Our number to the channel, also while it is being opened from here. */
  readonly channels: Map<number, SSHChannel> = new SparseMap();
  /** Our number to the peer's, of channels that are open. */
  readonly localToRemoteChannel: Map<number, number> = new SparseMap();
  /** The channel to the peer's number of it, of channels that are open. */
  readonly channelsToRemoteChannel: Map<SSHChannel, number> = new SparseMap();
  /** Those waiting for replies, in order: to requests on a channel, by our number, and to global ones. */
  readonly deferreds = new SparseMap<number | "global", Deferred<Buffer>[]>();
  /** Told when the connection ends; as long as there are any, it counts as used. */
  readonly dependents = new SparseSet<Dependent>();
  /** The transport takes no more output for now; channels keep theirs. */
  outputHeld = false;
  /** Bytes by which the windows of our channels may still grow, all together, where the peer is far away. */
  windowReserve = MAX_GROWTH;

  /** The transport with which the connection has ended; on another it begins anew, as for a client that reconnects. */
  #ended: SSHTransportBase | null | undefined;
  readonly #pendingOpens = new SparseMap<SSHChannel, PendingOpen>();
  readonly #held = new SparseSet<SSHChannel>();
  /** Channels whose opener has stopped waiting before the peer answered. */
  readonly #givenUp = new SparseSet<SSHChannel>();
  /** What forgets the signal of a channel. */
  readonly #signals = new SparseMap<SSHChannel, () => void>();

  override serviceStopped(): void {
    this.#ended = this.transport;
    for (const channel of [...this.channelsToRemoteChannel.keys()]) {
      guard(this, channel, () => this.channelClosed(channel));
    }
    const opening = [...this.channels.values()];
    this.channels.clear();
    for (const channel of opening) {
      if (!this.#givenUp.has(channel)) this.#openFailed(channel, new ConnectionLost("the connection ended"));
    }
    this.#givenUp.clear();
    this.#reject("global", "Connection stopped.");
    this.outputHeld = false;
    const dependents = [...this.dependents];
    this.dependents.clear();
    for (const dependent of dependents) tell(log, "what lives on a connection", () => dependent.connectionLost());
  }

  /**
   * Asks the peer to open this channel; `extra` is what the type needs. The channel's own `channelOpen` or `openFailed`
   * is called with the answer, then the promise settles: with the channel, or with the error that `openFailed` got.
   */
  openChannel<C extends SSHChannel>(
    channel: C,
    extra: BytesLike = "",
    { signal }: OpenChannelOptions = {},
  ): Promise<C> {
    const opened = new Promise<C>((resolve, reject) => {
      this.#pendingOpens.set(channel, { resolve: () => resolve(channel), reject });
    });
    opened.catch(() => undefined); // openFailed has told: whoever does not look at the promise need not
    if (this.stopped) {
      this.#openFailed(channel, new ConnectionLost("the connection has ended"));
      return opened;
    }
    if (signal?.aborted) {
      this.#openFailed(channel, reasonOf(signal));
      return opened;
    }
    if (signal !== undefined) this.#heed(signal, channel);
    channel.id = this.nextChannel();
    channel.localWindowLeft = channel.localWindowSize;
    this.channels.set(channel.id, channel);
    const body = ChannelOpen.encode({
      type: channel.name ?? "",
      senderChannel: channel.id,
      window: channel.localWindowSize,
      maxPacket: channel.localMaxPacket,
      data: toBuffer(extra),
    });
    this.transport?.sendPacket(MSG_CHANNEL_OPEN, body);
    return opened;
  }

  /**
   * @returns null unless a reply is wanted; else what fires with the reply's data, or fails with a ConchError whose
   *   `data` is the reply's, or which says that the connection ended.
   */
  sendGlobalRequest(request: string, data: BytesLike, wantReply = false): Deferred<Buffer> | null {
    if (this.stopped) return wantReply ? fail(new ConchError("Connection stopped.")) : null;
    this.transport?.sendPacket(
      MSG_GLOBAL_REQUEST,
      Buffer.concat([NS(request), Buffer.of(wantReply ? 0xff : 0), toBuffer(data)]),
    );
    return wantReply ? this.#expectReply("global") : null;
  }

  /**
   * Makes a request on an open channel, behind the data that waits on it, except for those that act on a program at once.
   * @returns null unless a reply is wanted, or when our side is closed; else what fires with an empty Buffer, or fails
   *   with a ConchError.
   * @throws KeyError if the channel is not open.
   */
  sendRequest(channel: SSHChannel, requestType: string, data: BytesLike, wantReply = false): Deferred<Buffer> | null {
    if (channel.localClosed) return null;
    const body = toBuffer(data);
    // Replies have no number: one that is wanted must keep its place among the others.
    const overtakes = OVERTAKES.has(requestType) && !wantReply;
    const send = () => {
      const recipientChannel = this.#recipient(channel);
      const request = ChannelRequest.encode({ recipientChannel, type: requestType, wantReply, data: body });
      this.transport?.sendPacket(MSG_CHANNEL_REQUEST, request);
    };
    this.#inOrder(channel, send, overtakes);
    return wantReply ? this.#expectReply(channel.id!) : null;
  }

  /** Lets the peer send so many bytes more. */
  adjustWindow(channel: SSHChannel, bytesToAdd: number): void {
    if (channel.localClosed) return;
    const body = ChannelWindowAdjust.encode({ recipientChannel: this.#recipient(channel), bytes: bytesToAdd });
    this.transport?.sendPacket(MSG_CHANNEL_WINDOW_ADJUST, body);
    channel.localWindowLeft += bytesToAdd;
  }

  /** One packet, whatever the window: use `channel.write`. @throws KeyError if the channel is not open. */
  sendData(channel: SSHChannel, data: BytesLike): void {
    if (channel.localClosed) return;
    const recipient = this.#recipient(channel);
    const bytes = toBuffer(data);
    const transport: AnyTransport | null = this.transport;
    if (transport?.sendChannelData) {
      transport.sendChannelData(recipient, bytes);
      return;
    }
    const body = Buffer.allocUnsafe(8 + bytes.length);
    body.writeUInt32BE(recipient, 0);
    body.writeUInt32BE(bytes.length, 4);
    body.set(bytes, 8);
    this.transport?.sendPacket(MSG_CHANNEL_DATA, body);
  }

  /** As `sendData`: use `channel.writeExtended`. */
  sendExtendedData(channel: SSHChannel, dataType: number, data: BytesLike): void {
    if (channel.localClosed) return;
    const bytes = toBuffer(data);
    const body = Buffer.allocUnsafe(12 + bytes.length);
    body.writeUInt32BE(this.#recipient(channel), 0);
    body.writeUInt32BE(dataType, 4);
    body.writeUInt32BE(bytes.length, 8);
    body.set(bytes, 12);
    this.transport?.sendPacket(MSG_CHANNEL_EXTENDED_DATA, body);
  }

  /** Says, behind the data that waits, that no more will come. Once. */
  sendEOF(channel: SSHChannel): void {
    if (channel.localClosed || channel.localEOF) return;
    this.#inOrder(channel, () => {
      this.transport?.sendPacket(MSG_CHANNEL_EOF, ChannelEof.encode({ recipientChannel: this.#recipient(channel) }));
    });
    channel.localEOF = true;
  }

  /** Closes our side now, whatever waits: use `channel.loseConnection`. Once. A channel not yet open is closed then. */
  sendClose(channel: SSHChannel): void {
    if (channel.localClosed) return;
    if (this.#isOpening(channel)) {
      channel.closing = true;
      return;
    }
    this.transport?.sendPacket(MSG_CHANNEL_CLOSE, ChannelClose.encode({ recipientChannel: this.#recipient(channel) }));
    channel.localClosed = true;
    channel.abandonOutput();
    if (channel.remoteClosed) guard(this, channel, () => this.channelClosed(channel));
  }

  /** A channel that we asked for is open. */
  protected channelOpened(_channel: SSHChannel): void {}

  /** Both sides have closed it, or the connection is gone. Overrides call this one. */
  channelClosed(channel: SSHChannel): void {
    if (!this.channelsToRemoteChannel.delete(channel)) return;
    channel.localClosed = channel.remoteClosed = true;
    channel.abandonOutput();
    this.channels.delete(channel.id!);
    this.localToRemoteChannel.delete(channel.id!);
    this.#held.delete(channel);
    this.#reject(channel.id!, "Channel closed.");
    this.#forgetSignal(channel);
    if (!this.#givenUp.delete(channel)) guard(this, channel, () => channel.closed());
  }

  // Answers to what we asked

  ssh_CHANNEL_OPEN_CONFIRMATION(packet: Buffer): void {
    const { recipientChannel, senderChannel, window, maxPacket, data } = ChannelOpenConfirmation.decode(packet);
    const channel = this.#opening(recipientChannel);
    if (channel === null) return;
    channel.conn = this.#whole;
    this.localToRemoteChannel.set(recipientChannel, senderChannel);
    this.channelsToRemoteChannel.set(channel, senderChannel);
    channel.remoteWindowLeft = window;
    channel.remoteMaxPacket = maxPacket;
    if (maxPacket === 0 && !this.#givenUp.has(channel)) {
      this.#givenUp.add(channel);
      this.#openFailed(channel, new ConchError("a maximum packet size of 0", OPEN_CONNECT_FAILED));
    }
    if (this.#givenUp.has(channel)) {
      this.sendClose(channel);
      return;
    }
    this.channelOpened(channel);
    guard(this, channel, () => channel.channelOpen(data));
    this.#settleOpen(channel)?.resolve();
    guard(this, channel, () => channel.flushOutput()); // what was written before it was open
  }

  ssh_CHANNEL_OPEN_FAILURE(packet: Buffer): void {
    const { recipientChannel, reason, description } = ChannelOpenFailure.decode(packet);
    const channel = this.#opening(recipientChannel);
    if (channel === null) return;
    this.channels.delete(recipientChannel);
    if (this.#givenUp.delete(channel)) return;
    channel.conn = this.#whole;
    this.#openFailed(channel, new ConchError(description, reason));
  }

  ssh_CHANNEL_SUCCESS(packet: Buffer): void {
    const { recipientChannel } = ChannelSuccess.decode(packet);
    this.deferreds.get(recipientChannel)?.shift()?.callback(Buffer.alloc(0));
  }

  ssh_CHANNEL_FAILURE(packet: Buffer): void {
    const { recipientChannel } = ChannelFailure.decode(packet);
    this.deferreds.get(recipientChannel)?.shift()?.errback(new ConchError("channel request failed"));
  }

  // Of replies to requests that want none nothing comes: lsh sends them.
  ssh_REQUEST_SUCCESS(packet: Buffer): void {
    this.deferreds.get("global")?.shift()?.callback(packet);
  }

  ssh_REQUEST_FAILURE(packet: Buffer): void {
    this.deferreds.get("global")?.shift()?.errback(new ConchError("global request failed", packet));
  }

  // The transport's output

  /** The transport's output passed its mark, or keys change: channels keep what they are given, and say so. */
  stopWriting(): void {
    this.outputHeld = true;
  }

  /** The transport takes output again; channels that waited take turns. */
  startWriting(): void {
    this.outputHeld = false;
    this.#resumeChannels();
  }

  /** A channel that has output for when the transport takes it again. @internal */
  resumeLater(channel: SSHChannel): void {
    this.#held.add(channel);
  }

  // What those are made of

  protected get stopped(): boolean {
    return this.transport === this.#ended;
  }

  /** Tells, later, whether the connection that runs now is over by then. */
  protected watchEnd(): () => boolean {
    const { transport } = this;
    return () => this.stopped || this.transport !== transport;
  }

  /** A number that no channel has: those of all that are not closed by both sides are taken. */
  protected nextChannel(): number {
    while (this.channels.has(this.localChannelID)) this.#countChannel();
    const id = this.localChannelID;
    this.#countChannel();
    return id;
  }

  #countChannel(): void {
    this.localChannelID = this.localChannelID === MAX_CHANNEL ? 0 : this.localChannelID + 1;
  }

  #heed(signal: AbortSignal, channel: SSHChannel): void {
    const aborted = () => {
      this.#signals.delete(channel);
      if (this.#isOpening(channel)) {
        this.#givenUp.add(channel);
        this.#openFailed(channel, reasonOf(signal));
      } else {
        channel.loseConnection();
      }
    };
    signal.addEventListener("abort", aborted, { once: true });
    this.#signals.set(channel, () => signal.removeEventListener("abort", aborted));
  }

  #forgetSignal(channel: SSHChannel): void {
    this.#signals.get(channel)?.();
    this.#signals.delete(channel);
  }

  #resumeChannels(): void {
    for (const channel of [...this.#held]) {
      if (this.outputHeld) return; // held again: the next in turn go first then
      this.#held.delete(channel);
      guard(this, channel, () => channel.flushOutput());
    }
  }

  /** Both halves: SSHConnection is the only subclass. */
  get #whole(): SSHConnection {
    return this as unknown as SSHConnection;
  }

  /** The channel that an answer is for, if we have asked; else the connection ends. */
  #opening(recipient: number): SSHChannel | null {
    const channel = this.channels.get(recipient);
    if (channel !== undefined && !this.localToRemoteChannel.has(recipient)) return channel;
    this.transport?.sendDisconnect(DISCONNECT_PROTOCOL_ERROR, `channel ${recipient} is not being opened`);
    return null;
  }

  #isOpening(channel: SSHChannel): boolean {
    return (
      channel.id !== null && this.channels.get(channel.id) === channel && !this.channelsToRemoteChannel.has(channel)
    );
  }

  /** Sends a message behind the output that waits, if there is any, or when a channel that is being opened is open. */
  #inOrder(channel: SSHChannel, send: () => void, overtakes = false): void {
    if (this.#isOpening(channel) || (channel.outputWaits && !overtakes)) channel.sendBehindOutput(send);
    else send();
  }

  #recipient(channel: SSHChannel): number {
    const recipient = this.channelsToRemoteChannel.get(channel);
    if (recipient === undefined) throw new KeyError(`${channel.toString()} is not open`);
    return recipient;
  }

  #openFailed(channel: SSHChannel, reason: Error): void {
    this.#forgetSignal(channel);
    guard(this, channel, () => channel.openFailed(reason));
    this.#settleOpen(channel)?.reject(reason);
  }

  #settleOpen(channel: SSHChannel): PendingOpen | undefined {
    const pending = this.#pendingOpens.get(channel);
    this.#pendingOpens.delete(channel);
    return pending;
  }

  #expectReply(key: number | "global"): Deferred<Buffer> {
    const reply = new Deferred<Buffer>();
    const waiting = this.deferreds.get(key);
    if (waiting === undefined) this.deferreds.set(key, [reply]);
    else waiting.push(reply);
    return reply;
  }

  /** Fails all that wait for these replies. */
  #reject(key: number | "global", text: string): void {
    const waiting = this.deferreds.get(key) ?? [];
    this.deferreds.delete(key);
    for (const reply of waiting) reply.errback(new ConchError(text));
  }
}

function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new Error("the channel was given up", { cause: reason });
}
