import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ISSHPrivateKey, SSHPrivateKey } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { UserDatabase } from "@strombus/reactor/fakepwd";
import { capturedLogs, formatEvent } from "@strombus/reactor/logger";
import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from "vitest";
import { ValidPublicKey } from "../error.js";
import { Key } from "../ssh/keys.js";
import { SSHPublicKeyDatabase } from "./public-key-database.js";

vi.mock(import("node:fs"), async (original) => {
  const fs = await original();
  return { ...fs, openSync: vi.fn(fs.openSync) };
});

const alice = Key.generate("ed25519");
const mallory = Key.generate("ed25519");
const DATA = Buffer.from("what is signed");
const line = (key: Key) => key.public().toString("openssh", { comment: "a comment" }).toString();

let warnings: MockInstance<typeof process.emitWarning>;
let home: string;
let checker: SSHPublicKeyDatabase;

beforeEach(() => {
  warnings = vi.spyOn(process, "emitWarning").mockReturnValue();
  home = mkdtempSync(join(tmpdir(), "authorized-keys-"));
  mkdirSync(join(home, ".ssh"));
  const users = new UserDatabase();
  users.addUser("alice", "x", 1, 2, "", home);
  checker = new SSHPublicKeyDatabase();
  checker._userdb = users;
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(home, { recursive: true });
});

const write = (name: string, ...lines: string[]) => writeFileSync(join(home, ".ssh", name), lines.join("\n"));

function credentials(key = alice, signer: Key | null = key, username = "alice"): SSHPrivateKey {
  const signature = signer === null ? null : signer.sign(DATA);
  return new SSHPrivateKey(username, key.sshType(), key.blob(), signature && DATA, signature);
}

async function refused(given: SSHPrivateKey): Promise<UnauthorizedLogin> {
  const error: unknown = await checker.requestAvatarId(given).then(
    (name): unknown => name,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UnauthorizedLogin);
  return error as UnauthorizedLogin;
}

test("says that it is deprecated", () => {
  expect(warnings).toHaveBeenCalledExactlyOnceWith(
    expect.stringContaining("SSHPublicKeyDatabase"),
    "DeprecationWarning",
  );
});

test("checks SSH keys, and says once that it is deprecated", () => {
  expect(checker.credentialInterfaces).toEqual([ISSHPrivateKey]);
  new SSHPublicKeyDatabase();
  expect(warnings).not.toHaveBeenCalled(); // it has said so to the first test of this file
});

describe("requestAvatarId", () => {
  beforeEach(() => {
    write("authorized_keys", line(alice));
  });

  test("gives the name for a signature by an authorized key", async () => {
    expect(await checker.requestAvatarId(credentials())).toBe("alice");
  });

  test("fails with ValidPublicKey for an authorized key without a signature, and refuses any other first", async () => {
    expect(await refused(credentials(alice, null))).toBeInstanceOf(ValidPublicKey);
    const other = await refused(credentials(mallory, null));
    expect(other).not.toBeInstanceOf(ValidPublicKey);
    expect(other.message).toBe("invalid key");
    expect((await refused(credentials(mallory))).message).toBe("invalid key");
  });

  test("refuses a signature by another key, or one that cannot be read", async () => {
    expect((await refused(credentials(alice, mallory))).message).toBe("unable to verify key");
    const odd = credentials();
    odd.signature = Buffer.from("no signature");
    expect((await refused(odd)).message).toBe("unable to verify key");
  });

  test("refuses a key that breaks the verification, and logs it", () => {
    checker.checkKey = () => true;
    const odd = new SSHPrivateKey("alice", "ssh-ed25519", Buffer.from("no key"), DATA, alice.sign(DATA));
    let seen: unknown;
    const lines = capturedLogs(() => {
      checker.requestAvatarId(odd).addErrback((reason) => {
        seen = reason.value;
        return "";
      });
    }).map(formatEvent);
    expect(seen).toMatchObject({ name: "UnauthorizedLogin", message: "error while verifying key" });
    expect(lines.join()).toContain("could not be verified");
  });

  test("makes of any other failure one that tells nothing, and logs it", () => {
    const broken = new Error("no disk");
    checker.checkKey = () => {
      throw broken;
    };
    let seen: unknown;
    const lines = capturedLogs(() => {
      checker.requestAvatarId(credentials()).addErrback((reason) => {
        seen = reason.value;
        return "";
      });
    }).map(formatEvent);
    expect(seen).toMatchObject({ message: "unable to get avatar id", cause: broken });
    expect(lines.join()).toContain("could not be looked up");
  });

  test("A4: a checkKey of a subclass that answers anything but true, now or later, lets nobody in", async () => {
    for (const answer of [false, 1, "yes", {}, new Error("no")]) {
      checker.checkKey = () => answer as boolean;
      await refused(credentials());
      checker.checkKey = async () => Promise.resolve(answer as boolean);
      await refused(credentials());
    }
    checker.checkKey = async () => Promise.resolve(true);
    expect(await checker.requestAvatarId(credentials())).toBe("alice");
  });

  test("refuses an unknown user, whatever the name", async () => {
    for (const name of ["bob", "__proto__", "../alice", ""]) await refused(credentials(alice, alice, name));
  });
});

describe("checkKey", () => {
  test("looks through both files, past what is no key", () => {
    write("authorized_keys", "# comment", "", "ssh-ed25519", "ssh-ed25519 %%%", line(mallory));
    expect(checker.checkKey(credentials())).toBe(false);
    write("authorized_keys2", line(mallory), `  ${line(alice)}  `);
    expect(checker.checkKey(credentials())).toBe(true);
    expect(checker.getAuthorizedKeysFiles(credentials())).toEqual(
      ["authorized_keys", "authorized_keys2"].map((name) => join(home, ".ssh", name)),
    );
  });

  test("finds no key that has options before it", () => {
    write("authorized_keys", `no-pty ${line(alice)}`, `command="x" ${line(alice)}`);
    expect(checker.checkKey(credentials())).toBe(false);
  });

  test("does without files", () => {
    expect(checker.checkKey(credentials())).toBe(false);
  });

  test("reads a file that we may not read as its owner", () => {
    write("authorized_keys", line(alice));
    vi.mocked(openSync).mockImplementationOnce(() => {
      throw Object.assign(new Error("EACCES: permission denied"), { code: "EACCES" });
    });
    vi.spyOn(process, "geteuid").mockReturnValue(2345);
    vi.spyOn(process, "getegid").mockReturnValue(1234);
    const ids: unknown[] = [];
    vi.spyOn(process, "seteuid").mockImplementation((id) => void ids.push(["user", id]));
    vi.spyOn(process, "setegid").mockImplementation((id) => void ids.push(["group", id]));
    expect(checker.checkKey(credentials())).toBe(true);
    expect(ids).toEqual([
      ["user", 0],
      ["group", 2],
      ["user", 1],
      ["user", 0],
      ["group", 1234],
      ["user", 2345],
    ]);
  });

  test("passes on what is wrong with a file, and does not read one of more than 1 MiB", () => {
    mkdirSync(join(home, ".ssh", "authorized_keys"));
    expect(() => checker.checkKey(credentials())).toThrow(/EISDIR/);
    rmSync(join(home, ".ssh", "authorized_keys"), { recursive: true });
    write("authorized_keys", line(alice), "#\n".repeat(600_000));
    expect(() => checker.checkKey(credentials())).toThrow(/too many/);
  });
});
