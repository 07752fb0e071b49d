/** Accounts and their sessions, on a reactor that starts nothing. */
import { userInfo } from "node:os";
import { LoginDenied } from "@strombus/cred/error";
import { ANONYMOUS } from "@strombus/cred/checkers";
import type { AvatarId } from "@strombus/cred/portal";
import { adapt } from "@strombus/reactor/components";
import { KeyError } from "@strombus/reactor/exceptions";
import { type FakeProcess, MemoryReactor } from "@strombus/reactor/testing";
import { describe, expect, test } from "vitest";
import { FakeTransport, loggedErrors, open } from "../channel/fixtures.test.support.js";
import type { PasswdEntry } from "../checkers/passwd.js";
import {
  EnvironmentVariableNotPermitted,
  IConchUser,
  ISession,
  ISessionForwardAgent,
  ISessionForwardX11,
  ISessionSetEnv,
  ISessionSignal,
} from "../interfaces.js";
import { Env, ExitStatus, Exec, Signal, Subsystem } from "../messages/connection.js";
import { SSHConnection } from "../ssh/connection.js";
import { packRequest_pty_req, packRequest_window_change, type SSHSession } from "../ssh/session.js";
import { ECHO, VINTR } from "../ttymodes.js";
import { SSHSessionForUnixConchUser, UnixConchUser, UnixSSHRealm } from "../unix.js";

const me = userInfo();
const isRoot = me.uid === 0;

const account: PasswdEntry = {
  pw_name: me.username,
  pw_passwd: "x",
  pw_uid: me.uid,
  pw_gid: me.gid,
  pw_gecos: "",
  pw_dir: "/usr",
  pw_shell: "/bin/bash",
};

/** A session channel on a connection, whose programs a test plays. */
function session(record: Partial<PasswdEntry> = {}) {
  const user = new UnixConchUser(me.username, { ...account, ...record });
  const reactor = new MemoryReactor();
  const connection = new SSHConnection();
  const transport = new FakeTransport().of(connection);
  user.conn = connection;
  const Channel = user.channelLookup["session"] as new (options: object) => SSHSession;
  const channel = open(connection, new Channel({ avatar: user, remoteWindow: 1000, remoteMaxPacket: 1000 }));
  const unix = new SSHSessionForUnixConchUser(user, reactor);
  channel.session = unix;
  return { user, unix, channel, transport, processes: reactor.processes };
}

function started(processes: FakeProcess[]): FakeProcess {
  expect(processes).toHaveLength(1);
  return processes[0]!;
}

describe("UnixSSHRealm", () => {
  const find = async (id: AvatarId | symbol, options = {}) =>
    (await new UnixSSHRealm(options).requestAvatar(id as AvatarId, null, IConchUser)) as readonly [
      unknown,
      UnixConchUser,
      () => void,
    ];

  test("gives whoever logs in the account of that name", async () => {
    const [token, user, logout] = await find(me.username);
    expect(token).toBe(IConchUser);
    expect(user).toBeInstanceOf(UnixConchUser);
    expect(user.getHomeDir()).toBe(me.homedir);
    expect(user.getUserGroupId()).toEqual([me.uid, me.gid]);
    expect(user.getOtherGroups()[0]).toBe(me.gid);
    expect(user.getShell()).toBe(me.shell);
    expect([user.agentForwarding, user.x11Forwarding]).toEqual([false, false]); // C9
    logout();
  });

  test("denies anonymous users, and those who are no accounts", async () => {
    for (const id of [ANONYMOUS, "no-such-account", "", "constructor"]) {
      await expect(Promise.resolve().then(() => find(id))).rejects.toThrow(LoginDenied);
    }
    expect(() => new UnixConchUser("no-such-account")).toThrow(KeyError);
  });

  test.runIf(!isRoot)("denies other accounts when it is not root", async () => {
    await expect(Promise.resolve().then(() => find("root"))).rejects.toThrow(LoginDenied);
  });

  test("takes accounts from elsewhere, at once or later, and allows what it is told to", async () => {
    const users = { getpwnam: () => Promise.resolve(account) };
    const [, user] = await find("anybody", { users, agentForwarding: true, subsystemPrograms: { sftp: "/sftp -e" } });
    expect([user.getHomeDir(), user.agentForwarding, user.subsystemPrograms.get("sftp")]).toEqual([
      "/usr",
      true,
      "/sftp -e",
    ]);
  });
});

test("a user is adapted to a session that can do all there is", () => {
  const found = adapt(ISession, new UnixConchUser(me.username));
  for (const token of [ISessionSetEnv, ISessionSignal, ISessionForwardAgent, ISessionForwardX11]) {
    expect(found).toBeInstanceOf(token as never);
  }
});

describe("a command", () => {
  test("runs in the account's shell and home, with the account's environment, and its end is told", () => {
    const { channel, transport, processes } = session();
    expect(channel.requestReceived("exec", Exec.encode({ command: "echo $HOME; exit 3" }))).toBe(true);
    const child = started(processes);
    expect([child.executable, child.args]).toEqual(["/bin/bash", ["/bin/bash", "-c", "echo $HOME; exit 3"]]);
    expect(child.options).toMatchObject({ path: "/usr", newSession: true });
    expect(child.options.usePTY).toBeUndefined();
    expect(child.options.env).toMatchObject({
      HOME: "/usr",
      USER: me.username,
      LOGNAME: me.username,
      SHELL: "/bin/bash",
      SSH_CLIENT: "192.168.1.1 54321 12345",
      SSH_CONNECTION: "192.168.1.1 54321 10.0.0.1 12345",
    });
    expect(child.options.env).not.toHaveProperty("SSH_TTY");
    if (isRoot) expect(child.options).toMatchObject({ uid: 0, gid: 0 });
    else expect(child.options.uid).toBeUndefined();
    transport.take();
    child.says("/usr\n");
    child.says("oops\n", 2);
    child.exit(3);
    const sent = transport.take();
    expect(sent.map(([number]) => number)).toEqual([94, 95, 96, 98, 97]);
    expect(sent[3]![1]).toContain(Buffer.from("exit-status").toString("hex"));
    expect(sent[3]![1].endsWith(ExitStatus.encode({ status: 3 }).toString("hex"))).toBe(true);
  });

  test("runs at the root when the home is not there, and says so", () => {
    const { channel, transport, processes } = session({ pw_dir: "/no/such/home" });
    channel.requestReceived("exec", Exec.encode({ command: "pwd" }));
    expect(started(processes).options).toMatchObject({ path: "/", env: { HOME: "/no/such/home" } });
    expect(transport.take().map(([number]) => number)).toContain(95);
  });

  test("runs in /bin/sh when the account has no shell", () => {
    const { channel, processes } = session({ pw_shell: "" });
    channel.requestReceived("exec", Exec.encode({ command: "x" }));
    expect(started(processes).args[0]).toBe("/bin/sh");
  });

  test("that is no UTF-8 is refused, since it could only be run changed", () => {
    const { channel, processes } = session();
    const errors = loggedErrors(() => {
      expect(channel.requestReceived("exec", Exec.encode({ command: Buffer.from([0x66, 0xff]) }))).toBe(false);
    });
    expect(errors).toHaveLength(1);
    expect(processes).toEqual([]);
  });

  test("takes what the client sends, is told of its end, and is hung up when the channel closes (S4)", () => {
    const { channel, processes } = session();
    channel.requestReceived("exec", Exec.encode({ command: "cat" }));
    const child = started(processes);
    void channel.dataReceived(Buffer.from("typed"));
    expect(child.input).toBe("typed");
    void channel.eofReceived();
    expect(child.open.has(0)).toBe(false);
    void channel.closed();
    expect(child.signals).toEqual([-1]);
    expect(child.disconnecting).toBe(true);
  });

  test("gets the client's signals, with all its children", () => {
    const { channel, processes } = session();
    const errors = loggedErrors(() => {
      expect(channel.requestReceived("signal", Signal.encode({ name: "TERM" }))).toBe(false); // nothing runs
    });
    expect(errors).toHaveLength(1);
    channel.requestReceived("exec", Exec.encode({ command: "x" }));
    expect(channel.requestReceived("signal", Signal.encode({ name: "USR1" }))).toBe(true);
    expect(started(processes).signals).toEqual([-10]);
  });
});

describe("a shell", () => {
  test("is a login shell on the terminal that was asked for", () => {
    const { channel, processes } = session();
    const modes: [number, number][] = [
      [VINTR, 3],
      [ECHO, 0],
    ];
    expect(channel.requestReceived("pty-req", packRequest_pty_req("xterm", [40, 100, 800, 600], modes))).toBe(true);
    expect(channel.requestReceived("shell", Buffer.alloc(0))).toBe(true);
    const child = started(processes);
    expect([child.executable, child.args]).toEqual(["/bin/bash", ["-bash"]]);
    expect(child.options.env).toMatchObject({ TERM: "xterm" });
    const terminal = child.options.usePTY as { modes: string[] };
    expect(terminal).toMatchObject({ rows: 40, columns: 100, xPixels: 800, yPixels: 600, nameVariable: "SSH_TTY" });
    expect(terminal.modes.slice(-3)).toEqual(["intr", "^C", "-echo"]);
    expect(channel.requestReceived("window-change", packRequest_window_change([50, 120, 1, 2]))).toBe(true);
    expect(child.windowSizes).toEqual([[50, 120, 1, 2]]);
    expect(channel.requestReceived("break", Buffer.from("000001f4", "hex"))).toBe(true);
  });

  test("runs on pipes without one, where there is no size to change and no line to break", () => {
    const { channel, processes } = session();
    channel.requestReceived("shell", Buffer.alloc(0));
    expect(started(processes).options.usePTY).toBeUndefined();
    // A process of the memory reactor could be either, so the size alone tells.
    expect(started(processes).windowSizes).toEqual([]);
  });
});

test("S1: LANG and LC_* are accepted from the client, and nothing else", () => {
  const { unix, channel } = session();
  const env = (name: string, value: string | Buffer) =>
    channel.requestReceived("env", Env.encode({ name: Buffer.from(name), value: Buffer.from(value) }));
  expect(env("LANG", "de_DE.UTF-8")).toBe(true);
  expect(env("LC_ALL", "C")).toBe(true);
  for (const name of ["PATH", "LD_PRELOAD", "BASH_ENV", "LC_", "LC_a", "XLANG", "__proto__", "LANG=", ""]) {
    expect(env(name, "x"), name).toBe(false);
  }
  expect(env("LC_CTYPE", Buffer.from([0xff]))).toBe(false);
  expect(env("LC_CTYPE", "a\0b")).toBe(false);
  expect(unix.environ).toMatchObject({ LANG: "de_DE.UTF-8", LC_ALL: "C" });
  expect(() => unix.setEnv(Buffer.from("PATH"), Buffer.from("/"))).toThrow(EnvironmentVariableNotPermitted);
});

test("a subsystem that is a program runs in the account's shell; others are the avatar's", () => {
  const { user, channel, processes } = session();
  user.subsystemPrograms.set("sftp", "/usr/lib/sftp-server");
  expect(channel.requestReceived("subsystem", Subsystem.encode({ name: "other" }))).toBe(false);
  expect(channel.requestReceived("subsystem", Subsystem.encode({ name: "sftp" }))).toBe(true);
  expect(started(processes).args).toEqual(["/bin/bash", "-c", "/usr/lib/sftp-server"]);
});

test("C9: the agent and the display are refused unless the user may have them forwarded", async () => {
  const { unix } = session();
  await expect(unix.forwardAgent()).rejects.toThrow("off");
  const request = { singleConnection: false, protocol: "MIT-MAGIC-COOKIE-1", cookie: "00", screen: 0 };
  await expect(unix.forwardX11(request)).rejects.toThrow("off");
});
