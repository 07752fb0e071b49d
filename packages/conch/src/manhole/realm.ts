/** Who has terminals, and the factory that serves them. */
import type { AvatarId, IRealm, Portal } from "@strombus/cred/portal";
import { Componentized, type InterfaceToken } from "@strombus/reactor/components";
import { NotImplementedError } from "@strombus/reactor/exceptions";
import { made, type Source } from "../class.js";
import { ServerProtocol } from "../insults/server.js";
import { IConchUser, ISession } from "../interfaces.js";
import { type HostPrivateKey, SSHFactory } from "../ssh/factory.js";
import type { Key } from "../ssh/keys.js";
import { type ServerSource, TerminalSession, type TransportSource } from "./session.js";
import { TerminalUser } from "./user.js";

export type UserSource = Source<IConchUser, [original: Componentized, avatarId: AvatarId]>;
export type SessionSource = Source<TerminalSession, [original: Componentized]>;

/**
 * Gives every user a terminal protocol for a shell.
 *
 * ```ts
 * const realm = new TerminalRealm();
 * realm.chainedProtocolFactory = () => new ServerProtocol(ColoredManhole, { service });
 * ```
 */
export class TerminalRealm implements IRealm {
  userFactory: UserSource = TerminalUser;
  sessionFactory: SessionSource = TerminalSession;
  /** Null leaves it to the session. */
  transportFactory: TransportSource | null;
  chainedProtocolFactory: ServerSource = ServerProtocol;

  constructor(transportFactory: TransportSource | null = null) {
    this.transportFactory = transportFactory;
  }

  requestAvatar(avatarId: AvatarId, mind: unknown, ...interfaces: InterfaceToken[]) {
    if (!interfaces.includes(IConchUser)) throw new NotImplementedError("a realm of terminals has IConchUser alone");
    const parts = new Parts((holder) => this.#sessionOf(holder));
    const user = made(this.userFactory, parts, avatarId);
    parts.setComponent(IConchUser, user);
    return [IConchUser, user, () => {}] as const;
  }

  #sessionOf(parts: Componentized): TerminalSession {
    const session = made(this.sessionFactory, parts);
    if (this.transportFactory !== null) session.transportFactory = this.transportFactory;
    session.chainedProtocolFactory = this.chainedProtocolFactory;
    return session;
  }
}

/** A user and sessions: each channel has one of its own, with a size of its own. */
class Parts extends Componentized {
  constructor(readonly session: (parts: Componentized) => TerminalSession) {
    super();
  }

  override getComponent<T, D = null>(token: InterfaceToken<T>, fallback: D = null as D): T | D {
    if ((token as InterfaceToken) === ISession) return this.session(this) as T;
    return super.getComponent(token, fallback);
  }
}

/** A factory of SSH servers; put host keys into `publicKeys` and `privateKeys`. */
export class ConchFactory extends SSHFactory {
  override publicKeys: Record<string, Key> = {};
  override privateKeys: Record<string, HostPrivateKey> = {};

  constructor(portal: Portal) {
    super();
    this.portal = portal;
  }
}
