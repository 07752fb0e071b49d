/** A host key that lives in OpenSSH's ssh-agent: the server signs by it and has never seen it. */
import { execFileSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AgentHostKey, connectAgent } from "@strombus/conch/ssh/agent";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { Key } from "@strombus/conch/ssh/keys";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../support/folder.js";
import { openSSH, ssh } from "../support/openssh.js";
import { Program } from "../support/program.js";
import { serve, type Served } from "../support/server.js";
import { rsaKey } from "../support/rsa.js";

class Hello extends SSHChannel {
  override name = "session";

  request_exec() {
    this.write("hello");
    this.conn?.sendRequest(this, "exit-status", Buffer.alloc(4));
    this.loseConnection();
    return true;
  }
}

const folder = temporaryFolder();
const socket = join(folder, "agent");
const openssh = openSSH();
const agent = new Program(["ssh-agent", "-D", "-a", socket]);
await agent.stdout.until(/SSH_AUTH_SOCK/);
afterAll(() => agent.kill());

/** Gives a key to the agent, and only its public half back. */
function keyInAgent(key: Key): Key {
  const file = join(folder, "key");
  writeFileSync(file, key.toString("openssh", { subtype: "v1" }), { mode: 0o600 });
  execFileSync("ssh-add", ["-q", file], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
  rmSync(file);
  return key.public();
}

function serveBy(publicKey: Key): Served {
  const server = serve(Hello, (factory) => {
    factory.publicKeys = { [publicKey.sshType()]: publicKey };
    factory.privateKeys = { [publicKey.sshType()]: new AgentHostKey(publicKey, socket) };
  });
  onTestFinished(() => server.close());
  return server;
}

for (const [key, algorithm] of [
  [Key.generate("ed25519"), "ssh-ed25519"],
  [Key.generate("ecdsa", 256), "ecdsa-sha2-nistp256"],
  [rsaKey(), "rsa-sha2-512"],
  [rsaKey(), "rsa-sha2-256"],
] as const) {
  test(`signs by ${algorithm}`, async () => {
    const { port } = serveBy(keyInAgent(key));
    const options = ["-v", "-o", `HostKeyAlgorithms=${algorithm}`];
    const client = ssh(openssh, { port, options, command: "x" });
    expect(await client.ending).toEqual({ status: 0, signal: null });
    expect(client.stdout.text).toBe("hello");
    expect(client.stderr.text).toContain(`host key algorithm: ${algorithm}`);
  });
}

test("our client of the agent lists what ssh-add gave it, and takes it away", async () => {
  const publicKey = keyInAgent(Key.generate("ed25519"));
  const client = await connectAgent(socket);
  const identities = await client.requestIdentities();
  expect(identities.some(([blob]) => blob.equals(publicKey.blob()))).toBe(true);
  await client.removeAllIdentities();
  expect(await client.requestIdentities()).toEqual([]);
  client.transport?.loseConnection();
});

test("a connection ends when the agent has no such key, or is gone, and the next one is answered as well", async () => {
  const { port } = serveBy(Key.generate("ed25519").public());
  for (let i = 0; i < 2; i++) {
    const client = ssh(openssh, { port, command: "x" });
    expect((await client.ending).status).toBe(255);
    expect(client.stderr.text).toContain("internal error");
  }
  await agent.kill();
  expect(
    existsSync(socket) &&
      (await connectAgent(socket).then(
        () => true,
        () => false,
      )),
  ).toBe(false);
  const client = ssh(openssh, { port, command: "x" });
  expect((await client.ending).status).toBe(255);
});
