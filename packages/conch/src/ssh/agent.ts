/** The ssh-agent, from both sides (twisted.conch.ssh.agent; draft-miller-ssh-agent). */
export { type AddOptions, SSHAgentClient } from "../agent/client.js";
export type { Destination, Hop, SessionBinding } from "../agent/destinations.js";
export {
  openAgentForwarding,
  requestAgentForwarding,
  SSHAgentForwardingChannel,
  SSHAgentServerChannel,
} from "../agent/forwarding.js";
export { AgentHostKey, connectAgent } from "../agent/host-key.js";
export * from "../agent/numbers.js";
export { SSHAgentServer, type AgentFactory, type AgentKeys } from "../agent/server.js";
