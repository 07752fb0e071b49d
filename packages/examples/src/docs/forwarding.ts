/** The pieces of docs/forwarding.md. They are compiled here; tests are in packages/conch/src/forwarding. */
import type { ConchUser } from "@strombus/conch/avatar";
import type { SSHConnection } from "@strombus/conch/ssh/connection";
import { allowForwarding } from "@strombus/conch/ssh/forwarding";

allowForwarding(user, {
  connect: ["db.internal:5432", "*:443"], // ssh's -L, -D, -W and ProxyJump
  listen: true, // ssh's -R
  connectUNIX: ["/run/service.sock"],
  listenUNIX: (path) => path.startsWith(`/run/user/${user.username}/`),
});

import { forwardLocal, forwardRemote } from "@strombus/conch/ssh/forwarding";

const web = forwardLocal(conn, ["127.0.0.1", 0], ["intranet", 80]); // -L; web.port is the port
const back = await forwardRemote(conn, ["localhost", 8080], ["127.0.0.1", 3000]); // -R
await back.close();

declare const user: ConchUser & { username: string };
declare const conn: SSHConnection;
export { web };
