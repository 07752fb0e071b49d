/** What forwarding adds to channels and global requests (RFC 4254 section 7; OpenSSH's PROTOCOL, section 2.4). */
import { text, uint32 } from "../wire/fields.js";
import { layout } from "../wire/message.js";

/** Of direct-tcpip where to connect to, of forwarded-tcpip where it was connected to; and who connected. */
export const TCPChannel = layout("a channel of TCP", {
  host: text,
  port: uint32,
  originHost: text,
  originPort: uint32,
});
export const TCPListen = layout("tcpip-forward", { host: text, port: uint32 });
export const TCPListening = layout("the reply to tcpip-forward", { port: uint32 });

export const DirectStreamlocal = layout("direct-streamlocal@openssh.com", {
  path: text,
  originHost: text, // reserved
  originPort: uint32, // reserved
});
export const ForwardedStreamlocal = layout("forwarded-streamlocal@openssh.com", { path: text, reserved: text });
export const StreamlocalListen = layout("streamlocal-forward@openssh.com", { path: text });
