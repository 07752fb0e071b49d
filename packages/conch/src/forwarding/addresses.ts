/** The addresses in channels and requests of forwarding, as bytes and back (RFC 4254 section 7). */
import { TCPChannel, TCPListen } from "../messages/forwarding.js";
import { toBuffer, type BytesLike } from "../wire/writer.js";

/** A name or an address, and a port. */
export type HostPort = readonly [host: string, port: number];

/** The open data of direct-tcpip: where to connect to, and where the connection came from. Hosts may be bytes. */
export function packOpen_direct_tcpip(
  [connectHost, connectPort]: readonly [host: BytesLike, port: number],
  [originHost, originPort]: readonly [host: BytesLike, port: number],
): Buffer {
  return TCPChannel.encode({
    host: textOf(connectHost),
    port: connectPort,
    originHost: textOf(originHost),
    originPort,
  });
}

/** @throws ProtocolError for anything else than two hosts and ports */
export function unpackOpen_direct_tcpip(data: Uint8Array): [connect: [string, number], origin: [string, number]] {
  const { host, port, originHost, originPort } = TCPChannel.decode(data);
  return [
    [host, port],
    [originHost, originPort],
  ];
}

/** The open data of forwarded-tcpip has the same form. */
export const packOpen_forwarded_tcpip = packOpen_direct_tcpip;
export const unpackOpen_forwarded_tcpip = unpackOpen_direct_tcpip;

/** The data of tcpip-forward and of cancel-tcpip-forward. */
export function packGlobal_tcpip_forward([host, port]: readonly [host: BytesLike, port: number]): Buffer {
  return TCPListen.encode({ host: textOf(host), port });
}

/** @throws ProtocolError for anything else than a host and a port */
export function unpackGlobal_tcpip_forward(data: Uint8Array): [host: string, port: number] {
  const { host, port } = TCPListen.decode(data);
  return [host, port];
}

function textOf(host: BytesLike): string {
  return typeof host === "string" ? host : toBuffer(host).toString();
}
