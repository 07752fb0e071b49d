/** The pieces of docs/agent.md. They are compiled here; tests of both sides are in packages/conch/src/agent. */
import { type AgentFactory, SSHAgentServer } from "@strombus/conch/ssh/agent";
import { openAgentForwarding, requestAgentForwarding } from "@strombus/conch/ssh/agent";
import type { SSHChannel } from "@strombus/conch/ssh/channel";
import { SSHConnection } from "@strombus/conch/ssh/connection";
import type { Key } from "@strombus/conch/ssh/keys";
import { reactor } from "@strombus/reactor";
import { Factory } from "@strombus/reactor/protocol";
import { connectAgent } from "@strombus/conch/ssh/agent";

const agent = await connectAgent(process.env["SSH_AUTH_SOCK"]!);
await agent.addIdentity(key.privateBlob(), "backup", { lifetime: 3600 });
for (const [, comment] of await agent.requestIdentities()) console.log(comment);
const signature = await agent.signData(key.blob(), "data", "rsa-sha2-512");

class Agent extends SSHAgentServer {
  override maySign(key: Key, data: Buffer) {
    return allowed.has(key.fingerprint());
  }
  override confirm(key: Key, comment: string) {
    return ask(`Use ${comment}?`); // or a promise
  }
}
const factory: AgentFactory = Factory.forProtocol(Agent);
factory.keys = new Map();
reactor.listenUNIX("/run/user/1000/agent", factory, { mode: 0o600 });

class Connection extends SSHConnection {
  channel_auth_agent_openssh_com = openAgentForwarding; // SSH_AUTH_SOCK
}
await requestAgentForwarding(session); // before its program starts

declare const key: Key;
declare const allowed: Set<string>;
declare const session: SSHChannel;
declare function ask(question: string): boolean;
export { Connection, signature };
