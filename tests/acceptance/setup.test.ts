/** `npm start` on a machine that has never seen it, and what it says when something is wrong. */
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exampleCommand, root, startExample } from "../support/example.js";
import { temporaryFolder } from "../support/folder.js";
import { openSSH, ssh } from "../support/openssh.js";
import { atTerminal, Program } from "../support/program.js";

const openssh = openSSH();

test("npm start makes keys and a password on first use, says where, and the line it prints logs in", async () => {
  const cache = temporaryFolder();
  const env = { XDG_CACHE_HOME: cache, LOCALAPPDATA: cache, HOME: cache };
  const npm = atTerminal(["npm", "start", "--", "--port", "0"], { cwd: root, env });
  const [, port] = await npm.stdout.until(/listens on port (\d+)/, 60);
  const [, typed, user] = await npm.stdout.until(/ {2}ssh -p (\d+) (\w+)@localhost\r\n/);
  const [, passwords = ""] = await npm.stdout.until(/password is in (\S+),/);
  expect(typed).toBe(port);
  expect(passwords.startsWith(cache)).toBe(true);
  expect(passwords).toMatch(/strombus.examples.ssh-passwords$/);
  const folder = join(passwords, "..");
  expect(statSync(join(folder, "id_rsa")).mode & 0o777).toBe(0o600);
  expect(statSync(passwords).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(folder, "id_rsa.pub"), "utf8")).toMatch(/^ssh-rsa \S+\n$/);
  const [, name, password = ""] = /^([^:]+):(.+)\n$/.exec(readFileSync(passwords, "utf8")) ?? [];
  expect(name).toBe(user);
  expect(password.length).toBeGreaterThanOrEqual(16);

  const session = ssh(openssh, { port: Number(port), user: name, password });
  session.type("x");
  await session.stdout.until("echo: 'x'\r\n");
  await session.kill();
  await npm.stdout.until("closed\r\n");
  npm.type("\x03"); // Ctrl-C
  await npm.ending;
  const late = connect(Number(port), "127.0.0.1");
  await expect(once(late, "connect")).rejects.toMatchObject({ code: "ECONNREFUSED" });
}, 90_000);

test("the second start uses what the first one made", async () => {
  const folder = join(temporaryFolder(), "new");
  const contents = () =>
    ["id_rsa", "id_rsa.pub", "ssh-passwords"].map((name) => readFileSync(join(folder, name), "utf8"));
  await (await startExample("simple-session", { folder })).program.kill();
  const made = contents();
  await (await startExample("simple-session", { folder })).program.kill();
  expect(contents()).toEqual(made);
});

test("--help tells what words there are, and makes nothing", async () => {
  const folder = join(temporaryFolder(), "new");
  const program = new Program(exampleCommand("simple-session", { args: [folder, "--help"] }));
  expect(await program.ending).toEqual({ status: 0, signal: null });
  expect(program.stdout.lines[0]).toBe("usage: node simple-session/main.js [folder] [--port 2022]");
  expect(existsSync(folder)).toBe(false);
});

test("an example that asks for no password names none", async () => {
  const { program } = await startExample("certificates");
  await program.kill();
  expect(program.stdout.text).toMatch(/^The host key is in \S+\. Ctrl-C stops the server\.\n$/m);
  expect(program.stdout.text).not.toContain("password");
});

describe("what is wrong is told in one sentence, with exit status 1", () => {
  const good = temporaryFolder();
  let files: Record<string, string> = {};

  beforeAll(async () => {
    await (await startExample("simple-session", { folder: good })).program.kill();
    for (const name of ["id_rsa", "id_rsa.pub", "ssh-passwords"]) files[name] = readFileSync(join(good, name), "utf8");
  });

  afterAll(() => {
    files = {};
  });

  /** Starts the example on the good files but for these; returns its one line on stderr. */
  async function complaint(changes: Record<string, string>, ...args: string[]): Promise<string> {
    const folder = temporaryFolder();
    for (const [name, content] of Object.entries({ ...files, ...changes })) writeFileSync(join(folder, name), content);
    const program = new Program(exampleCommand("simple-session", { args: [folder, ...args] }));
    expect(await program.ending).toEqual({ status: 1, signal: null });
    expect(program.stdout.text).toBe("");
    expect(program.stderr.text).toMatch(/^[^\n]+\.\n$/);
    return program.stderr.text.replaceAll(folder, "FOLDER");
  }

  test("a port in use", async () => {
    const { program, port } = await startExample("simple-session", { folder: good });
    expect(await complaint({}, "--port", String(port))).toContain(String(port));
    await program.kill();
  });

  test("a port that is none", async () => {
    expect(await complaint({}, "--port", "65536")).toBe("65536 is not a TCP port.\n");
  });

  test("an unknown option", async () => {
    expect(await complaint({}, "--prot", "1")).toBe("Unknown option '--prot': --help tells what there is.\n");
  });

  for (const name of ["id_rsa", "id_rsa.pub"]) {
    test(`${name} that is no key`, async () => {
      expect(await complaint({ [name]: "not a key\n" })).toMatch(
        new RegExp(`^FOLDER/${name} cannot be used as a key: `),
      );
    });
  }

  test("a key that cannot be read", async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "id_rsa"));
    const program = new Program(exampleCommand("simple-session", { args: [folder] }));
    expect((await program.ending).status).toBe(1);
    expect(program.stderr.text).toMatch(/^\S+id_rsa cannot be read: [^\n]+\.\n$/);
  });

  test("a private key where the public one belongs", async () => {
    expect(await complaint({ "id_rsa.pub": files["id_rsa"] ?? "" })).toContain("is not the public half of");
  });

  const MALFORMED = {
    "no separator": ["user:password\nanother\n", 2],
    "no user": [":password\n", 1],
    "no password": ["user:\n", 1],
    "a field too many": ["user:pass:word\n", 1],
  } as const;
  for (const [what, [content, line]] of Object.entries(MALFORMED)) {
    test(`a password file with ${what}`, async () => {
      const sentence = await complaint({ "ssh-passwords": content });
      expect(sentence).toBe(`FOLDER/ssh-passwords, line ${line}: it must have the form user:password.\n`);
    });
  }

  test("a password file without a user", async () => {
    expect(await complaint({ "ssh-passwords": "\n" })).toContain("names no user");
  });
});
