import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ISSHPrivateKey, IUsernamePassword, UsernamePassword } from "@strombus/cred/credentials";
import { verifyCryptedPassword } from "@strombus/cred/crypt";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { AuthOptionMixin, registerCheckerFactory } from "@strombus/cred/strcred";
import { KeyError, OSError, ValueError } from "@strombus/reactor/exceptions";
import { ShadowDatabase, UserDatabase } from "@strombus/reactor/fakepwd";
import { formatEvent, globalLogPublisher, type LogEvent } from "@strombus/reactor/logger";
import { Options } from "@strombus/reactor/usage";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { SSHPublicKeyChecker, UNIXAuthorizedKeysFiles } from "../checkers.js";
import { theSSHKeyCheckerFactory, theUnixCheckerFactory, UNIXChecker } from "../plugins.js";
import { pwd } from "./passwd.js";
import { expiry, type ShadowEntry, spwd } from "./shadow.js";
import { type GetByName, UNIXPasswordDatabase, _pwdGetByName, _shadowGetByName } from "./unix-password.js";

vi.mock(import("@strombus/cred/crypt"), async (original) => {
  const crypt = await original();
  return { ...crypt, verifyCryptedPassword: vi.fn(crypt.verifyCryptedPassword) };
});

/** Hashes of `strombus`. */
const SHA512 = "$6$shell$Uqk.9ZPPhOrSI5zoGri/LgPrt47OKTcIU2DfK1V8F98Sz5OFEoC2xCuxvZuODf.eAcw07tvpPPwVWIb4ZbJgz.";
const YESCRYPT = "$y$j9T$abcdefgh$fhBA2fFlWQQP4CJ3ycA6ZG4aOCvyWz8/OVNB2RhA9LA";

const TODAY = Math.floor(Date.now() / 86_400_000);

function shadowEntry(fields: Partial<ShadowEntry> = {}): ShadowEntry {
  const dates = { sp_lstchg: TODAY, sp_min: 0, sp_max: 99_999, sp_warn: 7, sp_inact: null, sp_expire: null };
  return { sp_namp: "alice", sp_pwdp: YESCRYPT, ...dates, ...fields };
}

/** A database with one user, alice. */
function database(hash: string): GetByName {
  return (username) => {
    if (username !== "alice") throw new KeyError("no such user");
    return { 1: hash };
  };
}

async function login(database: UNIXPasswordDatabase, username = "alice", password = "strombus"): Promise<string> {
  return database.requestAvatarId(new UsernamePassword(username, password));
}

afterEach(() => {
  vi.restoreAllMocks();
  vi.mocked(verifyCryptedPassword).mockClear();
});

describe("a login with the password of a UNIX account", () => {
  test("succeeds by the hash in passwd, and then shadow is not asked", async () => {
    const shadow = vi.fn<GetByName>();
    expect(await login(new UNIXPasswordDatabase([database(SHA512), shadow]))).toBe("alice");
    expect(shadow).not.toHaveBeenCalled();
  });

  test("succeeds by the hash in shadow when passwd has none, or another", async () => {
    for (const first of ["x", "", "*", SHA512.replace("Uqk", "Uqm")]) {
      expect(await login(new UNIXPasswordDatabase([database(first), database(YESCRYPT)]))).toBe("alice");
    }
  });

  test("may be checked by any list of functions, at once or later, and one may have no database", async () => {
    const later: GetByName = async (username) => await database(YESCRYPT)(username);
    expect(await login(new UNIXPasswordDatabase([() => null, later]))).toBe("alice");
    await expect(login(new UNIXPasswordDatabase([() => null]))).rejects.toThrow(UnauthorizedLogin);
    await expect(login(new UNIXPasswordDatabase([]))).rejects.toThrow("unable to verify password");
  });

  test("fails with a wrong password, whoever has it", async () => {
    const checker = new UNIXPasswordDatabase([database(SHA512), database(YESCRYPT)]);
    for (const password of ["Strombus", "", SHA512, YESCRYPT, "strombus\0"]) {
      await expect(login(checker, "alice", password)).rejects.toThrow(UnauthorizedLogin);
    }
  });

  test("fails for an unknown user, and later functions are not asked", async () => {
    const second = vi.fn<GetByName>(() => ({ 1: YESCRYPT }));
    await expect(login(new UNIXPasswordDatabase([database(SHA512), second]), "bob")).rejects.toThrow(
      "invalid username",
    );
    expect(second).not.toHaveBeenCalled();
  });

  test("fails for an account without a password, whatever is typed", async () => {
    for (const locked of ["", "x", "*", "!", `!${YESCRYPT}`, "*0"]) {
      const checker = new UNIXPasswordDatabase([database(locked)]);
      for (const password of [locked, "", "strombus"]) {
        await expect(login(checker, "alice", password)).rejects.toThrow(UnauthorizedLogin);
      }
    }
  });

  test("fails, and the log says why, when a database cannot be read", async () => {
    const checker = new UNIXPasswordDatabase([
      () => {
        throw new OSError("EACCES: permission denied, open '/etc/shadow'", { code: "EACCES" });
      },
    ]);
    let failed: unknown;
    const events = await logsOf(async () => (failed = await login(checker).catch((error: unknown) => error)));
    expect(failed).toBeInstanceOf(UnauthorizedLogin);
    expect(events).toEqual([expect.stringContaining("EACCES: permission denied")]);
  });

  test("fails when account or password have expired, or the password must be changed", async () => {
    const refused = { sp_expire: TODAY, sp_lstchg: 0 };
    for (const [field, value] of Object.entries(refused)) {
      const checker = new UNIXPasswordDatabase([() => shadowEntry({ [field]: value })]);
      await expect(login(checker)).rejects.toThrow(UnauthorizedLogin);
    }
    expect(await login(new UNIXPasswordDatabase([() => shadowEntry()]))).toBe("alice");
  });
});

test("A12: unknown and locked users cost a hash like that of a user who is known", async () => {
  const hashes = new Map([
    ["alice", YESCRYPT],
    ["daemon", "*"],
  ]);
  const checker = new UNIXPasswordDatabase([
    (username) => {
      const hash = hashes.get(username);
      if (hash === undefined) throw new KeyError("no such user");
      return { 1: hash };
    },
  ]);
  for (const username of ["daemon", "nobody at all", "alice", "daemon", "nobody at all"]) {
    await login(checker, username, "wrong").catch(() => {});
  }
  const compared = vi.mocked(verifyCryptedPassword).mock.calls.map(([stored]) => stored);
  const debian = expect.stringMatching(/^\$y\$j9T\$/) as string;
  expect(compared).toEqual([debian, debian, YESCRYPT, YESCRYPT, YESCRYPT]);
  expect(await verifyCryptedPassword(compared[0]!, "wrong")).toBe(false);
});

test("shadow is read as root where that is possible, and as who we are where not", () => {
  const ids: number[] = [];
  vi.spyOn(process, "geteuid").mockReturnValue(2345);
  vi.spyOn(process, "getegid").mockReturnValue(1234);
  vi.spyOn(process, "setegid").mockReturnValue();
  const seteuid = vi.spyOn(process, "seteuid").mockImplementation((id) => void ids.push(Number(id)));
  expect(() => _shadowGetByName("nobody of this name")).toThrow(/no user|EACCES/);
  expect(ids).toEqual([0, 2345]);

  seteuid.mockImplementation(() => {
    throw Object.assign(new Error("EPERM, Operation not permitted"), { code: "EPERM" });
  });
  expect(() => _shadowGetByName("nobody of this name")).toThrow(/no user|EACCES/);
});

describe("the system's databases", () => {
  const folder = mkdtempSync(join(tmpdir(), "unix-"));
  const { path: passwd } = pwd;
  const { path: shadow } = spwd;
  afterEach(() => {
    Object.assign(pwd, { path: passwd });
    Object.assign(spwd, { path: shadow });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("are files, which another can take the place of", async () => {
    Object.assign(pwd, { path: join(folder, "passwd") });
    Object.assign(spwd, { path: join(folder, "shadow") });
    writeFileSync(pwd.path, "broken:x\nalice:x:1:2:Alice:/home/alice:/bin/sh\n");
    writeFileSync(spwd.path, `alice:${YESCRYPT}:${TODAY}:0:99999:7:::\n`);
    expect([...pwd.getpwnam("alice")]).toEqual(["alice", "x", 1, 2, "Alice", "/home/alice", "/bin/sh"]);
    expect(pwd.getpwnam("alice")).toMatchObject({ pw_uid: 1, pw_dir: "/home/alice" });
    expect(() => pwd.getpwnam("broken")).toThrow(KeyError);
    expect(await login(new UNIXPasswordDatabase())).toBe("alice");
    await expect(login(new UNIXPasswordDatabase(), "alice", "wrong")).rejects.toThrow(UnauthorizedLogin);
    await expect(login(new UNIXPasswordDatabase(), "bob")).rejects.toThrow("invalid username");
  });

  test("may be missing: then a look-up gives null, and for shadow no id is switched", async () => {
    Object.assign(pwd, { path: join(folder, "none") });
    Object.assign(spwd, { path: join(folder, "none") });
    const switched = [vi.spyOn(process, "seteuid"), vi.spyOn(process, "setegid")];
    vi.spyOn(process, "geteuid").mockReturnValue(2345);
    expect([_pwdGetByName("alice"), _shadowGetByName("alice")]).toEqual([null, null]);
    for (const each of switched) expect(each).not.toHaveBeenCalled();
    await expect(login(new UNIXPasswordDatabase())).rejects.toThrow("unable to verify password");
    expect(() => new UNIXAuthorizedKeysFiles()).toThrow(ValueError);
  });

  test("have doubles that tests can ask instead", async () => {
    const [users, passwords] = [new UserDatabase(), new ShadowDatabase()];
    users.addUser("alice", "x");
    passwords.addUser("alice", SHA512);
    const checker = new UNIXPasswordDatabase([(name) => users.getpwnam(name), (name) => passwords.getspnam(name)]);
    expect(await login(checker)).toBe("alice");
    await expect(login(checker, "bob")).rejects.toThrow("invalid username");
  });
});

test("--auth unix makes a checker of them", () => {
  const checker = theUnixCheckerFactory.generateChecker("whatever");
  expect(checker).toBeInstanceOf(UNIXChecker);
  expect(checker).toBeInstanceOf(UNIXPasswordDatabase);
  expect(theUnixCheckerFactory).toMatchObject({ authType: "unix", credentialInterfaces: [IUsernamePassword] });
  expect(theSSHKeyCheckerFactory).toMatchObject({ authType: "sshkey", credentialInterfaces: [ISSHPrivateKey] });
  expect(theSSHKeyCheckerFactory.generateChecker("")).toBeInstanceOf(SSHPublicKeyChecker);
});

test("a program's --auth notes it beside the other checkers of passwords", () => {
  registerCheckerFactory(theUnixCheckerFactory);
  const options = new (AuthOptionMixin(Options))();
  options.supportedInterfaces = [IUsernamePassword];
  options.parseOptions(["--auth", "memory", "--auth", "unix"]);
  const checkers = options.get("credCheckers") as unknown[];
  expect(checkers).toHaveLength(2);
  expect(checkers[1]).toBeInstanceOf(UNIXChecker);
  expect(options.get("credInterfaces")).toEqual(new Map([[IUsernamePassword, checkers]]));
});

test("expiry follows shadow(5): empty fields set no limit", () => {
  const none = { sp_lstchg: null, sp_max: null, sp_expire: null };
  expect(expiry(shadowEntry(none), 20_000)).toBeNull();
  const aged = { sp_lstchg: 19_000, sp_max: 90 };
  expect(expiry(shadowEntry(aged), 19_090)).toBeNull();
  expect(expiry(shadowEntry(aged), 19_091)).toBe("the password has expired");
  expect(expiry(shadowEntry({ sp_expire: 20_000 }), 19_999)).toBeNull();
  expect(expiry(shadowEntry({ sp_expire: 20_000 }), 20_000)).toBe("the account has expired");
  expect(expiry(shadowEntry({ sp_lstchg: 0 }), 20_000)).toBe("the password must be changed");
});

/** What is logged until the promise settles. */
async function logsOf(act: () => Promise<unknown>): Promise<string[]> {
  const logged: string[] = [];
  const observer = (event: LogEvent) => void logged.push(formatEvent(event));
  globalLogPublisher.addObserver(observer);
  await act();
  globalLogPublisher.removeObserver(observer);
  return logged;
}
