/** Real accounts of this system, made for the test and deleted after it: it needs root. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noteOrigin, PluggableAuthenticationModules, UsernamePassword } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { PluggableAuthenticationModulesChecker } from "@strombus/cred/pam";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Example, startExample } from "../support/example.js";
import { needed } from "../support/needed.js";
import { openSSH, ssh } from "../support/openssh.js";

const openssh = openSSH();
const accounts: string[] = [];
let example: Example;
let pam: Example;

/** A new account without a home; the hash of its password is of this format. */
function account(method: string, password: string): string {
  if (process.getuid!() !== 0)
    throw new Error("accounts of this system can be made by root only: run the tests as root");
  const name = `strombus-${randomBytes(4).toString("hex")}`;
  execFileSync(needed("useradd"), ["--no-create-home", "--shell", "/usr/sbin/nologin", name]);
  accounts.push(name);
  execFileSync(needed("chpasswd"), ["--crypt-method", method], { input: `${name}:${password}\n` });
  return name;
}

/** What ssh shows. */
async function login(
  user: string,
  password: string,
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const options = ["-o", "NumberOfPasswordPrompts=1"];
  const session = ssh(openssh, { port: example.port, user, password, options });
  const { status } = await session.ending;
  return { status, stdout: session.stdout.text, stderr: session.stderr.text };
}

beforeAll(async () => {
  example = await startExample("unix-password");
  pam = await startExample("pam");
});
afterAll(async () => {
  for (const name of accounts) execFileSync(needed("userdel"), [name], { stdio: "ignore" });
  await example.program.kill("SIGKILL");
  expect(await pam.program.kill("SIGINT")).toEqual({ status: 0, signal: null }); // PAM's processes do not hold it up
});

for (const [method, mark] of [
  ["YESCRYPT", "$y$"],
  ["SHA512", "$6$"],
  ["SHA256", "$5$"],
] as const) {
  test(`one logs in with the password of an account, whose hash is of ${method}`, async () => {
    const user = account(method, "correct horse");
    expect(execFileSync("getent", ["shadow", user]).toString()).toContain(`${user}:${mark}`);
    expect(await login(user, "correct horse")).toMatchObject({ stdout: `Welcome, ${user}!\r\n` });
    for (const wrong of ["correct horsf", "correct horse "]) {
      expect(await login(user, wrong)).toMatchObject({ status: 255, stdout: "" });
    }
  });
}

describe("accounts that nobody can log in to", () => {
  test("are those that are locked, or have expired, and those of the system", async () => {
    const user = account("YESCRYPT", "correct horse");
    execFileSync(needed("usermod"), ["--lock", user]);
    expect(await login(user, "correct horse")).toMatchObject({ status: 255, stdout: "" });
    execFileSync(needed("usermod"), ["--unlock", user]);
    expect(await login(user, "correct horse")).toMatchObject({ stdout: `Welcome, ${user}!\r\n` });
    execFileSync(needed("usermod"), ["--expiredate", "2020-01-01", user]);
    expect(await login(user, "correct horse")).toMatchObject({ status: 255, stdout: "" });
    expect(await login("daemon", "*")).toMatchObject({ status: 255, stdout: "" });
    expect(await login("no-such-account", "x")).toMatchObject({ status: 255, stdout: "" });
  });
});

describe("by PAM", () => {
  /** What ssh shows. */
  async function login(method: string, user: string, password: string): Promise<string> {
    const options = ["-o", "NumberOfPasswordPrompts=1"];
    const first = ["-o", `PreferredAuthentications=${method}`];
    const session = ssh(openssh, { port: pam.port, user, password, first, options });
    await session.ending;
    return session.stdout.text;
  }

  for (const method of ["keyboard-interactive", "password"]) {
    test(`one logs in with the password of an account, by ${method}`, async () => {
      const user = account("YESCRYPT", "correct horse");
      expect(await login(method, user, "correct horse")).toBe(`Welcome, ${user}!\r\n`);
      for (const wrong of ["correct horsf", ""]) expect(await login(method, user, wrong)).toBe("");
      expect(await login(method, user, "correct horse")).toBe(`Welcome, ${user}!\r\n`);
      expect(await login(method, "no-such-account", "correct horse")).toBe("");
      execFileSync(needed("usermod"), ["--expiredate", "2020-01-01", user]);
      expect(await login(method, user, "correct horse")).toBe("");
    });
  }

  test("an account with an empty password is closed, although Debian's PAM would let it in", async () => {
    const user = account("YESCRYPT", "correct horse");
    execFileSync(needed("passwd"), ["--delete", user]);
    for (const method of ["keyboard-interactive", "password"]) expect(await login(method, user, "")).toBe("");
  });

  test("PAM knows the address that the user comes from", async () => {
    const service = `strombus-${randomBytes(4).toString("hex")}`;
    const folder = mkdtempSync(join(tmpdir(), "strombus-"));
    const script = join(folder, "from");
    const file = join("/etc/pam.d", service);
    writeFileSync(script, '#!/bin/sh\n[ "$PAM_RHOST" = 192.0.2.7 ]\n', { mode: 0o755 });
    writeFileSync(file, `auth required pam_exec.so quiet ${script}\naccount required pam_permit.so\n`);
    try {
      const checker = new PluggableAuthenticationModulesChecker({ service });
      const login = async (host: string | null) => {
        const credentials = new UsernamePassword("root", "");
        if (host !== null) noteOrigin(credentials, host);
        return checker.requestAvatarId(credentials);
      };
      expect(await login("192.0.2.7")).toBe("root");
      for (const other of ["192.0.2.8", null]) await expect(login(other)).rejects.toThrow(UnauthorizedLogin);
    } finally {
      rmSync(file);
      rmSync(folder, { recursive: true });
    }
  });

  test("twenty at a time come out right", async () => {
    const checker = new PluggableAuthenticationModulesChecker({ maxProcesses: 4 });
    const user = account("SHA512", "correct horse");
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, async (_, i) =>
        checker.requestAvatarId(new UsernamePassword(user, i % 2 ? "wrong" : "correct horse")).then(
          (name) => name,
          (error: unknown) => (error instanceof UnauthorizedLogin ? "refused" : error),
        ),
      ),
    );
    expect(outcomes).toEqual(outcomes.map((_, i) => (i % 2 ? "refused" : user)));
  });

  test("a conversation that nobody answers ends in time, and the next one goes on", async () => {
    const user = account("SHA512", "correct horse");
    const checker = new PluggableAuthenticationModulesChecker({ timeout: 2 });
    const silent = new PluggableAuthenticationModules(user, async () => new Promise(() => {}));
    await expect(checker.requestAvatarId(silent)).rejects.toThrow("PAM could not be asked");
    const failing = new PluggableAuthenticationModules(user, () => {
      throw new Error("gone");
    });
    await expect(checker.requestAvatarId(failing)).rejects.toThrow(UnauthorizedLogin);
    expect(await checker.requestAvatarId(new UsernamePassword(user, "correct horse"))).toBe(user);
  });
});
