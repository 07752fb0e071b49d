/** Where a client has asked its server to listen; channels from anywhere else are refused (rule CL3). */
import { Logger } from "@strombus/reactor/logger";
import { OPEN_ADMINISTRATIVELY_PROHIBITED, OPEN_CONNECT_FAILED } from "../channel/numbers.js";
import { ConchError } from "../error.js";
import type { MaybeLater } from "../interfaces.js";
import { ForwardedStreamlocal } from "../messages/forwarding.js";
import { peerLog } from "../peer-log.js";
import type { SSHChannel, SSHChannelOptions } from "../ssh/channel.js";
import type { SSHConnection } from "../ssh/connection.js";
import { unpackOpen_forwarded_tcpip } from "./addresses.js";
import type { ConnectForwardingChannel } from "./connecting.js";

const log = new Logger({ namespace: "strombus.conch.ssh.forwarding" });

/** Makes the channel for one connection that the server has accepted. */
export type OpenForwarded = (options: SSHChannelOptions) => MaybeLater<SSHChannel>;

export interface Requested {
  /** By port: servers name the address in ways of their own. */
  readonly ports: Map<number, OpenForwarded>;
  readonly paths: Map<string, OpenForwarded>;
}

const byConnection = new WeakMap<SSHConnection, Requested>();

export function requestedOf(conn: SSHConnection): Requested {
  const known = byConnection.get(conn);
  if (known !== undefined) return known;
  const requested: Requested = { ports: new Map(), paths: new Map() };
  byConnection.set(conn, requested);
  const opener = (find: (data: Buffer) => OpenForwarded | undefined) => {
    return (remoteWindow: number, remoteMaxPacket: number, data: Buffer) => {
      const open = find(data);
      if (open === undefined) throw new ConchError("nobody asked for it", OPEN_ADMINISTRATIVELY_PROHIBITED);
      return open({ remoteWindow, remoteMaxPacket, data });
    };
  };
  Object.assign(conn, {
    channel_forwarded_tcpip: opener((data) => requested.ports.get(unpackOpen_forwarded_tcpip(data)[0][1])),
    channel_forwarded_streamlocal_openssh_com: opener((data) =>
      requested.paths.get(ForwardedStreamlocal.decode(data).path),
    ),
  });
  return requested;
}

/** The channel, when it has its connection. @throws ConchError when there can be none: what the peer is told */
export function connected<C extends ConnectForwardingChannel>(channel: C, peer: object | null): MaybeLater<C> {
  return channel.connect().addCallbacks(
    () => channel,
    (reason) => {
      const { destination } = channel;
      peerLog(log, peer).info("could not connect to {destination}: {reason}", {
        destination,
        reason: String(reason.value),
      });
      throw new ConchError("connect failed", OPEN_CONNECT_FAILED);
    },
  );
}
