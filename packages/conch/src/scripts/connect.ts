/** How programs come to their connections. */
import { userInfo } from "node:os";
import { connect } from "../client/connect.js";
import { SSHUserAuthClient, verifyHostKey } from "../client/default.js";
import { algorithmsFor } from "../client/host-key.js";
import { knownHostsOf } from "../client/known-by-options.js";
import type { ConchOptions } from "../client/options.js";
import type { SSHConnection } from "../ssh/connection.js";
import { DEFAULT_HOST_KEY_ALGORITHMS } from "../transport/algorithms.js";

/**
 * Connects and logs in as the options say, and asks the user for what they do not; `connection` runs then. A connection
 * that is lost is not made again here, where what was open on it would not come back.
 */
export async function connectByOptions(options: ConchOptions, connection: SSHConnection): Promise<void> {
  const { host, port } = options;
  options.set("reconnect", 0);
  if (options.names("host-key-algorithms") === null) {
    const known = knownHostsOf(options);
    options.set("host-key-algorithms", algorithmsFor(known, { hostname: host, port }, DEFAULT_HOST_KEY_ALGORITHMS));
  }
  const login = new SSHUserAuthClient(options.user ?? userInfo().username, options, connection);
  await connect(host, port, options, verifyHostKey, login);
}
