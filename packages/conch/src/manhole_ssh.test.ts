import { Portal } from "@strombus/cred/portal";
import { type Componentized } from "@strombus/reactor/components";
import { Failure } from "@strombus/reactor/failure";
import { assertNoLoggedErrors, captureLoggedErrors, flushLoggedErrors } from "@strombus/reactor/testing";
import { expect, test } from "vitest";
import { loggedErrors } from "./channel/fixtures.test.support.js";
import { ServerProtocol } from "./insults/insults.js";
import { RecordingProtocol } from "./insults/recorder.test.support.js";
import { IConchUser } from "./interfaces.js";
import { ConchFactory, TerminalRealm, TerminalSession, TerminalSessionTransport, TerminalUser } from "./manhole_ssh.js";
import { packRequest_pty_req, packRequest_window_change, SSHSession } from "./ssh/session.js";

class Channel extends SSHSession {
  readonly sent: string[] = [];
  readonly requests: string[] = [];
  override conn = {
    sendRequest: (_: unknown, type: string, data: Buffer) => void this.requests.push(`${type} ${data.toString("hex")}`),
    sendClose: () => (this.localClosed = true),
    logPrefix: () => "test",
    transport: null,
    channelsToRemoteChannel: new Map(),
  } as never;
  override write(data: Buffer | string): boolean {
    this.sent.push(data.toString());
    return true;
  }
}

function userOf(realm: TerminalRealm): TerminalUser {
  const [, user] = realm.requestAvatar("name", null, IConchUser);
  if (!(user instanceof TerminalUser)) throw new Error("a user of another class");
  return user;
}

function served() {
  const realm = new TerminalRealm();
  const applications: RecordingProtocol[] = [];
  realm.chainedProtocolFactory = () =>
    new ServerProtocol(() => {
      applications.push(new RecordingProtocol());
      return applications.at(-1)!;
    });
  const user = userOf(realm);
  return { realm, user, applications, open: () => new Channel({ avatar: user }) };
}

const pty = (rows: number, columns: number) => packRequest_pty_req("vt102", [rows, columns, 0, 0], "");

test("a shell is a terminal protocol, in the size of the client's terminal", () => {
  const { open, applications } = served();
  const channel = open();
  expect(channel.requestReceived("pty-req", pty(30, 100))).toBe(true);
  expect(channel.requestReceived("shell", Buffer.alloc(0))).toBe(true);
  expect((channel.session as TerminalSession).term).toBe("vt102");
  void channel.dataReceived(Buffer.from("a\x1b[A"));
  expect(channel.requestReceived("window-change", packRequest_window_change([10, 40, 0, 0]))).toBe(true);
  applications[0]!.terminal.write("x\n");
  applications[0]!.terminal.writeSequence(["y", "z"]);
  expect(channel.sent.join("")).toBe("x\r\nyz");
  expect(applications[0]!.calls).toEqual([
    ["connectionMade"],
    ["size", 100, 30],
    ["key", "a", null],
    ["key", "[UP_ARROW]", null],
    ["size", 40, 10],
  ]);
});

test("without a terminal it has 80 columns, and a size that there is not is none", () => {
  const { open, applications } = served();
  const channel = open();
  channel.requestReceived("shell", Buffer.alloc(0));
  channel.requestReceived("window-change", packRequest_window_change([0, 2 ** 32 - 1, 0, 0]));
  expect(applications[0]!.calls.slice(1)).toEqual([
    ["size", 80, 24],
    ["size", 10_000, 24],
  ]);
});

test("input that came before the shell is heard after its begin", () => {
  const { open, applications } = served();
  const channel = open();
  void channel.dataReceived(Buffer.from("a"));
  channel.requestReceived("shell", Buffer.alloc(0));
  expect(applications[0]!.calls.map(([name]) => name)).toEqual(["connectionMade", "size", "key"]);
});

test("each channel has a session of its own", () => {
  const { open, applications } = served();
  const [one, other] = [open(), open()];
  one.requestReceived("pty-req", pty(30, 100));
  for (const each of [one, other]) each.requestReceived("shell", Buffer.alloc(0));
  expect(applications.map(({ calls }) => calls[1])).toEqual([
    ["size", 100, 30],
    ["size", 80, 24],
  ]);
});

test("its end is told once, from either side, and to the client as success", () => {
  for (const [end, status] of [
    [(channel: Channel) => void ((channel.localClosed = true), channel.closed()), false],
    [(channel: Channel) => void channel.eofReceived(), true],
    [(_: Channel, application: RecordingProtocol) => application.terminal.loseConnection(), true],
  ] as const) {
    const { open, applications } = served();
    const channel = open();
    channel.requestReceived("shell", Buffer.alloc(0));
    end(channel, applications[0]!);
    applications[0]!.terminal.loseConnection();
    void channel.closed();
    expect(applications[0]!.calls.filter(([name]) => name === "lost")).toHaveLength(1);
    expect(applications[0]!.calls.at(-1)![1]).toBeInstanceOf(Failure);
    expect(channel.requests.includes("exit-status 00000000")).toBe(status);
  }
});

test("what fails at the end is logged, now or later", async () => {
  captureLoggedErrors();
  for (const failing of [
    () => {
      throw new Error("no");
    },
    () => Promise.reject(new Error("no")),
  ]) {
    const { open, applications } = served();
    const channel = open();
    channel.requestReceived("shell", Buffer.alloc(0));
    applications[0]!.connectionLost = failing;
    void channel.closed();
    await new Promise((resolve) => setImmediate(resolve));
    expect(flushLoggedErrors().map(({ value }) => value)).toEqual([new Error("no")]);
  }
  assertNoLoggedErrors();
});

test("a protocol that fails to begin refuses the shell; commands are refused", () => {
  const { realm } = served();
  realm.chainedProtocolFactory = () =>
    new ServerProtocol(() => {
      throw new Error("no");
    });
  const channel = new Channel({ avatar: userOf(realm) });
  const errors = loggedErrors(() => {
    expect(channel.requestReceived("shell", Buffer.alloc(0))).toBe(false);
    expect(channel.requestReceived("exec", Buffer.from("\0\0\0\x02ls"))).toBe(false);
  }) as Error[];
  expect(errors.map(({ message }) => message)).toEqual(["no", "Cannot execute commands"]);
});

test("a realm that names no protocol refuses the shell, instead of one that answers nothing", () => {
  const errors = loggedErrors(() => {
    expect(new Channel({ avatar: userOf(new TerminalRealm()) }).requestReceived("shell", Buffer.alloc(0))).toBe(false);
  }) as Error[];
  expect(errors.map(({ message }) => message)).toEqual([expect.stringContaining("chainedProtocolFactory")]);
});

test("a protocol may be named for all realms, by the class of their servers", () => {
  ServerProtocol.protocolFactory = RecordingProtocol;
  try {
    expect(new ServerProtocol()).toMatchObject({ protocolFactory: RecordingProtocol, protocolArgs: [] });
    const own = () => new RecordingProtocol();
    expect(new ServerProtocol(own).protocolFactory).toBe(own);
    expect(new Channel({ avatar: userOf(new TerminalRealm()) }).requestReceived("shell", Buffer.alloc(0))).toBe(true);
  } finally {
    ServerProtocol.protocolFactory = null;
  }
});

test("a protocol that fails at its size, now or later, refuses the shell and hears of its end", async () => {
  for (const failing of [
    () => {
      throw new Error("no");
    },
    () => Promise.reject(new Error("no")),
  ]) {
    captureLoggedErrors();
    const { realm, user } = served();
    const application = new RecordingProtocol();
    application.terminalSize = failing;
    realm.chainedProtocolFactory = () => new ServerProtocol(() => application);
    expect(await new Channel({ avatar: user }).requestReceived("shell", Buffer.alloc(0))).toBe(false);
    expect(application.calls.map(([name]) => name)).toEqual(["connectionMade", "lost"]);
    expect(flushLoggedErrors()).toHaveLength(1);
    assertNoLoggedErrors();
  }
});

test("users, sessions and transports may be of other classes", () => {
  class User extends TerminalUser {}
  class Session extends TerminalSession {}
  class Transport extends TerminalSessionTransport {}
  const realm = new TerminalRealm(Transport);
  realm.userFactory = User;
  realm.sessionFactory = (parts: Componentized) => new Session(parts);
  realm.chainedProtocolFactory = () => new ServerProtocol(RecordingProtocol);
  const user = userOf(realm);
  expect(user).toBeInstanceOf(User);
  expect(user.avatarId).toBe("name");
  const channel = new Channel({ avatar: user });
  expect(channel.requestReceived("shell", Buffer.alloc(0))).toBe(true);
  expect(channel.session).toBeInstanceOf(Session);
  expect((channel.session as Session).transportFactory).toBe(Transport);
  expect(() => realm.requestAvatar("name", null)).toThrow("IConchUser alone");
});

test("each factory has keys of its own", () => {
  const portal = new Portal(new TerminalRealm());
  const [one, other] = [new ConchFactory(portal), new ConchFactory(portal)];
  expect(one.portal).toBe(portal);
  expect(one.privateKeys).not.toBe(other.privateKeys);
  expect(one.publicKeys).toEqual({});
});
