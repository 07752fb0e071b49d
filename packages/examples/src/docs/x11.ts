/** The pieces of docs/x11.md. They are compiled here; tests are in packages/conch/src/x11. */
import type { ISessionForwardX11, X11Request } from "@strombus/conch/interfaces";
import type { SSHConnection } from "@strombus/conch/ssh/connection";
import { ClientSession } from "@strombus/conch/streams";
import { UnixSSHRealm } from "@strombus/conch/unix";
import { requestX11Forwarding } from "@strombus/conch/ssh/x11";

const session = await ClientSession.open(conn);
await requestX11Forwarding(session); // before its program starts
await session.exec("xeyes");

const realm = new UnixSSHRealm({ x11Forwarding: true });

class Session implements ISessionForwardX11 {
  forwardX11({ singleConnection, protocol, cookie, screen }: X11Request) {
    // listen; for each connection open a channel of type "x11" on the connection; throw to refuse
  }
}

declare const conn: SSHConnection;
export { realm, Session };
