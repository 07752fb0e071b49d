/** Two channels on two connections that are one to those at their ends. */
import { Deferred } from "@strombus/reactor/defer";
import { ConnectionLost } from "@strombus/reactor/error";
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { OPEN_CONNECT_FAILED } from "../channel/numbers.js";
import { ConchError } from "../error.js";
import type { MaybeLater } from "../interfaces.js";
import { SSHChannel, type SSHChannelOptions } from "../ssh/channel.js";
import type { SSHConnection } from "../ssh/connection.js";
import { keep } from "../wire/writer.js";

/** Whether a request on a channel is handed on; else it is refused. */
export type AllowRequest = (type: string, data: Buffer) => boolean;

/**
 * One of the two. What comes to it goes out of the other in the same order: data of each kind, its end, requests with
 * their answers, and the close. Who sends is held back by who does not read, through both windows.
 */
export class RelayChannel extends SSHChannel {
  override requestsAtOnce = true; // what is waited for is the other end, which keeps the order
  other: RelayChannel | null = null;
  readonly #allow: AllowRequest;

  constructor(name: string, allow: AllowRequest, options: SSHChannelOptions = {}) {
    super(options);
    this.name = name;
    this.#allow = allow;
  }

  override channelOpen(): MaybeAsync {
    const { other } = this;
    if (other?.remoteEOF === true) this.conn?.sendEOF(this);
    this.flushOutput(); // the other may have been open before
  }

  /** Never opened, and nobody waits any more. */
  override openFailed(): MaybeAsync {
    const { other } = this;
    if (other === null) return;
    this.other = other.other = null;
    other.loseConnection();
  }

  override requestReceived(type: string, data: Buffer, wantReply: boolean): MaybeLater<boolean> {
    const { other } = this;
    if (other?.conn == null || !this.#allow(type, data)) return false;
    const answer = other.conn.sendRequest(other, type, keep(data), wantReply);
    return (
      answer?.addCallbacks(
        () => true,
        () => false,
      ) ?? true
    );
  }

  override dataReceived(data: Buffer): MaybeAsync {
    if (this.other?.write(data) === false) this.pauseProducing();
  }

  override extReceived(type: number, data: Buffer): MaybeAsync {
    if (this.other?.writeExtended(type, data) === false) this.pauseProducing();
  }

  override startWriting(): void {
    this.other?.resumeProducing();
  }

  override eofReceived(): MaybeAsync {
    const { other } = this;
    if (other?.conn) other.conn.sendEOF(other);
  }

  override closeReceived(): MaybeAsync {
    this.other?.loseConnection();
    this.loseConnection();
  }

  override closed(): MaybeAsync {
    const { other } = this;
    this.other = null;
    other?.loseConnection();
  }
}

/** The one whose peer asked for it. */
class NearChannel extends RelayChannel {
  #tellClosed = () => {};

  /** As sessions do: when the program behind has ended its output, its exit status is still to come. */
  override closeReceived(): MaybeAsync {
    if (this.name !== "session" || !this.localEOF || this.other?.closing !== false) return super.closeReceived();
    if (!this.remoteEOF) void this.eofReceived();
    return new Promise<void>((resolve) => (this.#tellClosed = resolve));
  }

  override closed(): MaybeAsync {
    this.#tellClosed();
    return super.closed();
  }
}

/** Opens the far one of the two. */
class FarChannel extends RelayChannel {
  readonly near: Deferred<RelayChannel>;

  constructor(near: RelayChannel, allow: AllowRequest) {
    super(near.name!, allow);
    this.near = new Deferred();
    this.other = near;
    near.other = this;
  }

  override channelOpen(specificData?: Buffer): MaybeAsync {
    const near = this.other!;
    near.specificData = keep(specificData ?? Buffer.alloc(0));
    this.near.callback(near);
    return super.channelOpen();
  }

  override openFailed(reason?: Error): MaybeAsync {
    this.other = null;
    this.near.errback(
      reason instanceof ConchError && !(reason instanceof ConnectionLost)
        ? new ConchError(reason.value, reason.data)
        : new ConchError("the connection beyond has ended", OPEN_CONNECT_FAILED),
    );
  }
}

/** What a peer said as it asked for a channel: see `ChannelOpenOptions`. */
export interface OpenedChannel {
  readonly data: Buffer;
  readonly remoteWindow: number;
  readonly remoteMaxPacket: number;
}

/**
 * Opens a channel of this type on `to`, and gives the one that stands for it here: for `getChannel` or `lookupChannel`.
 * What the peer of `to` says as it opens, or why it does not, is handed on too.
 */
export function relayChannel(
  to: SSHConnection,
  type: string,
  { data, remoteWindow, remoteMaxPacket }: OpenedChannel,
  allow: AllowRequest = () => true,
): Deferred<RelayChannel> {
  const far = new FarChannel(new NearChannel(type, allow, { remoteWindow, remoteMaxPacket }), allow);
  void to.openChannel(far, data);
  return far.near;
}
