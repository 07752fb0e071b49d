/** Connections for those who want one without knowing how it is made. */
import type { Deferred } from "@strombus/reactor/defer";
import { interfaceToken, type InterfaceToken } from "@strombus/reactor/components";
import type { SSHConnection } from "../ssh/connection.js";

/** Gives connections to the endpoints of commands, and has them back. */
export interface ISSHConnectionCreator {
  /** A connection that is secured and logged in; the wait for it may be cancelled. */
  secureConnection(): Deferred<SSHConnection>;
  /** It is needed no longer. @param immediate drop it, without waiting for what is still to be sent */
  cleanupConnection(connection: SSHConnection, immediate: boolean): void;
}
export const ISSHConnectionCreator: InterfaceToken<ISSHConnectionCreator> = interfaceToken<ISSHConnectionCreator>(
  "ISSHConnectionCreator",
  [],
  ["secureConnection", "cleanupConnection"],
);
