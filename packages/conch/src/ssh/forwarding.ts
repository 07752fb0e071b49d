/** Forwarding of TCP ports and of sockets of the file system (twisted.conch.ssh.forwarding; RFC 4254 section 7). */
export {
  type HostPort,
  packGlobal_tcpip_forward,
  packOpen_direct_tcpip,
  packOpen_forwarded_tcpip,
  unpackGlobal_tcpip_forward,
  unpackOpen_direct_tcpip,
  unpackOpen_forwarded_tcpip,
} from "../forwarding/addresses.js";
export { allowForwarding } from "../forwarding/allow.js";
export { type Forwarding, forwardLocal, forwardRemote, type Place } from "../forwarding/client.js";
export {
  openConnectForwardingClient,
  SSHConnectForwardingChannel,
  StreamlocalConnectChannel,
} from "../forwarding/connecting.js";
export { ForwardingListeners, type ForwardingReactor } from "../forwarding/listeners.js";
export {
  type ListenChannelClass,
  SSHListenClientForwardingChannel,
  SSHListenForwardingChannel,
  SSHListenForwardingFactory,
  SSHListenServerForwardingChannel,
  StreamlocalClientChannel,
  StreamlocalForwardingFactory,
  StreamlocalServerChannel,
} from "../forwarding/listening.js";
export { SSHForwardingClient } from "../forwarding/pipe.js";
export type { ForwardingRules, HostRule, PathRule } from "../forwarding/rules.js";
