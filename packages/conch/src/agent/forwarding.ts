/** Agent forwarding on the client's side: the server's programs reach an agent through channels that the server opens. */
import { connect, type Socket } from "node:net";
import type { Failure } from "@strombus/reactor/failure";
import type { IProtocol, MaybeAsync } from "@strombus/reactor/interfaces";
import { connectionDone } from "@strombus/reactor/protocol";
import { Logger } from "@strombus/reactor/logger";
import { SocketChannel } from "../channel/socket-channel.js";
import { peerLog } from "../peer-log.js";
import { SSHChannel, type SSHChannelOptions } from "../ssh/channel.js";
import type { SSHClientTransport } from "../ssh/transport.js";
import { frame, FrameInput } from "../wire/frames.js";
import { bindingOf } from "./client.js";
import { AGENTC_EXTENSION } from "./numbers.js";
import { AGENT_CHANNEL } from "./socket.js";

const log = new Logger({ namespace: "strombus.conch.ssh.agent" });

/**
 * Joins the server to the agent of this machine, the one at SSH_AUTH_SOCK. Whoever is root on the server can use the agent
 * as long as the connection lasts: forward it to servers that you trust. The agent is told which server it is that asks,
 * so that keys for some destinations only are used as they should.
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
  #toAgent: Socket | null = null;

  constructor(options: SSHChannelOptions & { path?: string } = {}) {
    super(AGENT_CHANNEL, null, options);
    this.path = options.path ?? process.env["SSH_AUTH_SOCK"];
  }

  override channelOpen(specificData: Buffer): MaybeAsync {
    if (this.path === undefined || this.path === "") {
      peerLog(log, this.conn?.transport).warn("there is no agent to forward: SSH_AUTH_SOCK is not set");
      return this.loseConnection();
    }
    const socket = connect({ path: this.path, allowHalfOpen: true });
    this.#toAgent = socket;
    socket.once("error", (error) =>
      peerLog(log, this.conn?.transport).warn("the agent cannot be reached: {why}", { why: error.message }),
    );
    socket.once("close", () => this.loseConnection());
    this.pauseProducing(); // what is asked comes behind where it comes from
    const binding = this.#binding();
    if (binding === null) return this.#begin(socket);
    socket.write(binding);
    this.#afterAnswer(socket);
  }

  override closed(): MaybeAsync {
    this.#toAgent?.destroy(); // it may not have been joined yet
    return super.closed();
  }

  /** Null where the connection shows no host. */
  #binding(): Buffer | null {
    const transport: Partial<SSHClientTransport> | null | undefined = this.conn?.transport;
    const { hostKeyBlob, hostKeySignature, sessionID } = transport ?? {};
    if (!hostKeyBlob || !hostKeySignature || !sessionID) return null;
    return frame(AGENTC_EXTENSION, bindingOf(hostKeyBlob, sessionID, hostKeySignature, true));
  }

  /** An agent that knows no bindings says so, and its keys have no destinations. */
  #afterAnswer(socket: Socket): void {
    const input = new FrameInput("an agent's frame");
    const heard = (data: Buffer) => {
      input.add(data);
      try {
        if (input.take() === null) return;
      } catch {
        return this.loseConnection();
      }
      socket.off("data", heard);
      this.#begin(socket);
    };
    socket.on("data", heard);
  }

  #begin(socket: Socket): void {
    this.join(socket);
    this.resumeProducing();
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
