/** Connections that are accepted here, each on a channel that we open to the peer. */
import type { IAddress, MaybeAsync } from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";
import { Factory } from "@strombus/reactor/protocol";
import { ForwardedStreamlocal, DirectStreamlocal } from "../messages/forwarding.js";
import { peerLog } from "../peer-log.js";
import type { SSHChannelOptions } from "../ssh/channel.js";
import type { SSHConnection } from "../ssh/connection.js";
import { type HostPort, packOpen_direct_tcpip } from "./addresses.js";
import { ForwardingChannel, SSHForwardingClient } from "./pipe.js";

const log = new Logger({ namespace: "strombus.conch.ssh.forwarding" });

/** The class of channel that a listener opens. */
export type ListenChannelClass = new (options: SSHChannelOptions) => SSHListenForwardingChannel;

/** A channel that stands for a connection that was accepted here. */
export class SSHListenForwardingChannel extends ForwardingChannel {
  override channelOpen(specificData: Buffer): MaybeAsync {
    peerLog(log, this.conn?.transport).debug("{channel} is open", { channel: this.logPrefix() });
    this.client?.release();
  }

  override openFailed(reason: Error): MaybeAsync {
    peerLog(log, this.conn?.transport).info("{channel} could not be opened: {reason}", {
      channel: this.logPrefix(),
      reason: reason.message,
    });
    return this.closed();
  }
}

/** On a client: the server connects to where we want (ssh -L). */
export class SSHListenClientForwardingChannel extends SSHListenForwardingChannel {
  override name: string | null = "direct-tcpip";
}

/** On a server: for the client who asked us to listen (ssh -R). */
export class SSHListenServerForwardingChannel extends SSHListenForwardingChannel {
  override name: string | null = "forwarded-tcpip";
}

/** The same with a socket of the file system as what the server connects to. */
export class StreamlocalClientChannel extends SSHListenForwardingChannel {
  override name: string | null = "direct-streamlocal@openssh.com";
}

/** The same with a socket of the file system that we were asked to listen on. */
export class StreamlocalServerChannel extends SSHListenForwardingChannel {
  override name: string | null = "forwarded-streamlocal@openssh.com";
}

/** For each connection that is accepted a channel of one type; how many there may be is the connection's to say. */
abstract class ForwardingFactory extends Factory {
  override noisy = false;
  conn: SSHConnection;
  klass: ListenChannelClass;

  constructor(connection: SSHConnection, klass: ListenChannelClass) {
    super();
    this.conn = connection;
    this.klass = klass;
  }

  override buildProtocol(addr: IAddress): SSHForwardingClient | null {
    const { conn } = this;
    if (conn.channels.size >= conn.maxChannels) {
      peerLog(log, conn.transport).warn("refused a connection to forward: there are {count} channels", {
        count: conn.channels.size,
      });
      return null;
    }
    const channel = new this.klass({ conn });
    const client = new SSHForwardingClient(channel);
    channel.client = client;
    void conn.openChannel(channel, this.openData(addr));
    return client;
  }

  /** What the request to open a channel says. */
  protected abstract openData(addr: IAddress): Buffer;
}

/** To a host and port, or from one: `hostport` is what the channel names. */
export class SSHListenForwardingFactory extends ForwardingFactory {
  hostport: HostPort;

  constructor(connection: SSHConnection, hostport: HostPort, klass: ListenChannelClass) {
    super(connection, klass);
    this.hostport = hostport;
  }

  protected override openData(addr: IAddress): Buffer {
    return packOpen_direct_tcpip(this.hostport, originOf(addr));
  }
}

/** To a socket of the file system, or from one. */
export class StreamlocalForwardingFactory extends ForwardingFactory {
  readonly path: string;

  constructor(connection: SSHConnection, path: string, klass: ListenChannelClass) {
    super(connection, klass);
    this.path = path;
  }

  protected override openData(addr: IAddress): Buffer {
    if (this.klass === StreamlocalServerChannel) return ForwardedStreamlocal.encode({ path: this.path, reserved: "" });
    const [originHost, originPort] = originOf(addr);
    return DirectStreamlocal.encode({ path: this.path, originHost, originPort });
  }
}

/** Who connected; one that came by a socket of the file system has no address. */
function originOf(addr: IAddress): HostPort {
  const { host, port } = addr as { host?: unknown; port?: unknown };
  return typeof host === "string" && typeof port === "number" ? [host, port] : ["127.0.0.1", 0];
}
