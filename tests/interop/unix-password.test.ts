/** Real accounts of this system, made for the test and deleted after it: it needs root. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sessionProgram } from "@strombus/conch/streams";
import {
  IUsernamePassword,
  noteOrigin,
  PluggableAuthenticationModules,
  UsernamePassword,
} from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { PAM_PROMPT_ECHO_OFF, PluggableAuthenticationModulesChecker } from "@strombus/cred/pam";
import { Portal } from "@strombus/cred/portal";
import { eventAsText, globalLogPublisher, type LogEvent } from "@strombus/reactor/logger";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type Example, startExample } from "../support/example.js";
import { harmless, NAMES } from "../support/hostile-names.js";
import { fields } from "../support/memory-ssh.js";
import { needed } from "../support/needed.js";
import { openSSH, ssh } from "../support/openssh.js";
import { RawClient } from "../support/raw-client.js";
import { serve, type Served } from "../support/server.js";

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

  describe("with a stack of one's own", () => {
    const folder = mkdtempSync(join(tmpdir(), "strombus-"));
    const services: string[] = [];
    afterAll(() => {
      for (const service of services) rmSync(join("/etc/pam.d", service));
      rmSync(folder, { recursive: true });
    });

    /** A service of PAM's that these modules decide on. */
    function service(...auth: string[]): string {
      const name = `strombus-${randomBytes(4).toString("hex")}`;
      const lines = [...auth.map((each) => `auth required ${each}`), "account required pam_unix.so"];
      writeFileSync(join("/etc/pam.d", name), `${lines.join("\n")}\n`);
      services.push(name);
      return name;
    }

    /** A script that writes down what pam_exec(8) tells it, and goes by the address. */
    function rhostScript(allowed: string): readonly [module: string, told: string] {
      const [script, told] = [join(folder, "rhost"), join(folder, "told")];
      writeFileSync(
        script,
        `#!/bin/sh\necho "$PAM_USER $PAM_RHOST $PAM_SERVICE" >>${told}\n[ "$PAM_RHOST" = ${allowed} ]\n`,
        { mode: 0o755 },
      );
      return [`pam_exec.so quiet ${script}`, told];
    }

    /** Serves whom this checker lets in, by PAM's questions and by the password alone. */
    function serveBy(checker: PluggableAuthenticationModulesChecker): Served {
      const hello = sessionProgram(({ stdout }) => {
        stdout.write("in\n");
        return 0;
      });
      const served = serve(hello, (factory) => {
        factory.portal = new Portal(factory.portal!.realm, [checker]);
        factory.portal.registerChecker(checker, IUsernamePassword);
      });
      onTestFinished(async () => served.close());
      return served;
    }

    async function shown({ port }: Served, method: string, user: string, password: string): Promise<string> {
      const first = ["-o", `PreferredAuthentications=${method}`];
      const options = ["-o", "NumberOfPasswordPrompts=1"];
      const session = ssh(openssh, { port, user, password, first, options, command: "hello" });
      await session.ending;
      return session.stdout.text;
    }

    test("PAM_RHOST is the address that credentials came from, or is not set", async () => {
      const [module] = rhostScript("192.0.2.7");
      const checker = new PluggableAuthenticationModulesChecker({ service: service(module) });
      const login = async (host: string | null) => {
        const credentials = new UsernamePassword("root", "");
        if (host !== null) noteOrigin(credentials, host);
        return checker.requestAvatarId(credentials);
      };
      expect(await login("192.0.2.7")).toBe("root");
      for (const other of ["192.0.2.8", null]) await expect(login(other)).rejects.toThrow(UnauthorizedLogin);
    });

    for (const method of ["password", "keyboard-interactive"]) {
      test(`a real client's address is PAM_RHOST, for pam_exec and pam_listfile beside pam_unix, by ${method}`, async () => {
        const user = account("YESCRYPT", "correct horse");
        const [module, told] = rhostScript("127.0.0.1");
        const list = join(folder, `hosts-${method}`);
        const name = service("pam_unix.so", `pam_listfile.so item=rhost sense=allow onerr=fail file=${list}`, module);
        const server = serveBy(new PluggableAuthenticationModulesChecker({ service: name }));
        writeFileSync(list, "192.0.2.1\n");
        expect(await shown(server, method, user, "correct horse")).toBe("");
        writeFileSync(list, "192.0.2.1\n127.0.0.1\n");
        expect(await shown(server, method, user, "correct horse")).toBe("in\n");
        expect(readFileSync(told, "utf8").trim().split("\n").at(-1)).toBe(`${user} 127.0.0.1 ${name}`);
        expect(await shown(server, method, user, "wrong")).toBe("");
      });
    }

    test("a user name is text to PAM's modules, and to the log", async () => {
      const logged: string[] = [];
      const observer = (event: LogEvent) => void logged.push(eventAsText(event));
      globalLogPublisher.addObserver(observer);
      onTestFinished(() => globalLogPublisher.removeObserver(observer));
      const user = account("SHA512", "correct horse");
      const checker = new PluggableAuthenticationModulesChecker({ service: service("pam_unix.so nodelay") });
      const login = async (name: string) =>
        checker.requestAvatarId(new UsernamePassword(name, "correct horse")).then(
          (id) => id,
          (error: unknown) => (error instanceof UnauthorizedLogin ? "refused" : error),
        );
      for (const [kind, name] of Object.entries(NAMES)) {
        for (const each of [name, name.replace("alice", user)]) expect(await login(each), kind).toBe("refused");
      }
      expect(await login(user)).toBe(user);
      for (const line of logged) expect(line).toMatch(harmless);
    });

    test("A12: whether a user is known does not show in what PAM asks", async () => {
      const known = ["YESCRYPT", "SHA512"].map((method) => account(method, "correct horse"));
      const checker = new PluggableAuthenticationModulesChecker({ service: service("pam_unix.so nodelay") });
      const seen: unknown[] = [];
      for (const username of [known[0]!, "nobody-of-that-name", known[1]!, "nor-of-this"]) {
        const credentials = new PluggableAuthenticationModules(username, (items) => {
          seen.push(items);
          return items.map(() => ["wrong", 0] as const);
        });
        await expect(checker.requestAvatarId(credentials)).rejects.toThrow(UnauthorizedLogin);
      }
      expect(seen).toEqual(Array.from({ length: 4 }, () => [["Password: ", PAM_PROMPT_ECHO_OFF]]));
    });

    test("a client that goes in the middle of PAM's questions leaves its process to the next", async () => {
      const user = account("SHA512", "correct horse");
      const name = service("pam_unix.so");
      const server = serveBy(new PluggableAuthenticationModulesChecker({ service: name, maxProcesses: 1 }));
      for (let i = 0; i < 3; i++) {
        const client = await RawClient.connect(server.port);
        const [number] = await client.ask(50, fields(user, "ssh-connection", "keyboard-interactive", "", ""));
        expect(number).toBe(60);
        client.loseConnection();
      }
      expect(await shown(server, "keyboard-interactive", user, "correct horse")).toBe("in\n");
    });
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
