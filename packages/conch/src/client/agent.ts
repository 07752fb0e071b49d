/** The ssh-agent of whoever logs in (twisted.conch.client.agent). */
import type { Deferred } from "@strombus/reactor/defer";
import { SSHAgentClient as Client } from "../agent/client.js";
import { Key } from "../ssh/keys.js";

export { SSHAgentForwardingChannel } from "../agent/forwarding.js";

/** Gives the agent's keys one by one. */
export class SSHAgentClient extends Client {
  /** Those that are left. */
  blobs: Buffer[] = [];

  /** Asks the agent for its keys. Fails with ConchError when it will not tell, and with ConnectionLost when it has gone. */
  getPublicKeys(): Deferred<null> {
    return this.requestIdentities().addCallback((identities: [blob: Buffer, comment: string][]) => {
      this.blobs = identities.map(([blob]) => blob);
      return null;
    });
  }

  /** The next key; of a type that is not known it is left out. Null when there are no more. */
  getPublicKey(): Key | null {
    for (let blob = this.blobs.shift(); blob !== undefined; blob = this.blobs.shift()) {
      try {
        return Key.fromString(blob, "blob");
      } catch {
        // a certificate, say: the key comes by itself too
      }
    }
    return null;
  }
}
