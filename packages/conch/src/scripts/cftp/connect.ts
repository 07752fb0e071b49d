/** Where cftp's connections come from. */
import { userInfo } from "node:os";
import { connect } from "../../client/connect.js";
import { SSHUserAuthClient, verifyHostKey } from "../../client/default.js";
import { algorithmsFor } from "../../client/host-key.js";
import { knownHostsOf } from "../../client/known-by-options.js";
import { SSHConnection } from "../../ssh/connection.js";
import { DEFAULT_HOST_KEY_ALGORITHMS } from "../../transport/algorithms.js";
import type { ClientOptions } from "./options.js";

/**
 * Connects to `options.host`, as `options.user` where there is one, checks whom it has met and logs in: gives the service
 * on which channels can be opened. What it fails with is shown to the user by its message.
 */
export type Connect = (options: ClientOptions) => PromiseLike<SSHConnection>;

/** As the options say; the user is asked for what they do not. */
export const connectByOptions: Connect = async (options) => {
  const { host, port } = options;
  if (options.names("host-key-algorithms") === null) {
    const known = knownHostsOf(options);
    options.set("host-key-algorithms", algorithmsFor(known, { hostname: host, port }, DEFAULT_HOST_KEY_ALGORITHMS));
  }
  options.set("reconnect", 0); // files that are open would not come back
  const connection = new SSHConnection();
  const login = new SSHUserAuthClient(options.user ?? userInfo().username, options, connection);
  await connect(host, port, options, verifyHostKey, login);
  return connection;
};
