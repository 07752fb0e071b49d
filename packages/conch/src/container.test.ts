import type { ICredentialsChecker as Checker } from "@strombus/cred/checkers";
import { ICredentialsChecker, InMemoryUsernamePasswordDatabaseDontUse } from "@strombus/cred/checkers";
import { IUsernamePassword, UsernamePassword } from "@strombus/cred/credentials";
import { IRealm, Portal } from "@strombus/cred/portal";
import { adapt, interfaceToken } from "@strombus/reactor/components";
import {
  container as root,
  type DependencyContainer,
  inject,
  injectable,
  Lifecycle,
} from "@strombus/reactor/container";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { type ChannelOpenOptions, ConchUser } from "./avatar.js";
import {
  ConnectionRealm,
  containerOf,
  IAvatarId,
  IChannelOpenOptions,
  IHostKey,
  injected,
  InjectedUser,
  IPeerAddress,
  registerConch,
} from "./container.js";
import { IConchUser, ISession } from "./interfaces.js";
import { SSHChannel } from "./ssh/channel.js";
import { SSHConnection } from "./ssh/connection.js";
import { SSHFactory } from "./ssh/factory.js";
import { Key } from "./ssh/keys.js";

interface IClockwork {
  ticks: number;
}
const IClockwork = interfaceToken<IClockwork>("IClockwork");

/** Shared by what is made for one connection. */
@injectable()
class Shared {
  disposed = 0;
  constructor(
    @inject(IAvatarId) readonly user: IAvatarId,
    @inject(IClockwork) readonly clockwork: IClockwork,
  ) {}
  dispose(): void {
    this.disposed++;
  }
}

@injectable()
class Session implements ISession {
  constructor(
    @inject(Shared) readonly shared: Shared,
    @inject(IConchUser) readonly avatar: IConchUser,
    @inject(SSHConnection) readonly connection: SSHConnection,
    @inject(IPeerAddress) readonly peer: IPeerAddress,
  ) {}
  getPty() {}
  openShell() {}
  execCommand() {}
  windowChanged() {}
  eofReceived() {}
  closed() {}
}

@injectable()
class Channel extends SSHChannel {
  constructor(
    @inject(IChannelOpenOptions) options: IChannelOpenOptions,
    @inject(Shared) readonly shared: Shared,
  ) {
    super(options);
  }
}

const address = { equals: () => false, toString: () => "somewhere" };
let container: DependencyContainer;

beforeEach(() => {
  container = root.createChildContainer();
  container.register(IClockwork, { useValue: { ticks: 7 } });
  container.register(Shared, { useClass: Shared }, { lifecycle: Lifecycle.ContainerScoped });
  container.register(ISession, { useClass: Session });
  container.register(ICredentialsChecker, {
    useValue: new InMemoryUsernamePasswordDatabaseDontUse({ alice: "a", bob: "b" }),
  });
});

/** The value, which is an instance of the class. */
function an<T>(type: new (...args: never[]) => T, value: unknown): T {
  expect(value).toBeInstanceOf(type);
  return value as T;
}

/** Logs in, and lets the connection begin. */
async function login(name: string, password = name[0]!) {
  const portal = registerConch(container).resolve(Portal);
  const [, avatar, logout] = await portal.login(new UsernamePassword(name, password), null, IConchUser);
  const connection = new SSHConnection();
  connection.transport = { getPeer: () => ({ address }) } as unknown as NonNullable<SSHConnection["transport"]>;
  avatar.conn = connection;
  return { avatar: an(InjectedUser, avatar), logout, connection };
}

describe("a session", () => {
  test("gets its services injected: those of the server, and those of its connection", async () => {
    const { avatar, connection } = await login("alice");
    const session = an(Session, adapt(ISession, avatar));
    expect(session.avatar).toBe(avatar);
    expect(session.connection).toBe(connection);
    expect(session.peer).toBe(address);
    expect(session.shared.user).toBe("alice");
    expect(session.shared.clockwork).toBe(container.resolve(IClockwork));
  });

  test("is made anew for each channel, and shares what is its connection's with nobody else's", async () => {
    const { avatar } = await login("alice");
    const [first, second] = [an(Session, adapt(ISession, avatar)), an(Session, adapt(ISession, avatar))];
    expect(first).not.toBe(second);
    expect(first.shared).toBe(second.shared);
    const again = await login("alice");
    expect(an(Session, adapt(ISession, again.avatar)).shared).not.toBe(first.shared);
  });

  test("is not there when none is registered", async () => {
    container = root.createChildContainer();
    container.register(ICredentialsChecker, { useValue: new InMemoryUsernamePasswordDatabaseDontUse({ alice: "a" }) });
    const { avatar } = await login("alice");
    expect(() => adapt(ISession, avatar)).toThrow(TypeError);
  });
});

describe("a channel class", () => {
  const open = (avatar: ConchUser): ChannelOpenOptions => {
    return { remoteWindow: 1000, remoteMaxPacket: 100, data: Buffer.from("x"), avatar };
  };

  test("gets how it is opened, and what is its connection's", async () => {
    const { avatar } = await login("alice");
    avatar.channelLookup["session"] = injected(Channel);
    const made = an(Channel, await avatar.lookupChannel("session", 1000, 100, Buffer.from("x")));
    expect(made.remoteWindowLeft).toBe(1000);
    expect(made.avatar).toBe(avatar);
    expect(made.shared).toBe(containerOf(avatar).resolve(Shared));
    expect(await avatar.lookupChannel("session", 1000, 100, Buffer.from("x"))).not.toBe(made);
  });

  test("is of a user that the container made, and of nobody else's", () => {
    expect(() => injected(Channel)(open(new ConchUser()))).toThrow("no container");
  });
});

describe("a user", () => {
  test("may be of a class of the application's, with services of its own and the name that the checker gave", async () => {
    @injectable()
    class User extends InjectedUser {
      constructor(@inject(Shared) readonly shared: Shared) {
        super();
      }
    }
    container.register(IConchUser, { useClass: User });
    const { avatar } = await login("bob");
    const { shared } = an(User, avatar);
    expect(shared.user).toBe("bob");
    expect(an(Session, adapt(ISession, avatar)).shared).toBe(shared);
  });

  test("cannot know the connection while it is made", async () => {
    @injectable()
    class User extends InjectedUser {
      constructor(@inject(IPeerAddress) readonly peer: IPeerAddress) {
        super();
      }
    }
    container.register(IConchUser, { useClass: User });
    await expect(login("bob")).rejects.toThrow();
  });

  test("takes what is its connection's with it, once it is logged out, and then only", async () => {
    const { avatar, logout } = await login("alice");
    const other = await login("bob");
    const { shared } = an(Session, adapt(ISession, avatar));
    const others = an(Session, adapt(ISession, other.avatar)).shared;
    expect(shared.disposed).toBe(0);
    logout();
    await vi.waitFor(() => expect(shared.disposed).toBe(1));
    expect(others.disposed).toBe(0);
  });
});

describe("a factory from a container", () => {
  test("has the portal with all checkers, and every host key", () => {
    const checker: Checker = { credentialInterfaces: [IUsernamePassword], requestAvatarId: () => "x" };
    container.register(ICredentialsChecker, { useValue: checker });
    const [ed25519, ecdsa] = [Key.generate("ed25519"), Key.generate("ecdsa")];
    container.register(IHostKey, { useValue: ed25519 }).register(IHostKey, { useValue: ecdsa });
    const factory = registerConch(container).resolve(SSHFactory);
    expect(factory.portal).toBe(container.resolve(Portal));
    expect(factory.portal!.checkers.get(IUsernamePassword)).toBe(checker);
    expect(factory.privateKeys).toEqual({ "ssh-ed25519": ed25519, "ecdsa-sha2-nistp256": ecdsa });
    expect(Object.keys(factory.publicKeys!)).toEqual(["ssh-ed25519", "ecdsa-sha2-nistp256"]);
    expect(container.resolve(SSHFactory)).toBe(factory);
  });

  test("leaves a realm of the application's alone", () => {
    const realm = new ConnectionRealm(container);
    container.register(IRealm, { useValue: realm });
    expect(registerConch(container).resolve(Portal).realm).toBe(realm);
  });
});
