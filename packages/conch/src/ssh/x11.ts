/** X11 forwarding for clients (RFC 4254 section 6.3). Servers have `ISessionForwardX11` and `@strombus/conch/unix`. */
export { requestX11Forwarding, SSHX11ForwardingChannel, type X11ForwardingOptions } from "../x11/forwarding.js";
