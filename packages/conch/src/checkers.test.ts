import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AllowAnonymousAccess,
  ANONYMOUS,
  type AvatarId,
  InMemoryUsernamePasswordDatabaseDontUse,
} from "@strombus/cred/checkers";
import { Anonymous, IAnonymous, ISSHPrivateKey, IUsernamePassword, SSHPrivateKey } from "@strombus/cred/credentials";
import { UnauthorizedLogin, UnhandledCredentials } from "@strombus/cred/error";
import { directlyProvides, interfaceToken } from "@strombus/reactor/components";
import type { Deferred } from "@strombus/reactor/defer";
import { succeed } from "@strombus/reactor/defer";
import { KeyError } from "@strombus/reactor/exceptions";
import { Failure } from "@strombus/reactor/failure";
import { capturedLogs } from "@strombus/reactor/logger";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type AuthorizedKey,
  IAuthorizedKeysDB,
  InMemorySSHKeyDB,
  pwd,
  readAuthorizedKeyFile,
  SSHProtocolChecker,
  SSHPublicKeyChecker,
  UNIXAuthorizedKeysFiles,
  type UserDatabase,
} from "./checkers.js";
import { NotEnoughAuthentication, ValidPublicKey } from "./error.js";
import { BadKeyError, Key } from "./ssh/keys.js";
import { LoginScope, noteScope } from "./userauth/scope.js";

const alice = Key.generate("ed25519");
const mallory = Key.generate("ed25519");
const line = (key: Key, comment = "") => Buffer.from(key.public().toString("openssh", { comment }));

/** What a Deferred that has fired came to: the value, or the error. */
function outcomeOf(result: unknown): unknown {
  let seen: unknown = "not fired";
  (result as Deferred).addBoth((each: unknown) => void (seen = each instanceof Failure ? each.value : each));
  return seen;
}

describe("SSHProtocolChecker", () => {
  class Never extends SSHProtocolChecker {
    override areDone(): boolean {
      return false;
    }
  }

  test("begins empty", () => {
    const checker = new SSHProtocolChecker();
    expect(checker.checkers.size).toBe(0);
    expect(checker.successfulCredentials.size).toBe(0);
    expect(checker.credentialInterfaces).toEqual([]);
  });

  test("registers a checker for what it checks, or for what is named", () => {
    const checker = new SSHProtocolChecker();
    const anonymous = new AllowAnonymousAccess();
    checker.registerChecker(anonymous);
    expect(checker.credentialInterfaces).toEqual([IAnonymous]);
    const other = new SSHProtocolChecker();
    other.registerChecker(anonymous, ISSHPrivateKey, IUsernamePassword);
    expect(other.credentialInterfaces).toEqual([ISSHPrivateKey, IUsernamePassword]);
  });

  test("hands credentials to the checker in charge, and forgets them when they are enough", () => {
    const checker = new SSHProtocolChecker();
    checker.registerChecker(new AllowAnonymousAccess());
    expect(outcomeOf(checker.requestAvatarId(new Anonymous()))).toBe(ANONYMOUS);
    expect(checker.successfulCredentials.size).toBe(0);
  });

  test("fails with NotEnoughAuthentication while they are not enough", () => {
    const checker = new Never();
    checker.registerChecker(new AllowAnonymousAccess());
    const credentials = new Anonymous();
    expect(outcomeOf(checker.requestAvatarId(credentials))).toBeInstanceOf(NotEnoughAuthentication);
    expect(checker.successfulCredentials).toEqual(new Map([[ANONYMOUS, [credentials]]]));
  });

  test("fails with UnhandledCredentials when nobody is in charge", () => {
    expect(outcomeOf(new SSHProtocolChecker().requestAvatarId(new Anonymous()))).toBeInstanceOf(UnhandledCredentials);
  });

  test("looks for a checker of the very kind that credentials declare, not of one that it extends", () => {
    const IPlainPassword = interfaceToken("IPlainPassword", [IUsernamePassword]);
    const given = { username: "alice", password: "x", checkPassword: () => true };
    directlyProvides(given, IPlainPassword);
    const checker = new SSHProtocolChecker();
    checker.registerChecker(new InMemoryUsernamePasswordDatabaseDontUse({ alice: "x" }));
    const refused = outcomeOf(checker.requestAvatarId(given)) as Error;
    expect(refused).toBeInstanceOf(UnhandledCredentials);
    expect(refused.message).toBe("No checker for IPlainPassword");
    checker.registerChecker(new InMemoryUsernamePasswordDatabaseDontUse({ alice: "x" }), IPlainPassword);
    expect(outcomeOf(checker.requestAvatarId(given))).toBe("alice");
  });

  test("A4: areDone lets in by true alone, not by a Promise of it", () => {
    const checker = new SSHProtocolChecker();
    checker.areDone = () => Promise.resolve(true) as unknown as boolean;
    checker.registerChecker(new AllowAnonymousAccess());
    expect(outcomeOf(checker.requestAvatarId(new Anonymous()))).toBeInstanceOf(NotEnoughAuthentication);
  });

  test("A5: a key that is only shown is no success, even to a checker that says yes to it", () => {
    const checker = new SSHProtocolChecker();
    checker.registerChecker({ credentialInterfaces: [ISSHPrivateKey], requestAvatarId: () => "alice" });
    for (const signature of [null, Buffer.alloc(0)]) {
      const shown = new SSHPrivateKey("alice", "ssh-ed25519", Buffer.alloc(0), null, signature);
      expect(outcomeOf(checker.requestAvatarId(shown))).toBeInstanceOf(UnauthorizedLogin);
      expect(checker.successfulCredentials.size).toBe(0);
    }
    const signed = new SSHPrivateKey("alice", "ssh-ed25519", Buffer.alloc(0), Buffer.alloc(1), Buffer.alloc(1));
    expect(outcomeOf(checker.requestAvatarId(signed))).toBe("alice");
  });

  test("A9: each login has successes of its own", () => {
    const counts: number[] = [];
    class Counting extends SSHProtocolChecker {
      override areDone(avatarId: AvatarId): boolean {
        counts.push(this.successfulCredentials.get(avatarId)!.length);
        return false;
      }
    }
    const checker = new Counting();
    checker.registerChecker(new AllowAnonymousAccess());
    const [one, two] = [new LoginScope(), new LoginScope()];
    for (const scope of [one, two, one]) {
      const credentials = new Anonymous();
      noteScope(credentials, scope);
      outcomeOf(checker.requestAvatarId(credentials));
    }
    expect(counts).toEqual([1, 1, 2]);
  });
});

describe("readAuthorizedKeyFile", () => {
  test("passes over empty lines and comments, with blanks before them or not", () => {
    const lines = ["# comment", "", "   # another", "\t", line(alice), "", line(mallory, "a comment"), "#"];
    const keys = [...readAuthorizedKeyFile(lines)];
    expect(keys).toHaveLength(2);
    expect(keys[0]!.equals(alice.public())).toBe(true);
    expect(keys[1]!.equals(mallory.public())).toBe(true);
  });

  test("takes the whole of a file as well, whatever its line ends are", () => {
    const file = Buffer.concat([line(alice), Buffer.from("\r\n"), line(mallory), Buffer.from("\n")]);
    expect([...readAuthorizedKeyFile(file)]).toHaveLength(2);
    expect([...readAuthorizedKeyFile(file.toString())]).toHaveLength(2);
  });

  test("logs a line that is no key, and goes on", () => {
    const keys: Key[] = [];
    const events = capturedLogs(() => keys.push(...readAuthorizedKeyFile(["not a key", line(alice)])));
    expect(keys).toHaveLength(1);
    expect(events).toHaveLength(1);
  });

  test("A16: a line with options gives no key, rather than one without its restrictions", () => {
    expect([...readAuthorizedKeyFile([`command="true",no-pty ${line(alice).toString()}`])]).toEqual([]);
  });

  test("A16: a line that is too long is dropped whole", () => {
    const events = capturedLogs(() => {
      expect([...readAuthorizedKeyFile([Buffer.concat([line(alice, "c"), Buffer.alloc(16_384, 0x63)])])]).toEqual([]);
    });
    expect(events).toHaveLength(1);
  });

  test("gives the stripped line to a parser of the caller's, as lines are asked for", () => {
    const parsed: string[] = [];
    const keys = readAuthorizedKeyFile(["  one \n", "two"], (each) => (parsed.push(each.toString()), alice));
    expect(keys.next().value).toBe(alice);
    expect(parsed).toEqual(["one"]);
  });

  test("passes on what is no error of a key", () => {
    const broken = () => {
      throw new TypeError("broken");
    };
    expect(() => [...readAuthorizedKeyFile(["line"], broken)]).toThrow(TypeError);
  });
});

describe("InMemorySSHKeyDB", () => {
  test("gives the keys of a user, and none for an unknown one", () => {
    for (const mapping of [{ alice: [alice] }, new Map([["alice", [alice]]])]) {
      const db = new InMemorySSHKeyDB(mapping);
      expect(db instanceof IAuthorizedKeysDB).toBe(true);
      expect([...db.getAuthorizedKeys("alice")]).toEqual([alice]);
      expect([...db.getAuthorizedKeys("bob")]).toEqual([]);
    }
  });

  test("R12: knows no user by a name that every object has", () => {
    expect([...new InMemorySSHKeyDB({}).getAuthorizedKeys("constructor")]).toEqual([]);
  });
});

describe("UNIXAuthorizedKeysFiles", () => {
  let home: string;
  let db: UserDatabase;

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "authorized-keys-"));
    mkdirSync(join(home, ".ssh"));
    const entry = { pw_name: "alice", pw_passwd: "x", pw_uid: 1, pw_gid: 1, pw_gecos: "", pw_dir: home, pw_shell: "" };
    db = {
      getpwnam(name) {
        if (name !== "alice") throw new KeyError(name);
        return entry;
      },
    };
  });
  afterEach(() => rmSync(home, { recursive: true }));

  const write = (name: string, ...keys: Key[]) =>
    writeFileSync(join(home, ".ssh", name), keys.map((key) => `${line(key).toString()}\n`).join(""));
  const blobsOf = (keys: (Key | AuthorizedKey)[]) => keys.map((each) => (each as Key).blob());

  test("gives the keys of both files, in order", async () => {
    write("authorized_keys", alice);
    write("authorized_keys2", mallory);
    const keys = await new UNIXAuthorizedKeysFiles(db).getAuthorizedKeys("alice");
    expect(blobsOf(keys)).toEqual([alice.blob(), mallory.blob()]);
  });

  test("does without the second file, in silence", async () => {
    write("authorized_keys", alice);
    expect(blobsOf(await new UNIXAuthorizedKeysFiles(db).getAuthorizedKeys("alice"))).toEqual([alice.blob()]);
  });

  test("passes over a directory or a FIFO in place of a file", async () => {
    write("authorized_keys", alice);
    mkdirSync(join(home, ".ssh", "authorized_keys2"));
    const files = new UNIXAuthorizedKeysFiles(db);
    expect(blobsOf(await files.getAuthorizedKeys("alice"))).toEqual([alice.blob()]);
    rmSync(join(home, ".ssh", "authorized_keys2"), { recursive: true });
    execFileSync("mkfifo", [join(home, ".ssh", "authorized_keys2")]);
    expect(blobsOf(await files.getAuthorizedKeys("alice"))).toEqual([alice.blob()]);
  });

  test("CL6: does not read a file of more than 1 MiB", async () => {
    writeFileSync(join(home, ".ssh", "authorized_keys"), `${line(alice).toString()}\n${"#\n".repeat(600_000)}`);
    expect(await new UNIXAuthorizedKeysFiles(db).getAuthorizedKeys("alice")).toEqual([]);
  });

  test("gives none for an unknown user", async () => {
    write("authorized_keys", alice);
    expect(await new UNIXAuthorizedKeysFiles(db).getAuthorizedKeys("bob")).toEqual([]);
  });

  test("uses a parser of the caller's", async () => {
    write("authorized_keys", alice, mallory);
    const files = new UNIXAuthorizedKeysFiles(db, () => mallory);
    expect(await files.getAuthorizedKeys("alice")).toEqual([mallory, mallory]);
  });

  test("asks the users of the system unless told otherwise", () => {
    expect(pwd.getpwnam("root")).toMatchObject({ pw_name: "root", pw_uid: 0 });
    expect(() => pwd.getpwnam("no such user: here")).toThrow(KeyError);
  });
});

describe("SSHPublicKeyChecker", () => {
  const data = Buffer.from("foo");
  const keys = new InMemorySSHKeyDB({ alice: [mallory.public(), alice.public()], bob: [] });
  const credentials = (
    signature: Buffer | null = alice.sign(data),
    { blob = alice.blob(), user = "alice" }: { blob?: Buffer; user?: string } = {},
  ) => new SSHPrivateKey(user, "ssh-ed25519", blob, signature === null ? null : data, signature);
  const ask = (what: SSHPrivateKey, checker = new SSHPublicKeyChecker(keys)) =>
    outcomeOf(checker.requestAvatarId(what));
  /** What comes of a login whose key verifies like this. */
  const verifying = (verify: () => boolean): unknown => {
    const fromString = vi.spyOn(Key, "fromString").mockReturnValue(Object.assign(alice.public(), { verify }));
    try {
      return ask(credentials());
    } finally {
      fromString.mockRestore();
    }
  };

  test("checks SSH keys", () => {
    expect(new SSHPublicKeyChecker(keys).credentialInterfaces).toEqual([ISSHPrivateKey]);
  });

  test("gives the name for a signature by an authorized key, at once where the keys are at hand", () => {
    expect(ask(credentials())).toBe("alice");
  });

  test("without a signature an authorized key is a ValidPublicKey", () => {
    expect(ask(credentials(null))).toBeInstanceOf(ValidPublicKey);
    expect(ask(credentials(Buffer.alloc(0)))).toBeInstanceOf(ValidPublicKey);
  });

  test("without a signature another key, or another user, is refused", () => {
    for (const what of [credentials(null, { user: "bob" }), credentials(null, { user: "nobody" })]) {
      const error = ask(what);
      expect(error).toBeInstanceOf(UnauthorizedLogin);
      expect(error).not.toBeInstanceOf(ValidPublicKey);
    }
  });

  test("every question is answered with yes on request, and the keys are not looked at", () => {
    const untouched: IAuthorizedKeysDB = {
      getAuthorizedKeys() {
        throw new TypeError("asked");
      },
    };
    const checker = new SSHPublicKeyChecker(untouched, { answersEveryQuery: true });
    expect(ask(credentials(null), checker)).toBeInstanceOf(ValidPublicKey);
  });

  test("a blob that is no key is a BadKeyError", () => {
    expect(ask(credentials(undefined, { blob: Buffer.alloc(0) }))).toBeInstanceOf(BadKeyError);
  });

  test("a key that is not authorized is refused, however well it signs", () => {
    const stranger = Key.generate("ed25519");
    const error = ask(credentials(stranger.sign(data), { blob: stranger.blob() }));
    expect(error).toMatchObject({ name: "UnauthorizedLogin", message: "Key not authorized" });
  });

  test("a signature by another key is refused", () => {
    expect(ask(credentials(mallory.sign(data)))).toMatchObject({ message: "Key signature invalid." });
  });

  test("a signature that cannot be verified is refused, with what was wrong as the cause", () => {
    const broken = new TypeError("broken");
    const error = verifying(() => {
      throw broken;
    });
    expect(error).toMatchObject({ name: "UnauthorizedLogin", message: "Error while verifying key", cause: broken });
  });

  test("A4: a verification that answers anything but true is refused", () => {
    expect(verifying(() => new Error("no") as never)).toBeInstanceOf(UnauthorizedLogin);
  });

  test("an error of the key database is passed on", () => {
    const broken: IAuthorizedKeysDB = {
      getAuthorizedKeys() {
        throw new TypeError("broken");
      },
    };
    expect(ask(credentials(), new SSHPublicKeyChecker(broken))).toBeInstanceOf(TypeError);
  });

  test("keys may come as a Promise, a Deferred or an async iterable", async () => {
    async function* each() {
      await Promise.resolve();
      yield alice.public();
    }
    for (const given of [Promise.resolve([alice.public()]), succeed([alice.public()]), each()]) {
      const checker = new SSHPublicKeyChecker({ getAuthorizedKeys: () => given });
      expect(await checker.requestAvatarId(credentials())).toBe("alice");
    }
  });
});
