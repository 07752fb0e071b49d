/** Where cftp's connections come from. */
import { SSHConnection } from "../../ssh/connection.js";
import { connectByOptions } from "../connect.js";
import type { ClientOptions } from "./options.js";

/**
 * Connects to `options.host`, as `options.user` where there is one, checks whom it has met and logs in: gives the service
 * on which channels can be opened. What it fails with is shown to the user by its message.
 */
export type Connect = (options: ClientOptions) => PromiseLike<SSHConnection>;

/** As the options say; the user is asked for what they do not. */
export const connectionByOptions: Connect = async (options) => {
  const connection = new SSHConnection();
  await connectByOptions(options, connection);
  return connection;
};
