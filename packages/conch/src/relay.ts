/**
 * One connection handed on to another: a bastion, or "nginx for SSH". The client logs in to us, we log in to a server
 * behind us, and what the client opens and asks for is opened and asked for there, with flow control, requests and exit
 * status as if there were one connection.
 */
import { implementer } from "@strombus/reactor/components";
import { Logger } from "@strombus/reactor/logger";
import { OPEN_ADMINISTRATIVELY_PROHIBITED } from "./channel/numbers.js";
import { ConchError } from "./error.js";
import { type GlobalRequestResult, IConchUser, type MaybeLater } from "./interfaces.js";
import { type AllowRequest, type OpenedChannel, relayChannel } from "./relay/channel.js";
import type { SSHChannel } from "./ssh/channel.js";
import { SSHConnection } from "./ssh/connection.js";
import { keep } from "./wire/writer.js";

export { type AllowRequest, type OpenedChannel, RelayChannel, relayChannel } from "./relay/channel.js";

const log = new Logger({ namespace: "strombus.conch.relay" });

/** What is handed on; all but sessions is refused unless it is named. */
export interface RelayRules {
  /** Forwarding of TCP ports and of sockets of the file system, both ways. */
  readonly forwarding?: boolean;
  readonly agentForwarding?: boolean;
  readonly x11Forwarding?: boolean;
  /** Other types of channel that the client may open. */
  readonly channels?: readonly string[];
  /** Other types of channel that the server may open. */
  readonly serverChannels?: readonly string[];
  /** Other global requests of the client. */
  readonly globalRequests?: readonly string[];
  /** Has the last word about each request on a channel, of either side. */
  readonly allowRequest?: AllowRequest;
}

const FORWARDING = {
  channels: ["direct-tcpip", "direct-streamlocal@openssh.com"],
  serverChannels: ["forwarded-tcpip", "forwarded-streamlocal@openssh.com"],
  globalRequests: [
    "tcpip-forward",
    "cancel-tcpip-forward",
    "streamlocal-forward@openssh.com",
    "cancel-streamlocal-forward@openssh.com",
  ],
};

/** The connection to the server behind us, for the client's side of an SSHClientTransport. */
export class RelayConnection extends SSHConnection {
  #user: RelayUser | null = null;

  /** @internal */
  belongsTo(user: RelayUser): void {
    this.#user = user;
  }

  override getChannel(type: string, windowSize: number, maxPacket: number, data: Buffer): MaybeLater<SSHChannel> {
    if (this.#user === null) return super.getChannel(type, windowSize, maxPacket, data);
    return this.#user.channelOfServer(type, { remoteWindow: windowSize, remoteMaxPacket: maxPacket, data });
  }

  override serviceStopped(): void {
    super.serviceStopped();
    this.#user?.serverLost();
  }
}

/**
 * The avatar of a client whose connection is handed on. Its `logout` is for the realm to give to the portal.
 *
 * ```ts
 * async requestAvatar(avatarId: AvatarId) {
 *   const user = new RelayUser(await connectTo("inner.example", avatarId), { forwarding: true });
 *   return [IConchUser, user, user.logout] as const;
 * }
 * ```
 */
@implementer(IConchUser)
export class RelayUser implements IConchUser {
  conn: SSHConnection | null = null;
  readonly server: RelayConnection;
  readonly #channels: ReadonlySet<string>;
  readonly #serverChannels: ReadonlySet<string>;
  readonly #globalRequests: ReadonlySet<string>;
  readonly #allow: AllowRequest;
  #loggedOut = false;

  constructor(server: RelayConnection, rules: RelayRules = {}) {
    this.server = server;
    server.belongsTo(this);
    const { forwarding = false, agentForwarding = false, x11Forwarding = false } = rules;
    const forwards = forwarding ? FORWARDING : { channels: [], serverChannels: [], globalRequests: [] };
    this.#channels = new Set(["session", ...forwards.channels, ...(rules.channels ?? [])]);
    this.#serverChannels = new Set([
      ...forwards.serverChannels,
      ...(agentForwarding ? ["auth-agent@openssh.com"] : []),
      ...(x11Forwarding ? ["x11"] : []),
      ...(rules.serverChannels ?? []),
    ]);
    this.#globalRequests = new Set([...forwards.globalRequests, ...(rules.globalRequests ?? [])]);
    const allow: AllowRequest = (type, data) => {
      if (type === "auth-agent-req@openssh.com" && !agentForwarding) return false;
      if (type === "x11-req" && !x11Forwarding) return false;
      return rules.allowRequest?.(type, data) ?? true;
    };
    this.#allow = allow;
  }

  lookupChannel(type: string, windowSize: number, maxPacket: number, data: Buffer): MaybeLater<SSHChannel> {
    if (!this.#channels.has(type)) throw prohibited(type);
    const opened = { remoteWindow: windowSize, remoteMaxPacket: maxPacket, data };
    return relayChannel(this.server, type, opened, this.#allow);
  }

  /** Subsystems are asked for on the server's session. */
  lookupSubsystem(): null {
    return null;
  }

  gotGlobalRequest(type: string, data: Buffer, wantReply = true): MaybeLater<GlobalRequestResult> {
    if (!this.#globalRequests.has(type)) return false;
    const answer = this.server.sendGlobalRequest(type, keep(data), wantReply);
    return (
      answer?.addCallbacks(
        (reply): GlobalRequestResult => [true, keep(reply)],
        () => false,
      ) ?? true
    );
  }

  /** The client is gone: nobody needs the connection behind. */
  readonly logout = (): void => {
    this.#loggedOut = true;
    this.server.transport?.loseConnection();
  };

  /** The server opens a channel. @internal */
  channelOfServer(type: string, opened: OpenedChannel): MaybeLater<SSHChannel> {
    if (this.conn === null || !this.#serverChannels.has(type)) throw prohibited(type);
    return relayChannel(this.conn, type, opened, this.#allow);
  }

  /** @internal */
  serverLost(): void {
    if (this.#loggedOut) return;
    log.info("the server behind has gone, and so the client goes");
    this.conn?.transport?.loseConnection();
  }
}

function prohibited(type: string): ConchError {
  return new ConchError(`channels of type ${JSON.stringify(type)} are not handed on`, OPEN_ADMINISTRATIVELY_PROHIBITED);
}
