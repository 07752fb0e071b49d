/** The example remote-command: our client's endpoint as a program, with a server of ours. */
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SSHPublicKeyChecker, InMemorySSHKeyDB } from "@strombus/conch/checkers";
import { Key } from "@strombus/conch/ssh/keys";
import { sessionProgram } from "@strombus/conch/streams";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exampleCommand } from "../support/example.js";
import { temporaryFolder } from "../support/folder.js";
import { atTerminal, Program } from "../support/program.js";
import { serve, type Served } from "../support/server.js";

const KEY = Key.generate("ed25519");
const HOST_KEY = Key.generate("ed25519");
let server: Served;
let folder = "";

beforeAll(() => {
  folder = temporaryFolder();
  writeFileSync(join(folder, "key"), KEY.toString("openssh"), { mode: 0o600 });
  const session = sessionProgram(async ({ stdin, stdout, stderr, command }) => {
    if (command === "hash") {
      const hash = createHash("sha256");
      for await (const data of stdin) hash.update(data as Buffer);
      stdout.write(hash.digest("hex"));
      return 0;
    }
    stdout.write("out");
    stderr.write("err");
    return 3;
  });
  server = serve(session, (factory) => {
    factory.privateKeys = { "ssh-ed25519": HOST_KEY };
    factory.publicKeys = { "ssh-ed25519": HOST_KEY.public() };
    factory.portal!.registerChecker(new SSHPublicKeyChecker(new InMemorySSHKeyDB(new Map([["user", [KEY.public()]]]))));
  });
});
afterAll(() => server.close());

/** A known_hosts file with what ssh-keyscan and OpenSSH itself write. */
function knownHosts(key: Key): string {
  const file = join(folder, `known_hosts-${randomBytes(4).toString("hex")}`);
  const line = (host: string): string =>
    `[${host}]:${server.port} ${key.public().toString("openssh").toString().trim()}\n`;
  writeFileSync(file, line("localhost") + line("127.0.0.1"));
  return file;
}

function command(file: string, ...words: string[]): string[] {
  const options = ["-p", String(server.port), "-i", join(folder, "key"), "--known-hosts", file];
  return exampleCommand("remote-command", { args: [...options, "user@localhost", ...words] });
}

const surroundings = { env: { SSH_AUTH_SOCK: undefined } };

test("output, errors and status are the command's", async () => {
  const program = new Program(command(knownHosts(HOST_KEY), "fail"), surroundings);
  expect(await program.ending).toMatchObject({ status: 3 });
  expect([program.stdout.text, program.stderr.text]).toEqual(["out", "err"]);
});

test("input goes to the command, whole, and its end with it", async () => {
  const input = randomBytes(3_000_000);
  const program = new Program(command(knownHosts(HOST_KEY), "hash"), surroundings);
  program.type(input);
  program.endInput();
  expect(await program.ending).toMatchObject({ status: 0 });
  expect(program.stdout.text).toBe(createHash("sha256").update(input).digest("hex"));
});

test("a host with another key is refused in one sentence", async () => {
  const file = knownHosts(KEY);
  const program = new Program(command(file, "hash"), surroundings);
  expect(await program.ending).toMatchObject({ status: 1 });
  expect(program.stderr.text).toBe(`the host shows another key than line 1 of ${file} has for it\n`);
});

test("an unknown host is asked about at the terminal, and remembered", async () => {
  const file = join(folder, "fresh");
  const program = atTerminal(command(file, "fail"), surroundings);
  await program.stdout.until("(yes/no)? ");
  program.type("perhaps\n");
  await program.stdout.until("Please type 'yes' or 'no': ");
  program.type("yes\n");
  await program.ending;
  expect(program.stdout.text).toContain("out");
  expect(readFileSync(file, "utf8").trim().split("\n")).toHaveLength(2);
  const again = new Program(command(file, "fail"), surroundings);
  expect(await again.ending).toMatchObject({ status: 3 });
});

test("who may not log in is told", async () => {
  writeFileSync(join(folder, "key"), Key.generate("ed25519").toString("openssh"), { mode: 0o600 });
  const program = new Program(command(knownHosts(HOST_KEY), "hash"), surroundings);
  expect(await program.ending).toMatchObject({ status: 1 });
  expect(program.stderr.text).toBe(
    "Connection lost while authenticating: no more authentication methods available, 14\n",
  );
});
