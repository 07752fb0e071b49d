/** X11 forwarding on the client's side: the server's X programs reach our display (RFC 4254 section 6.3). */
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { ValueError } from "@strombus/reactor/exceptions";
import { Logger } from "@strombus/reactor/logger";
import { OPEN_ADMINISTRATIVELY_PROHIBITED } from "../channel/numbers.js";
import { SocketChannel } from "../channel/socket-channel.js";
import { ConchError } from "../error.js";
import { X11Req } from "../messages/connection.js";
import { peerLog } from "../peer-log.js";
import type { SSHChannel, SSHChannelOptions } from "../ssh/channel.js";
import type { SSHConnection } from "../ssh/connection.js";
import { COOKIE_PROTOCOL, cookieOf, type Display, parseDisplay } from "./display.js";
import { greetingWith, readGreeting } from "./greeting.js";

const log = new Logger({ namespace: "strombus.conch.ssh.x11" });

export interface X11ForwardingOptions {
  /** The display, in the words of DISPLAY, which is the default. */
  readonly display?: string;
  /** The file with the display's cookie: what XAUTHORITY names, or `~/.Xauthority`, unless given. */
  readonly authority?: string;
  /** One X program may connect, and then no other. Default false. */
  readonly singleConnection?: boolean;
}

/** What a server was given for one session; the real cookie stays here. */
interface Grant {
  readonly session: SSHChannel;
  readonly display: Display;
  readonly cookie: Buffer | null;
  readonly singleConnection: boolean;
}

const byConnection = new WeakMap<SSHConnection, Map<string, Grant>>();

/**
 * Lets the X programs of a session use our display, before its program starts. The server gets a cookie of our own making,
 * which is good on this connection alone. Whoever is root there can watch the whole display as long as the session lasts,
 * unless `authority` is a file with a cookie of less power (`xauth -f file generate :0 . untrusted`).
 *
 * ```ts
 * await requestX11Forwarding(session);
 * await session.exec("xeyes");
 * ```
 *
 * @returns rejected with ConchError when the server will not have it, and with ValueError where there is no display
 */
export async function requestX11Forwarding(session: SSHChannel, options: X11ForwardingOptions = {}): Promise<void> {
  const { display: text = process.env["DISPLAY"], authority, singleConnection = false } = options;
  if (!text) throw new ValueError("there is no display to forward: DISPLAY is not set");
  const display = parseDisplay(text);
  const cookie = await cookieOf(display, authority);
  const ours = randomBytes(16).toString("hex");
  const conn = session.conn!;
  const grants = grantsOf(conn);
  grants.set(ours, { session, display, cookie, singleConnection });
  const { screen } = display;
  try {
    const request = X11Req.encode({ singleConnection, protocol: COOKIE_PROTOCOL, cookie: ours, screen });
    await conn.sendRequest(session, "x11-req", request, true);
  } catch (error) {
    grants.delete(ours);
    throw error;
  }
}

/** One X program of the server. It has to show the cookie that we made; the display gets its own. */
export class SSHX11ForwardingChannel extends SocketChannel {
  readonly #grants: Map<string, Grant>;
  #greeting: Buffer | null = Buffer.alloc(0);

  /** @internal */
  constructor(grants: Map<string, Grant>, options: SSHChannelOptions) {
    super("x11", null, options);
    this.#grants = grants;
  }

  override dataReceived(data: Buffer): MaybeAsync {
    if (this.#greeting === null) return super.dataReceived(data);
    const input = Buffer.concat([this.#greeting, data]);
    this.#greeting = input;
    const greeting = readGreeting(input);
    if (greeting === null) return;
    const grant = greeting === false ? undefined : this.#granted(greeting.protocol, greeting.cookie);
    if (greeting === false || grant === undefined) {
      peerLog(log, this.conn?.transport).warn("refused an X program of the server that does not show our cookie");
      return this.loseConnection();
    }
    this.#greeting = null;
    const socket = connect({ ...grant.display.connect, allowHalfOpen: true });
    socket.once("error", (error) =>
      peerLog(log, this.conn?.transport).warn("the display cannot be reached: {why}", { why: error.message }),
    );
    this.join(socket);
    return super.dataReceived(
      Buffer.concat([greetingWith(input, COOKIE_PROTOCOL, grant.cookie), input.subarray(greeting.length)]),
    );
  }

  override eofReceived(): MaybeAsync {
    if (this.#greeting === null) return super.eofReceived();
    this.loseConnection();
  }

  #granted(protocol: string, cookie: Buffer): Grant | undefined {
    const id = cookie.toString("hex");
    const grant = protocol === COOKIE_PROTOCOL ? this.#grants.get(id) : undefined;
    if (grant === undefined || hasEnded(grant)) return undefined;
    if (grant.singleConnection) this.#grants.delete(id);
    return grant;
  }
}

/** Channels of the server are taken as long as a session is on that asked for them (rule CL3). */
function grantsOf(conn: SSHConnection): Map<string, Grant> {
  const known = byConnection.get(conn);
  if (known !== undefined) return known;
  const grants = new Map<string, Grant>();
  byConnection.set(conn, grants);
  const open = (remoteWindow: number, remoteMaxPacket: number): SSHChannel => {
    for (const [id, grant] of grants) if (hasEnded(grant)) grants.delete(id);
    if (grants.size === 0) throw new ConchError("nobody asked for it", OPEN_ADMINISTRATIVELY_PROHIBITED);
    return new SSHX11ForwardingChannel(grants, { remoteWindow, remoteMaxPacket });
  };
  Object.assign(conn, { channel_x11: open });
  return grants;
}

function hasEnded({ session }: Grant): boolean {
  return session.localClosed && session.remoteClosed;
}
