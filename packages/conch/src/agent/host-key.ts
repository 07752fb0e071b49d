/** Private keys that never leave an ssh-agent: the agent of a UNIX socket, and a server's host key that lives there. */
import { connect } from "node:net";
import { UNIXAddress } from "@strombus/reactor/address";
import { Failure } from "@strombus/reactor/failure";
import { connectionDone } from "@strombus/reactor/protocol";
import { ConchError } from "../error.js";
import type { Key } from "../ssh/keys.js";
import { toBuffer } from "../wire/writer.js";
import { SSHAgentClient } from "./client.js";

/** Connects to the agent that listens at `path`. Rejects when there is none; `loseConnection` of its transport ends it. */
export function connectAgent<C extends SSHAgentClient = SSHAgentClient>(
  path: string,
  client: C = new SSHAgentClient() as C,
): Promise<C> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let last: Error | null = null;
    socket.once("connect", () => {
      client.makeConnection({
        write: (data) => void socket.write(toBuffer(data)),
        writeSequence: (data) => void socket.write(Buffer.concat(Array.from(data, toBuffer))),
        loseConnection: () => void socket.end(),
        getPeer: () => new UNIXAddress(path),
        getHost: () => new UNIXAddress(null),
      });
      resolve(client);
    });
    socket.on("data", (data) => client.dataReceived(data));
    socket.on("error", (error) => {
      last = error;
      reject(error);
    });
    socket.once("close", () => {
      if (client.connected) client.connectionLost(last === null ? connectionDone : new Failure(last));
    });
  });
}

/**
 * The private half of a host key, whose signatures an agent makes: what `SSHFactory.privateKeys` takes beside the public
 * half in `publicKeys`. The agent is called for each signature, so that it may come and go.
 *
 * ```ts
 * const publicKey = Key.fromFile("ssh_host_ed25519_key.pub");
 * factory.publicKeys = { "ssh-ed25519": publicKey };
 * factory.privateKeys = { "ssh-ed25519": new AgentHostKey(publicKey, process.env.SSH_AUTH_SOCK) };
 * ```
 */
export class AgentHostKey {
  constructor(
    readonly publicKey: Key,
    readonly path: string,
  ) {}

  supportedSignatureAlgorithms(): string[] {
    return this.publicKey.supportedSignatureAlgorithms();
  }

  /** Rejects when the agent cannot be reached, does not hold the key or does not sign as it should. */
  async sign(data: Buffer, algorithm = ""): Promise<Buffer> {
    const agent = await connectAgent(this.path);
    try {
      const signature = await agent.signData(this.publicKey.blob(), data, algorithm);
      if (!this.publicKey.verify(signature, data)) throw new ConchError("the agent's signature is not by the host key");
      return signature;
    } finally {
      agent.transport?.loseConnection();
    }
  }
}
