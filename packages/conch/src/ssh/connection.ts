/** The connection: channels and global requests over one transport (twisted.conch.ssh.connection; RFC 4254). */
import { CannotAdapt } from "@strombus/reactor/components";
import { ConnectionLost } from "@strombus/reactor/error";
import { Failure } from "@strombus/reactor/failure";
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { Logger, LogLevel } from "@strombus/reactor/logger";
import { ActingConnection } from "../channel/acting.js";
import { guard, hookFailed, logFailure } from "../channel/hooks.js";
import { after, isLater, settle } from "../channel/later.js";
import { Liveness } from "../channel/liveness.js";
import { ChannelRecords, listeningOf } from "../channel/records.js";
import { Retirement, STOPPING } from "../channel/retirement.js";
import {
  messages,
  MSG_CHANNEL_DATA,
  MSG_CHANNEL_FAILURE,
  MSG_CHANNEL_OPEN_CONFIRMATION,
  MSG_CHANNEL_OPEN_FAILURE,
  MSG_CHANNEL_SUCCESS,
  MSG_REQUEST_FAILURE,
  MSG_REQUEST_SUCCESS,
  OPEN_ADMINISTRATIVELY_PROHIBITED,
  OPEN_CONNECT_FAILED,
  OPEN_RESOURCE_SHORTAGE,
  OPEN_UNKNOWN_CHANNEL_TYPE,
  TRANSLATE_TABLE,
} from "../channel/numbers.js";
import { RequestQueue } from "../channel/requests.js";
import { ConchError } from "../error.js";
import { type GlobalRequestResult, type IConchUser, ISession, type MaybeLater } from "../interfaces.js";
import {
  ChannelClose,
  ChannelEof,
  ChannelOpen,
  ChannelOpenConfirmation,
  ChannelOpenFailure,
  ChannelRequest,
  ChannelSuccess,
  ChannelWindowAdjust,
  GlobalRequest,
} from "../messages/connection.js";
import { report } from "../events/report.js";
import { peerLog } from "../peer-log.js";
import { permissionsOf } from "../permissions.js";
import { admitChannel, admitRequest, admitsGlobalRequest } from "../permissions/gate.js";
import { SparseMap, SparseSet } from "../sparse.js";
import { DISCONNECT_BY_APPLICATION, DISCONNECT_PROTOCOL_ERROR } from "../transport/constants.js";
import { Reader } from "../wire/reader.js";
import { keep, toBuffer, type BytesLike } from "../wire/writer.js";
import type { SSHChannel } from "./channel.js";
import { namedMethod } from "./service.js";
import type { SSHTransportBase } from "./transport.js";

export * from "../channel/numbers.js";

const log = new Logger({ namespace: "strombus.conch.ssh.connection" });

const NO_MORE_SESSIONS = "no-more-sessions@openssh.com";
const MAX_WINDOW = 2 ** 32 - 1; // bytes; a window travels as a uint32

/** After these a program runs, whose output must not overtake the reply (RFC 4254 section 6.5). */
const STARTS_PROGRAM: ReadonlySet<string> = new Set(["shell", "exec", "subsystem"]);

/** What the peer asked to open. */
interface Opening {
  readonly senderChannel: number;
  readonly type: string;
}

/**
 * The service "ssh-connection". Subclass it on a client for `serviceStarted`, with a method `channel_<type>` for each
 * type of channel that the server may open and `global_<request>` for each global request; on a server the avatar
 * (IConchUser) decides both.
 */
export class SSHConnection extends ActingConnection {
  override name: string | null = "ssh-connection";
  override protocolMessages: Readonly<Record<number, string>> = messages;

  /** The most channels at a time; over it the peer's are refused. */
  maxChannels = 256;
  /** The most of them of type "session". */
  maxSessions = 10;
  /** The most channels of the peer that `getChannel` has yet to decide on. */
  maxPendingOpens = 32;
  /** The most requests of one channel, and global ones, that handlers have yet to answer. */
  maxPendingRequests = 64;

  /** The client has said that it opens no more sessions (no-more-sessions@openssh.com): who asks for one is not the client. */
  noMoreSessions = false;

  /** Seconds of silence after which the peer is asked for a sign of life, and asked again; 0 never asks. */
  keepaliveInterval = 60;
  /** Questions without an answer after which the connection ends. */
  keepaliveCountMax = 3;
  /** Seconds that the connection may go unused (see `isUsed`) before it ends; 0 is no end. */
  unusedTimeout = 0;
  /** Seconds without data on any channel, either way, after which it ends, or up to a quarter later; 0 is no end. */
  idleTimeout = 0;
  /** Seconds that it may last, whatever goes on; 0 is no end. */
  maxDuration = 0;

  readonly #requests = new SparseMap<SSHChannel, RequestQueue>();
  #globalRequests = new RequestQueue();
  readonly #sessions = new SparseSet<SSHChannel>();
  readonly #records = new ChannelRecords();
  #liveness: Liveness | null = null;
  #retirement: Retirement | null = null;
  #decisions = 0; // channels of the peer that getChannel has yet to decide on
  #sessionDecisions = 0;

  override serviceStarted(): void {
    const avatar = this.#avatar;
    if (avatar !== undefined) avatar.conn = this;
    const { transport } = this;
    const clock = transport?.clock; // one in memory may have none
    if (clock !== undefined) {
      this.#liveness?.stop(); // of the connection before, where a serviceStopped did not
      this.#liveness = new Liveness(clock, this);
    }
  }

  override serviceStopped(): void {
    this.#liveness?.stop();
    this.#retirement?.stop();
    this.#retirement = null;
    this.#globalRequests.clear();
    this.#globalRequests = new RequestQueue(); // a handler that runs on holds up nobody
    super.serviceStopped();
  }

  /**
   * The server stops: no channel is opened any more, those that are open may go on for so many seconds, and then the
   * client is told that it is over, behind all that was written.
   */
  retire(seconds: number): void {
    const { transport } = this;
    if (this.#retirement !== null || this.stopped || transport === null) return;
    for (const channel of [...this.channelsToRemoteChannel.keys()])
      guard(this, channel, () => channel.serverStopping(seconds));
    const channels = (): SSHChannel[] => [...this.channelsToRemoteChannel.keys()];
    this.#retirement = new Retirement(
      transport.clock,
      {
        get hasOutput() {
          return channels().some((channel) => channel.outputWaits);
        },
        get isUsed() {
          return channels().length > 0;
        },
        disconnect: (reason, text) => transport.sendDisconnect(reason, text),
      },
      seconds,
    );
  }

  override packetReceived(messageNum: number, packet: Buffer): unknown {
    this.#liveness?.heard();
    return messageNum === MSG_CHANNEL_DATA ? this.ssh_CHANNEL_DATA(packet) : super.packetReceived(messageNum, packet);
  }

  /** Whether the channel that this CHANNEL_DATA is for keeps nothing of it. @internal */
  isLentTo(packet: Buffer): boolean {
    return packet.length >= 4 && this.channels.get(packet.readUInt32BE(0))?.takesLentData === true;
  }

  /** Bytes that wait for window, or for the transport, on all channels. */
  get bytesHeld(): number {
    let total = 0;
    for (const channel of this.channels.values()) total += channel.bytesHeld;
    return total;
  }

  override sendData(channel: SSHChannel, data: BytesLike): void {
    this.#liveness?.moved();
    super.sendData(channel, data);
  }

  override sendExtendedData(channel: SSHChannel, dataType: number, data: BytesLike): void {
    this.#liveness?.moved();
    super.sendExtendedData(channel, dataType, data);
  }

  override sendRequest(
    channel: SSHChannel,
    requestType: string,
    data: BytesLike,
    wantReply = false,
  ): ReturnType<ActingConnection["sendRequest"]> {
    this.#records.sent(channel, requestType, data);
    return super.sendRequest(channel, requestType, data, wantReply);
  }

  protected override channelOpened(channel: SSHChannel): void {
    this.#records.opened(this.transport, channel, channel.name ?? "", "server", "");
  }

  // Global requests.

  ssh_GLOBAL_REQUEST(packet: Buffer): void {
    const { type, wantReply, data: received } = GlobalRequest.decode(packet);
    const data = keep(received); // it may wait
    if (this.#globalRequests.pending >= this.maxPendingRequests) {
      this.transport?.sendDisconnect(DISCONNECT_BY_APPLICATION, "too many global requests at a time");
      return;
    }
    const isOver = this.watchEnd();
    const reply = (result: unknown) => {
      const listening = result ? null : listeningOf(type, data);
      if (listening !== null) report(this.transport, "ssh.forwarding.refused", listening);
      if (!wantReply || isOver()) return;
      const answer = Array.isArray(result) ? ((result[1] as BytesLike | undefined) ?? "") : "";
      this.transport?.sendPacket(result ? MSG_REQUEST_SUCCESS : MSG_REQUEST_FAILURE, answer);
    };
    this.#globalRequests.add(
      () => admitsGlobalRequest(permissionsOf(this), type, data) && this.gotGlobalRequest(type, data, wantReply),
      reply,
      (error) => {
        peerLog(log, this.transport).failure("global request {type} failed", new Failure(error), {
          level: levelOf(error),
          type,
        });
        reply(false);
      },
    );
  }

  // Opening channels.

  ssh_CHANNEL_OPEN(packet: Buffer): void {
    const open = ChannelOpen.decode(packet);
    const data = keep(open.data); // channels keep it
    const isSession = open.type === "session";
    const refusal = this.#refusal(open.maxPacket, isSession);
    if (refusal !== null) {
      peerLog(log, this.transport).info("refused a channel: {reason}", { reason: refusal.value });
      this.#refuse(open.senderChannel, refusal);
      this.#records.refused(this.transport, open.type, data, String(refusal.value));
      return;
    }
    const isOver = this.watchEnd();
    this.#decisions += 1;
    if (isSession) this.#sessionDecisions += 1;
    const decided = () => {
      this.#decisions -= 1;
      if (isSession) this.#sessionDecisions -= 1;
    };
    settle(
      () => {
        admitChannel(permissionsOf(this), open.type, data);
        return this.getChannel(open.type, open.window, open.maxPacket, data);
      },
      (channel) => {
        decided();
        if (isOver()) {
          guard(this, channel, () => channel.openFailed(new ConnectionLost("the connection has ended")));
          return;
        }
        channel.conn = this;
        if (isSession) this.#sessions.add(channel);
        this.#confirm(open, channel, data);
      },
      (error) => {
        decided();
        peerLog(log, this.transport).failure("could not open channel {type}", new Failure(error), {
          level: levelOf(error),
          type: open.type,
        });
        if (isOver()) return;
        this.#refuse(open.senderChannel, error);
        this.#records.refused(this.transport, open.type, data, openFailure(error)[0]);
      },
    );
  }

  // Data.

  /** Window for a channel that is gone is ignored: it may have crossed our CLOSE. */
  ssh_CHANNEL_WINDOW_ADJUST(packet: Buffer): void {
    const { recipientChannel, bytes } = ChannelWindowAdjust.decode(packet);
    const channel = this.channels.get(recipientChannel);
    if (channel === undefined) return;
    if (bytes > MAX_WINDOW - channel.remoteWindowLeft) {
      this.transport?.sendDisconnect(
        DISCONNECT_PROTOCOL_ERROR,
        `the window of channel ${recipientChannel} passes 2^32 - 1 bytes`,
      );
    } else if (channel.localClosed) {
      channel.remoteWindowLeft += bytes; // nothing is left to send
    } else {
      guard(this, channel, () => channel.addWindowBytes(bytes));
    }
  }

  ssh_CHANNEL_DATA(packet: Buffer): void {
    const from = new Reader(packet);
    const recipient = from.uint32();
    const data = from.string();
    from.end();
    const channel = this.#receive(recipient, data.length);
    if (channel === null) return;
    channel.receiving = true;
    try {
      const result: unknown = channel.dataReceived(data);
      if (result !== undefined) this.#consume(channel, result);
    } catch (error) {
      hookFailed(this, channel, error);
    } finally {
      channel.receiving = false;
    }
  }

  ssh_CHANNEL_EXTENDED_DATA(packet: Buffer): void {
    const from = new Reader(packet);
    const recipient = from.uint32();
    const type = from.uint32();
    const data = from.string();
    from.end();
    const channel = this.#receive(recipient, data.length);
    if (channel === null) return;
    channel.receiving = true;
    try {
      const result: unknown = channel.extReceived(type, data);
      if (result !== undefined) this.#consume(channel, result);
    } catch (error) {
      hookFailed(this, channel, error);
    } finally {
      channel.receiving = false;
    }
  }

  ssh_CHANNEL_EOF(packet: Buffer): void {
    const channel = this.#open(ChannelEof.decode(packet).recipientChannel);
    if (channel === null || isClosing(channel) || channel.remoteEOF) return;
    channel.remoteEOF = true;
    guard(this, channel, () => channel.eofReceived());
  }

  /** The peer takes nothing more. CLOSE is answered by CLOSE, when the channel has done what it does about it. */
  ssh_CHANNEL_CLOSE(packet: Buffer): void {
    const channel = this.#open(ChannelClose.decode(packet).recipientChannel);
    if (channel === null || channel.remoteClosed) return;
    channel.abandonOutput();
    let result: MaybeAsync;
    try {
      result = channel.closeReceived();
    } catch (error) {
      logFailure(channel, error);
    }
    channel.remoteClosed = true;
    const answer = () => {
      if (channel.localClosed) guard(this, channel, () => this.channelClosed(channel));
      else this.sendClose(channel);
    };
    settle(
      () => result,
      answer,
      (error) => {
        logFailure(channel, error);
        answer();
      },
    );
  }

  // Requests on channels.

  ssh_CHANNEL_REQUEST(packet: Buffer): void {
    const { recipientChannel, type, wantReply, data: received } = ChannelRequest.decode(packet);
    // Ruby's net-ssh sends variables on each channel that we open, before it confirms it; none but a session has a use for them.
    if (!wantReply && this.#isUnconfirmed(recipientChannel)) return;
    const data = keep(received); // it may wait
    const channel = this.#open(recipientChannel);
    if (channel === null || isClosing(channel)) return;
    const queue = this.#queueOf(channel);
    if (queue.pending >= this.maxPendingRequests) {
      peerLog(log, this.transport).warn("{channel} has too many requests at a time", { channel: channel.logPrefix() });
      queue.clear();
      this.sendClose(channel);
      return;
    }
    let held = false; // output that the handler makes waits for the reply
    const release = () => {
      if (held) guard(this, channel, () => channel.releaseOutput());
      held = false;
    };
    const handle = () => {
      if (isClosing(channel)) return false;
      const admitted = admitRequest(permissionsOf(this), channel, [type, data]);
      if (admitted === null) return false;
      channel.holdOutput();
      held = true;
      this.#records.asked(channel, ...admitted);
      const result = channel.requestReceived(...admitted, wantReply);
      if (isLater(result) && !STARTS_PROGRAM.has(type)) release();
      return result;
    };
    const reply = (result: unknown) => {
      this.#records.answered(this.transport, channel, type, Boolean(result));
      const recipient = this.channelsToRemoteChannel.get(channel);
      if (wantReply && recipient !== undefined && !channel.localClosed) {
        const number = result ? MSG_CHANNEL_SUCCESS : MSG_CHANNEL_FAILURE;
        this.transport?.sendPacket(number, ChannelSuccess.encode({ recipientChannel: recipient }));
      }
      release();
    };
    const failed = (error: unknown) => {
      const [lines, what] = [peerLog(log, this.transport), { type, channel: channel.logPrefix() }];
      if (error instanceof CannotAdapt && error.token === ISession) {
        lines.info("refused {type} on {channel}: {reason}", { ...what, reason: error.message }); // one of subsystems alone
      } else {
        lines.failure("request {type} on {channel} failed", new Failure(error), { ...what, level: levelOf(error) });
      }
      reply(false);
    };
    queue.add(handle, reply, failed, channel.requestsAtOnce);
  }

  // To override.

  /**
   * Makes the channel that the peer asks for: the avatar's `lookupChannel`, or without an avatar our own method
   * `channel_<type>(windowSize, maxPacket, data)`, with `_` for all but letters and digits.
   * @throws ConchError of text and code to refuse; any other error is refused as "unknown failure".
   */
  getChannel(channelType: string, windowSize: number, maxPacket: number, data: Buffer): MaybeLater<SSHChannel> {
    const avatar = this.#avatar;
    const found =
      avatar !== undefined
        ? avatar.lookupChannel(channelType, windowSize, maxPacket, data)
        : namedMethod(this, `channel_${translate(channelType)}`)?.(windowSize, maxPacket, data);
    return after(found as MaybeLater<SSHChannel | null | undefined>, (channel) => {
      if (!channel) throw new ConchError("unknown channel", OPEN_UNKNOWN_CHANNEL_TYPE);
      channel.conn = this;
      return channel;
    });
  }

  /** Answers a global request: the transport's own first, then the avatar's `gotGlobalRequest`, or our own `global_<type>(data)`, with `_` for `-`. */
  gotGlobalRequest(requestType: string, data: Buffer, wantReply = true): MaybeLater<GlobalRequestResult> {
    if (requestType === NO_MORE_SESSIONS) {
      this.noMoreSessions = true;
      return true;
    }
    const below: Partial<SSHTransportBase> | null = this.transport; // one in memory may answer none
    const ofTransport = below?.gotGlobalRequest?.(requestType, data) ?? null;
    if (ofTransport !== null) return ofTransport;
    const avatar = this.#avatar;
    if (avatar !== undefined) return avatar.gotGlobalRequest(requestType, data, wantReply);
    const handler = namedMethod(this, `global_${requestType.replaceAll("-", "_")}`);
    return handler === null ? 0 : (handler(data) as MaybeLater<GlobalRequestResult>);
  }

  /** Both sides have closed it, or the connection is gone. Overrides call this one. */
  override channelClosed(channel: SSHChannel): void {
    this.#requests.get(channel)?.clear();
    this.#requests.delete(channel);
    this.#sessions.delete(channel);
    super.channelClosed(channel);
    this.#records.closed(this.transport, channel);
    this.#liveness?.used();
    if (this.channelsToRemoteChannel.size === 0) this.#retirement?.emptied();
  }

  /** Whether anything keeps the connection in use; override it where something besides channels does. */
  isUsed(): boolean {
    return this.channels.size > 0 || this.dependents.size > 0;
  }

  // What those above are made of.

  get #avatar(): IConchUser | undefined {
    return this.transport?.avatar as IConchUser | undefined;
  }

  /** We have asked to open it, and wait for the answer. */
  #isUnconfirmed(recipient: number): boolean {
    return this.channels.has(recipient) && !this.localToRemoteChannel.has(recipient);
  }

  /** The channel that a message is for, if it is open; else the connection ends. */
  #open(recipient: number): SSHChannel | null {
    const channel = this.channels.get(recipient);
    if (channel !== undefined && this.localToRemoteChannel.has(recipient)) return channel;
    this.transport?.sendDisconnect(DISCONNECT_PROTOCOL_ERROR, `channel ${recipient} is not open`);
    return null;
  }

  /** The channel that takes so many bytes of data; null when nobody does. What goes beyond what we allowed closes it. */
  #receive(recipient: number, length: number): SSHChannel | null {
    const channel = this.#open(recipient);
    if (channel === null || isClosing(channel) || channel.remoteEOF) return null;
    if (length > channel.localWindowLeft || length > channel.localMaxPacket) {
      peerLog(log, this.transport).warn("{channel} got {length} bytes, which is too many", {
        channel: channel.logPrefix(),
        length,
      });
      this.sendClose(channel);
      return null;
    }
    channel.localWindowLeft -= length;
    this.#liveness?.moved();
    channel.refillWindow();
    return channel;
  }

  #refusal(maxPacket: number, isSession: boolean): ConchError | null {
    if (this.#retirement !== null) return new ConchError(STOPPING, OPEN_ADMINISTRATIVELY_PROHIBITED);
    if (maxPacket === 0) return new ConchError("a maximum packet size of 0", OPEN_CONNECT_FAILED);
    if (isSession && this.noMoreSessions) {
      return new ConchError("no more sessions", OPEN_ADMINISTRATIVELY_PROHIBITED);
    }
    if (
      this.#decisions >= this.maxPendingOpens ||
      this.channels.size + this.#decisions >= this.maxChannels ||
      (isSession && this.#sessions.size + this.#sessionDecisions >= this.maxSessions)
    ) {
      return new ConchError("too many channels", OPEN_RESOURCE_SHORTAGE);
    }
    return null;
  }

  #refuse(senderChannel: number, error: unknown): void {
    const [description, reason] = openFailure(error);
    const body = ChannelOpenFailure.encode({ recipientChannel: senderChannel, reason, description, language: "" });
    this.transport?.sendPacket(MSG_CHANNEL_OPEN_FAILURE, body);
  }

  #confirm({ senderChannel, type }: Opening, channel: SSHChannel, data: Buffer): void {
    const id = this.nextChannel();
    channel.id = id;
    channel.localWindowLeft = channel.localWindowSize;
    this.channels.set(id, channel);
    this.localToRemoteChannel.set(id, senderChannel);
    this.channelsToRemoteChannel.set(channel, senderChannel);
    const body = ChannelOpenConfirmation.encode({
      recipientChannel: senderChannel,
      senderChannel: id,
      window: channel.localWindowSize,
      maxPacket: channel.localMaxPacket,
      data: toBuffer(channel.specificData),
    });
    this.transport?.sendPacket(MSG_CHANNEL_OPEN_CONFIRMATION, body);
    this.#records.opened(this.transport, channel, type, "client", data);
    guard(this, channel, () => channel.channelOpen(data));
  }

  /** Data that a hook takes its time with gives the peer no more window until it is done. */
  #consume(channel: SSHChannel, result: unknown): void {
    if (!isLater(result)) return;
    channel.holdWindow();
    settle(
      () => result,
      () => guard(this, channel, () => channel.releaseWindow()),
      (error) => hookFailed(this, channel, error),
    );
  }

  #queueOf(channel: SSHChannel): RequestQueue {
    const queue = this.#requests.get(channel) ?? new RequestQueue();
    this.#requests.set(channel, queue);
    return queue;
  }
}

/** A refusal is the peer's doing, and it may ask as often as it likes; anything else is a fault of ours. */
function levelOf(error: unknown) {
  return error instanceof ConchError ? LogLevel.info : LogLevel.critical;
}

/** Data and requests that come after one side's CLOSE are for nobody. */
function isClosing(channel: SSHChannel): boolean {
  return channel.localClosed || channel.remoteClosed;
}

/** What CHANNEL_OPEN_FAILURE says of an error. A ConchError may have text and code either way round. */
function openFailure(error: unknown): [description: string, reason: number] {
  if (!(error instanceof ConchError)) return ["unknown failure", OPEN_CONNECT_FAILED];
  const [text, code] = typeof error.value === "number" ? [error.data, error.value] : [error.value, error.data];
  return [String(text), typeof code === "number" ? code : OPEN_CONNECT_FAILED];
}

function translate(channelType: string): string {
  return Array.from(Buffer.from(channelType), (byte) => TRANSLATE_TABLE[byte]).join("");
}
