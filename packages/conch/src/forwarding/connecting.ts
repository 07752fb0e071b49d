/** Channels of the peer that lead on from here: each is a connection that we make for it. */
import { reactor } from "@strombus/reactor";
import type { Deferred } from "@strombus/reactor/defer";
import { maybeDeferred } from "@strombus/reactor/defer";
import type { HostnameReactor } from "@strombus/reactor/endpoints";
import type { Failure } from "@strombus/reactor/failure";
import type { IReactorUNIX, MaybeAsync } from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";
import type { ChannelOpenOptions } from "../avatar.js";
import { peerLog } from "../peer-log.js";
import { Writer } from "../wire/writer.js";
import type { SSHChannelOptions } from "../ssh/channel.js";
import { type HostPort, unpackOpen_direct_tcpip } from "./addresses.js";
import { dialTCP, dialUNIX } from "./dial.js";
import { ForwardingChannel, SSHForwardingClient } from "./pipe.js";

const log = new Logger({ namespace: "strombus.conch.ssh.forwarding" });

/** A channel with a connection of its own, which is made when the channel opens unless `connect` was called before. */
export abstract class ConnectForwardingChannel extends ForwardingChannel {
  /** Fires when there is a connection, or none could be made. */
  _channelOpenDeferred: Deferred<void> | null = null;
  #isClosed = false;
  #early = new Writer(0);

  constructor(options: SSHChannelOptions) {
    super(options);
    this.pauseProducing(); // what comes before there is a connection waits with the peer
  }

  /** Data that came before there was a connection: no more than the window. */
  get clientBuf(): Buffer {
    return this.#early.payload();
  }

  /** Where it leads, for log lines. */
  abstract readonly destination: string;

  protected abstract dial(client: SSHForwardingClient): Deferred<void>;

  /** Makes the connection; whoever has it before the channel is open can refuse the channel when it fails. */
  connect(): Deferred<void> {
    const client = new SSHForwardingClient(this);
    const connected = maybeDeferred(() => this.dial(client)).addCallback(() => this.#connected(client));
    this._channelOpenDeferred = connected;
    return connected;
  }

  override channelOpen(specificData: Buffer): MaybeAsync {
    if (this.client !== null) {
      this.client.release();
      return;
    }
    peerLog(log, this.conn?.transport).info("connecting to {destination} for {channel}", {
      destination: this.destination,
      channel: this.logPrefix(),
    });
    this.connect().addErrback((reason: Failure) => {
      if (this.#isClosed) return; // given up
      peerLog(log, this.conn?.transport).info("{channel} could not connect to {destination}: {reason}", {
        channel: this.logPrefix(),
        destination: this.destination,
        reason: String(reason.value),
      });
      this.loseConnection();
    });
  }

  /** The peer has gone before the channel could open. */
  override openFailed(): MaybeAsync {
    return this.closed();
  }

  override dataReceived(data: Buffer): MaybeAsync {
    if (this.client === null) this.#early.raw(data);
    else return super.dataReceived(data);
  }

  override closed(): MaybeAsync {
    this.#isClosed = true;
    if (this.client === null) this._channelOpenDeferred?.cancel();
    return super.closed();
  }

  #connected(client: SSHForwardingClient): void {
    if (this.#isClosed) {
      client.drop();
      return;
    }
    this.client = client;
    const early = this.clientBuf;
    this.#early = new Writer(0);
    if (early.length > 0) client.transport?.write(early);
    if (this.conn !== null && this.id !== null) client.release();
    if (this.remoteEOF) client.endOutput();
    this.resumeProducing();
  }
}

/** To a host and a port (direct-tcpip of a client, forwarded-tcpip of a server). */
export class SSHConnectForwardingChannel extends ConnectForwardingChannel {
  hostport: HostPort;
  /** What connects. */
  _reactor: HostnameReactor = reactor;

  constructor(hostport: HostPort, options: SSHChannelOptions = {}) {
    super(options);
    this.hostport = hostport;
  }

  override get destination(): string {
    const [host, port] = this.hostport;
    return `${host}:${port}`;
  }

  protected override dial(client: SSHForwardingClient): Deferred<void> {
    const [host, port] = this.hostport;
    return dialTCP(this._reactor, host, port, client);
  }
}

/** To a socket of the file system. */
export class StreamlocalConnectChannel extends ConnectForwardingChannel {
  readonly path: string;
  _reactor: IReactorUNIX = reactor;

  constructor(path: string, options: SSHChannelOptions = {}) {
    super(options);
    this.path = path;
  }

  override get destination(): string {
    return this.path;
  }

  protected override dial(client: SSHForwardingClient): Deferred<void> {
    return dialUNIX(this._reactor, this.path, client);
  }
}

/**
 * Connects wherever the client asks, for `channelLookup["direct-tcpip"]`. The channel opens before the connection is
 * made; see `allowForwarding` for one that lets the client know, and that asks first whether it may.
 */
export function openConnectForwardingClient(options: ChannelOpenOptions): SSHConnectForwardingChannel {
  const [hostport] = unpackOpen_direct_tcpip(options.data);
  return new SSHConnectForwardingChannel(hostport, options);
}
