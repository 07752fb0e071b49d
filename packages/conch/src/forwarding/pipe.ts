/**
 * A channel and a socket as one stream: data both ways, each end held back by the other, and the end of each direction
 * passed on by itself.
 */
import { implementer } from "@strombus/reactor/components";
import {
  IHalfCloseableProtocol,
  type IPushProducer,
  type ITCPTransport,
  type MaybeAsync,
} from "@strombus/reactor/interfaces";
import { Protocol } from "@strombus/reactor/protocol";
import { SSHChannel } from "../ssh/channel.js";

/** What the socket sends before the channel is open waits here, up to so much; then in the socket. */
const MAX_HELD = 65_536; // bytes

/** The socket's side. */
@implementer(IHalfCloseableProtocol)
export class SSHForwardingClient extends Protocol implements IHalfCloseableProtocol {
  /** Null when the socket is gone. */
  channel: SSHChannel | null;
  /** As long as there is anything in it, data waits behind that: its first byte is a mark and not data. */
  buf: Buffer = Buffer.of(0);
  #ended = false;

  constructor(channel: SSHChannel) {
    super();
    this.channel = channel;
  }

  override connectionMade(): MaybeAsync {
    const { channel } = this;
    if (channel !== null) this.#socket?.registerProducer?.(producerOf(channel), true);
  }

  override dataReceived(data: Buffer): MaybeAsync {
    if (this.buf.length > 0) {
      this.buf = Buffer.concat([this.buf, data]);
      if (this.buf.length > MAX_HELD) this.pause();
    } else {
      this.channel?.write(data); // which stops us when it has to wait
    }
  }

  /** The socket sends no more; what comes for it still goes there. */
  readConnectionLost(): MaybeAsync {
    this.#ended = true;
    if (this.buf.length === 0) this.#endInput();
  }

  writeConnectionLost(): MaybeAsync {}

  override connectionLost(): MaybeAsync {
    const { channel } = this;
    this.channel = null;
    channel?.loseConnection();
  }

  /** The channel is open: what waited goes out, then what comes. */
  release(): void {
    const held = this.buf.subarray(1);
    this.buf = Buffer.alloc(0);
    if (this.channel === null) return;
    if (held.length === 0 || this.channel.write(held)) this.resume();
    if (this.#ended) this.#endInput();
  }

  pause(): void {
    this.#socket?.pauseProducing?.();
  }

  resume(): void {
    this.#socket?.resumeProducing?.();
  }

  /** Nothing more comes for the socket. */
  endOutput(): void {
    const socket = this.#socket;
    socket?.unregisterProducer?.(); // a socket waits with its end for a producer that it has stopped
    if (socket?.loseWriteConnection) socket.loseWriteConnection();
    else this.transport?.loseConnection();
    this.#closeIfDone();
  }

  /** Nobody is on the channel any more: what was written still goes out. */
  drop(): void {
    this.channel = null;
    this.#socket?.unregisterProducer?.();
    this.transport?.loseConnection();
  }

  #endInput(): void {
    const { channel } = this;
    if (channel !== null) channel.conn?.sendEOF(channel);
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    if (this.channel?.localEOF && this.channel.remoteEOF) this.channel.loseConnection();
  }

  /** As a stream; one in memory may be able to do less. */
  get #socket(): Partial<ITCPTransport> | null {
    return this.transport;
  }
}

/** The channel's side, before and while there is a socket. */
export abstract class ForwardingChannel extends SSHChannel {
  client: SSHForwardingClient | null = null;

  override dataReceived(data: Buffer): MaybeAsync {
    this.client?.transport?.write(data);
  }

  override eofReceived(): MaybeAsync {
    this.client?.endOutput();
  }

  override closed(): MaybeAsync {
    const { client } = this;
    this.client = null;
    client?.drop();
  }

  override stopWriting(): void {
    this.client?.pause();
  }

  override startWriting(): void {
    if (this.client?.buf.length === 0) this.client.resume();
  }
}

/** The socket takes no more, or again; it tells of its end by itself. */
function producerOf(channel: SSHChannel): IPushProducer {
  return {
    pauseProducing: () => channel.pauseProducing(),
    resumeProducing: () => channel.resumeProducing(),
    stopProducing: () => channel.resumeProducing(),
  };
}
