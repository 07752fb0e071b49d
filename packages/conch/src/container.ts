/** Composing an SSH server in a tsyringe container, and one child container for each connection. */
import type { AvatarId } from "@strombus/cred/checkers";
import { registerCred } from "@strombus/cred/container";
import { IRealm, Portal, type PortalLogin } from "@strombus/cred/portal";
import { type InterfaceToken, interfaceToken } from "@strombus/reactor/components";
import { type DependencyContainer, type InjectionToken, container as root } from "@strombus/reactor/container";
import { maybeDeferred } from "@strombus/reactor/defer";
import type { Failure } from "@strombus/reactor/failure";
import type { IAddress } from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";
import { type ChannelOpenOptions, ConchUser } from "./avatar.js";
import { IConchUser } from "./interfaces.js";
import type { SSHChannel } from "./ssh/channel.js";
import { SSHConnection } from "./ssh/connection.js";
import { type HostPrivateKey, SSHFactory } from "./ssh/factory.js";
import type { Key } from "./ssh/keys.js";
import { SSHSession } from "./ssh/session.js";

/** A private host key: as many as a server has are registered. */
export type IHostKey = HostPrivateKey & Pick<Key, "public" | "sshType">;
export const IHostKey: InterfaceToken<IHostKey> = interfaceToken<IHostKey>("IHostKey");

/** Who has logged in, as the checker named them: of one connection. */
export type IAvatarId = AvatarId;
export const IAvatarId: InterfaceToken<IAvatarId> = interfaceToken<IAvatarId>("IAvatarId");

/** Where a connection comes from; known to sessions and channels, not to the avatar while that is made. */
export type IPeerAddress = IAddress;
export const IPeerAddress: InterfaceToken<IPeerAddress> = interfaceToken<IPeerAddress>("IPeerAddress");

/** What a channel is made with: of one channel. */
export type IChannelOpenOptions = ChannelOpenOptions;
export const IChannelOpenOptions: InterfaceToken<IChannelOpenOptions> =
  interfaceToken<IChannelOpenOptions>("IChannelOpenOptions");

/**
 * Registers what an SSH server is made of: `Portal` as `registerCred` does, `ConnectionRealm` as its realm unless there is
 * one, and `SSHFactory` with that portal and all that is registered as `IHostKey`.
 *
 * ```ts
 * container.register(ICredentialsChecker, { useClass: MyChecker });
 * container.register(ISession, { useClass: MySession });
 * container.register(IHostKey, { useValue: Key.fromFile("id_ed25519") });
 * reactor.listenTCP(2022, registerConch(container).resolve(SSHFactory));
 * ```
 *
 * @param container default the root container.
 * @returns the container.
 */
export function registerConch(container: DependencyContainer = root): DependencyContainer {
  if (!container.isRegistered(Portal, true)) registerCred(container);
  if (!container.isRegistered(IRealm, true)) {
    const realm = new ConnectionRealm(container);
    container.register(IRealm, { useValue: realm });
  }
  let factory: SSHFactory | null = null;
  return container.register(SSHFactory, { useFactory: () => (factory ??= composeFactory(container)) });
}

function composeFactory(container: DependencyContainer): SSHFactory {
  const factory = new SSHFactory();
  factory.portal = container.resolve(Portal);
  const keys = container.isRegistered(IHostKey, true) ? container.resolveAll(IHostKey) : [];
  factory.privateKeys = Object.fromEntries(keys.map((key) => [key.sshType(), key]));
  factory.publicKeys = Object.fromEntries(keys.map((key) => [key.sshType(), key.public()]));
  return factory;
}

const log = new Logger({ namespace: "@strombus/conch/container" });

/** The channel that is being made, by the container of its connection. */
const openings = new WeakMap<DependencyContainer, ChannelOpenOptions>();

const containers = new WeakMap<object, DependencyContainer>();

/** The container of an avatar's connection. @throws TypeError for an avatar that no `ConnectionRealm` made. */
export function containerOf(avatar: object): DependencyContainer {
  const container = containers.get(avatar);
  if (container === undefined)
    throw new TypeError("this avatar has no container: ConnectionRealm makes those that have");
  return container;
}

/**
 * Makes each avatar in a child container of its own, in which `IAvatarId`, `IConchUser` (the avatar), `SSHConnection` and
 * `IPeerAddress` are those of its connection. What is registered as `IConchUser` becomes the avatar, by default
 * `InjectedUser`. When the user is gone the container is disposed of, with all it made that has a `dispose` method, and
 * then the avatar's `logout` is called if it has one.
 */
export class ConnectionRealm implements IRealm {
  readonly #container: DependencyContainer;

  constructor(container: DependencyContainer = root) {
    this.#container = container;
  }

  requestAvatar(avatarId: AvatarId): PortalLogin<IConchUser> {
    const container = this.#container.createChildContainer();
    container.register(IAvatarId, { useFactory: () => avatarId });
    const avatar = this.#container.isRegistered(IConchUser, true) ? container.resolve(IConchUser) : new InjectedUser();
    containers.set(avatar, container);
    container.register(IConchUser, { useValue: avatar });
    container.register(IChannelOpenOptions, { useFactory: () => openings.get(container) ?? outside() });
    container.register(SSHConnection, { useFactory: () => connectionOf(avatar) });
    container.register(IPeerAddress, { useFactory: () => connectionOf(avatar).transport!.getPeer().address });
    const logout = (): void => {
      try {
        (avatar as { logout?(): void }).logout?.();
      } finally {
        maybeDeferred(async () => container.dispose()).addErrback((reason: Failure) => {
          log.failure("disposing of what a connection had failed", reason);
        });
      }
    };
    return [IConchUser, avatar, logout];
  }
}

/**
 * A user whose interfaces come from the container of the connection: `ISession` and `ISFTPServer` are what is registered
 * as such, a new one for each session. Sessions are channels of `SSHSession`.
 */
export class InjectedUser extends ConchUser {
  constructor() {
    super();
    this.channelLookup["session"] = SSHSession;
  }

  __conform__(token: InterfaceToken): unknown {
    const container = containers.get(this);
    if (token === IConchUser || !container?.isRegistered(token, true)) return null;
    return container.resolve(token);
  }
}

/**
 * An entry of `channelLookup` that resolves the channel's class, or what is registered for a token, in the container of
 * the connection; `IChannelOpenOptions` are those of the channel.
 *
 * ```ts
 * user.channelLookup["session"] = injected(MySession);
 * ```
 */
export function injected(token: InjectionToken<SSHChannel>): (options: ChannelOpenOptions) => SSHChannel {
  return (options) => {
    const container = containerOf(options.avatar);
    openings.set(container, options);
    try {
      return container.resolve(token);
    } finally {
      openings.delete(container);
    }
  };
}

function outside(): never {
  throw new TypeError("IChannelOpenOptions are for what is made by an entry of injected()");
}

function connectionOf(avatar: IConchUser): SSHConnection {
  if (avatar.conn === null)
    throw new TypeError("the connection is known once the user is in, not while the avatar is made");
  return avatar.conn;
}
