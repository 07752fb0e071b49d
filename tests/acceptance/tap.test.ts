/** An SSH server for this machine's accounts by one command: `strombus run @strombus/conch/tap`. */
import { writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { SSHCommandClientEndpoint } from "@strombus/conch/endpoints";
import { Key } from "@strombus/conch/ssh/keys";
import { Factory } from "@strombus/reactor/protocol";
import { AccumulatingProtocol } from "@strombus/reactor/testing";
import { expect, test } from "vitest";
import { root } from "../support/example.js";
import { temporaryFolder } from "../support/folder.js";
import { logIn, logOut } from "../support/login.js";
import { freePort } from "../support/ports.js";
import { strombus } from "../support/runner.js";

const { username } = userInfo();
const run = (...args: string[]) => strombus(["run", "@strombus/conch/tap", ...args], { cwd: root });

test("users log in as --auth says, and run commands as their accounts", async () => {
  const folder = temporaryFolder();
  const hostKey = Key.generate("ed25519");
  writeFileSync(join(folder, "ssh_host_ed25519_key"), hostKey.toString("openssh"), { mode: 0o600 });
  writeFileSync(join(folder, "ssh_host_ed25519_key.pub"), hostKey.public().toString("openssh"));
  writeFileSync(join(folder, "passwords"), `${username}:secret\n`);
  const port = await freePort();
  const auth = `file:${join(folder, "passwords")}`;
  const server = run("--port", `tcp:${port}`, "--interface", "127.0.0.1", "--data", folder, "--auth", auth);
  await server.stdout.until("@strombus/conch/tap runs as process");

  const connection = await logIn({ port, user: username, secret: "secret" });
  const output = new AccumulatingProtocol();
  const ended = new Promise((resolve) => (output.connectionLost = resolve));
  const command = SSHCommandClientEndpoint.existingConnection(connection, "id -un");
  await command.connect(Factory.forProtocol(() => output));
  await ended;
  expect(output.data.toString()).toBe(`${username}\n`);
  expect(connection.transport!.hostKeyBlob).toEqual(hostKey.blob());
  logOut(connection);
  expect(await server.kill()).toEqual({ status: 0, signal: null });
});

test.each([
  [["--auth", "nobody"], 1, "strombus: Auth plugin not recognized: "],
  [["--nonsense"], 1, "strombus: "],
  [["--auth", "sshkey", "--data", "/nowhere"], 1, "strombus: "],
])("%j is one sentence, and status %i", async (args, status, sentence) => {
  const program = run(...args);
  expect(await program.ending).toEqual({ status, signal: null });
  expect(program.stderr.text.startsWith(sentence)).toBe(true);
  expect(program.stderr.text).not.toMatch(/^ {4}at /m);
});

test("--help-auth tells what there is, and that is all", async () => {
  const program = run("--help-auth");
  expect(await program.ending).toEqual({ status: 0, signal: null });
  for (const type of ["sshkey", "unix", "file"]) expect(program.stdout.text).toContain(type);
});
