/** Agent forwarding on the client's side: the server's programs reach an agent through channels that the server opens. */
import { connect } from "node:net";
import type { Failure } from "@strombus/reactor/failure";
import type { IProtocol, MaybeAsync } from "@strombus/reactor/interfaces";
import { connectionDone } from "@strombus/reactor/protocol";
import { Logger } from "@strombus/reactor/logger";
import { SocketChannel } from "../channel/socket-channel.js";
import { SSHChannel, type SSHChannelOptions } from "../ssh/channel.js";
import { AGENT_CHANNEL } from "./socket.js";

const log = new Logger({ namespace: "strombus.conch.ssh.agent" });

/**
 * Joins the server to the agent of this machine, the one at SSH_AUTH_SOCK. Whoever is root on the server can use the agent
 * as long as the connection lasts: forward it to servers that you trust.
 *
 * ```ts
 * class Connection extends SSHConnection {
 *   channel_auth_agent_openssh_com = openAgentForwarding;
 * }
 * await requestAgentForwarding(session);
 * ```
 */
export class SSHAgentForwardingChannel extends SocketChannel {
  readonly path: string | undefined;

  constructor(options: SSHChannelOptions & { path?: string } = {}) {
    super(AGENT_CHANNEL, null, options);
    this.path = options.path ?? process.env["SSH_AUTH_SOCK"];
  }

  override channelOpen(specificData: Buffer): MaybeAsync {
    if (this.path === undefined || this.path === "") {
      log.warn("there is no agent to forward: SSH_AUTH_SOCK is not set");
      return this.loseConnection();
    }
    const socket = connect({ path: this.path, allowHalfOpen: true });
    socket.once("error", (error) => log.warn("the agent cannot be reached: {why}", { why: error.message }));
    this.join(socket);
  }
}

/** Serves the server from a protocol of ours, an SSHAgentServer say, that holds only the keys it is to have. */
export class SSHAgentServerChannel extends SSHChannel {
  readonly #agent: IProtocol;

  constructor(agent: IProtocol, options: SSHChannelOptions = {}) {
    super(options);
    this.name = AGENT_CHANNEL;
    this.#agent = agent;
  }

  override channelOpen(specificData: Buffer): MaybeAsync {
    return this.#agent.makeConnection(this);
  }

  override dataReceived(data: Buffer): MaybeAsync {
    return this.#agent.dataReceived(data);
  }

  override eofReceived(): MaybeAsync {
    this.loseConnection();
  }

  override closed(reason: Failure = connectionDone): MaybeAsync {
    return this.#agent.connectionLost(reason);
  }
}

/** What a client's connection has as `channel_auth_agent_openssh_com`. */
export function openAgentForwarding(remoteWindow: number, remoteMaxPacket: number): SSHChannel {
  return new SSHAgentForwardingChannel({ remoteWindow, remoteMaxPacket });
}

/** Asks for forwarding on a session, before its program starts. Rejects with ConchError when the server will not have it. */
export async function requestAgentForwarding(session: SSHChannel): Promise<void> {
  await session.conn!.sendRequest(session, "auth-agent-req@openssh.com", "", true);
}
