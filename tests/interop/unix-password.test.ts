/** Real accounts of this system, made for the test and deleted after it: it needs root. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Example, startExample } from "../support/example.js";
import { needed } from "../support/needed.js";
import { openSSH, ssh } from "../support/openssh.js";

const openssh = openSSH();
const accounts: string[] = [];
let example: Example;

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
});
afterAll(async () => {
  for (const name of accounts) execFileSync(needed("userdel"), [name], { stdio: "ignore" });
  await example.program.kill("SIGKILL");
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
