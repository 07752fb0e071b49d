/** Where cftp's connections come from. */
import type { SSHConnection } from "../../ssh/connection.js";
import type { ClientOptions } from "./options.js";

/**
 * Connects to `options.host`, as `options.user` where there is one, checks whom it has met and logs in: gives the service
 * on which channels can be opened. What it fails with is shown to the user by its message.
 */
export type Connect = (options: ClientOptions) => PromiseLike<SSHConnection>;
