/** A transport that keeps what is sent, and one that carries it to another connection. */
import { IPv4Address } from "@strombus/reactor/address";
import { capturedLogs, type LogEvent } from "@strombus/reactor/logger";
import { Clock } from "@strombus/reactor/task";
import { SSHTransportAddress } from "../ssh/address.js";
import type { SSHChannel } from "../ssh/channel.js";
import type { SSHConnection } from "../ssh/connection.js";
import type { SSHTransportBase } from "../ssh/transport.js";
import { toBuffer, type BytesLike } from "../wire/writer.js";

export type Packet = [number: number, body: string];

export class FakeTransport {
  /** Messages with their bodies in hex. */
  packets: Packet[] = [];
  disconnects: [reason: number, text: string][] = [];
  unimplemented = 0;
  avatar: unknown = undefined;
  readonly clock = new Clock();
  transport = { logPrefix: () => "FakeTransport" };

  sendPacket(number: number, body: BytesLike): void {
    this.packets.push([number, toBuffer(body).toString("hex")]);
  }

  sendDisconnect(reason: number, text: string): void {
    this.disconnects.push([reason, text]);
  }

  sendUnimplemented(): void {
    this.unimplemented += 1;
  }

  getPeer(): SSHTransportAddress {
    return new SSHTransportAddress(new IPv4Address("TCP", "192.168.1.1", 54321));
  }

  getHost(): SSHTransportAddress {
    return new SSHTransportAddress(new IPv4Address("TCP", "10.0.0.1", 12345));
  }

  /** What was sent since the last call. */
  take(): Packet[] {
    return this.packets.splice(0);
  }

  of(connection: SSHConnection): this {
    connection.transport = this as unknown as SSHTransportBase;
    return this;
  }
}

/** Makes a channel an open one: ours has the next number, the peer's is 255. */
export function open<C extends SSHChannel>(connection: SSHConnection, channel: C): C {
  const id = connection.localChannelID++;
  channel.id = id;
  channel.conn = connection;
  connection.channels.set(id, channel);
  connection.localToRemoteChannel.set(id, 255);
  connection.channelsToRemoteChannel.set(channel, 255);
  return channel;
}

/** The errors that were logged meanwhile. */
export function loggedErrors(run: () => void): unknown[] {
  return failures(capturedLogs(run));
}

export function failures(events: readonly LogEvent[]): unknown[] {
  return events.flatMap((event) => (event.log_failure ? [event.log_failure.value] : []));
}

/** Two connections, each other's peers; `pump` carries what they have sent until nothing moves. */
export function pair(
  client: SSHConnection,
  server: SSHConnection,
): { client: SSHConnection; server: SSHConnection; log: Packet[]; pump: () => void } {
  const log: Packet[] = [];
  const queue: [SSHConnection, number, Buffer][] = [];
  const wire = (to: SSHConnection) => {
    const transport = new FakeTransport();
    transport.sendPacket = (number, body) => {
      const bytes = Buffer.from(toBuffer(body));
      if (to === client) log.push([number, bytes.toString("hex")]);
      queue.push([to, number, bytes]);
    };
    transport.sendDisconnect = (reason, text) => {
      throw new Error(`disconnected: ${reason} ${text}`);
    };
    return transport;
  };
  wire(server).of(client);
  wire(client).of(server);
  const pump = () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) next[0].packetReceived(next[1], next[2]);
  };
  return { client, server, log, pump };
}
