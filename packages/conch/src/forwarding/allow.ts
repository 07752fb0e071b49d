/** A server's user who may have things forwarded. */
import { reactor as theReactor } from "@strombus/reactor";
import { Logger } from "@strombus/reactor/logger";
import type { ChannelOpenOptions, ConchUser } from "../avatar.js";
import { after } from "../channel/later.js";
import { OPEN_ADMINISTRATIVELY_PROHIBITED } from "../channel/numbers.js";
import { ConchError } from "../error.js";
import type { GlobalRequestResult, MaybeLater } from "../interfaces.js";
import { DirectStreamlocal, StreamlocalListen, TCPListening } from "../messages/forwarding.js";
import { peerLog } from "../peer-log.js";
import { unpackGlobal_tcpip_forward, unpackOpen_direct_tcpip } from "./addresses.js";
import { type ConnectForwardingChannel, SSHConnectForwardingChannel, StreamlocalConnectChannel } from "./connecting.js";
import { ForwardingListeners, type ForwardingReactor } from "./listeners.js";
import { connected } from "./requested.js";
import { connecting, type ForwardingRules, listening, mayUsePath } from "./rules.js";

const log = new Logger({ namespace: "strombus.conch.ssh.forwarding" });

/**
 * Lets a user have forwarded what the rules name, and nothing else. What the user's key or certificate forbids stays
 * forbidden. Connections are made before a channel opens, so that the client hears of one that fails; what listens ends
 * with the user's connection.
 *
 * ```ts
 * allowForwarding(user, { connect: ["db.internal:5432"], listen: true });
 * ```
 *
 * @throws ValueError for a list with anything else in it than hosts and ports
 */
export function allowForwarding(
  user: ConchUser,
  rules: ForwardingRules,
  reactor: ForwardingReactor = theReactor,
): void {
  const mayConnect = connecting(rules.connect);
  const mayListen = listening(rules.listen);
  const known = new WeakMap<object, ForwardingListeners>();
  const listeners = () => {
    const conn = user.conn!; // whoever asks is on it
    const found = known.get(conn) ?? new ForwardingListeners(conn, reactor);
    known.set(conn, found);
    return found;
  };

  const peer = () => user.conn?.transport ?? null;

  const direct_tcpip = (options: ChannelOpenOptions) => {
    const [hostport] = unpackOpen_direct_tcpip(options.data);
    const channel = new SSHConnectForwardingChannel(hostport, options);
    channel._reactor = reactor;
    return admit(peer(), channel, mayConnect(...hostport));
  };
  const direct_streamlocal = (options: ChannelOpenOptions) => {
    const { path } = DirectStreamlocal.decode(options.data);
    const channel = new StreamlocalConnectChannel(path, options);
    channel._reactor = reactor;
    return admit(peer(), channel, mayUsePath(rules.connectUNIX, path));
  };

  const tcpip_forward = (data: Buffer) => {
    const [host, port] = unpackGlobal_tcpip_forward(data);
    return grant(peer(), mayListen(host, port), `${host}:${port}`, () => {
      const actual = listeners().listenTCP(host, port, { anywhere: rules.gatewayPorts ?? false });
      return port === 0 ? [true, TCPListening.encode({ port: actual })] : true;
    });
  };
  const streamlocal_forward = (data: Buffer) => {
    const { path } = StreamlocalListen.decode(data);
    return grant(peer(), mayUsePath(rules.listenUNIX, path), path, () => {
      listeners().listenUNIX(path);
      return true;
    });
  };

  if (rules.connect) user.channelLookup["direct-tcpip"] = direct_tcpip;
  if (rules.connectUNIX) user.channelLookup["direct-streamlocal@openssh.com"] = direct_streamlocal;
  Object.assign(user, {
    global_tcpip_forward: tcpip_forward,
    global_cancel_tcpip_forward: (data: Buffer) => listeners().cancelTCP(...unpackGlobal_tcpip_forward(data)),
    "global_streamlocal_forward@openssh.com": streamlocal_forward,
    "global_cancel_streamlocal_forward@openssh.com": (data: Buffer) =>
      listeners().cancelUNIX(StreamlocalListen.decode(data).path),
  });
}

/** The channel, connected. @throws ConchError when it may not be, or cannot be */
function admit<C extends ConnectForwardingChannel>(
  peer: object | null,
  channel: C,
  allowed: MaybeLater<boolean>,
): MaybeLater<C> {
  return after(allowed, (yes): MaybeLater<C> => {
    if (!yes) {
      peerLog(log, peer).info("refused to connect to {destination}", { destination: channel.destination });
      throw new ConchError("forwarding is not permitted", OPEN_ADMINISTRATIVELY_PROHIBITED);
    }
    return connected(channel, peer);
  }) as MaybeLater<C>;
}

/** The answer to a request to listen. */
function grant(
  peer: object | null,
  allowed: MaybeLater<boolean>,
  where: string,
  listen: () => GlobalRequestResult,
): MaybeLater<GlobalRequestResult> {
  return after(allowed, (yes) => {
    if (!yes) {
      peerLog(log, peer).info("refused to listen on {where}", { where });
      return false;
    }
    try {
      return listen();
    } catch (error) {
      peerLog(log, peer).info("could not listen on {where}: {reason}", { where, reason: String(error) });
      return false;
    }
  });
}
