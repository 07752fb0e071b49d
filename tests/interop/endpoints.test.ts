/** Commands by our client's endpoint on other people's servers, and the known_hosts files that we share with OpenSSH. */
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KnownHostsFile } from "@strombus/conch/client/knownhosts";
import { type ICommandTransport, type NewConnectionOptions, SSHCommandClientEndpoint } from "@strombus/conch/endpoints";
import { Key } from "@strombus/conch/ssh/keys";
import { reactor } from "@strombus/reactor";
import { Deferred } from "@strombus/reactor/defer";
import type { Failure } from "@strombus/reactor/failure";
import { Factory, Protocol } from "@strombus/reactor/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folder.js";
import { SERVERS } from "../support/interop-servers.js";
import { COMMAND, STATUS } from "../support/interop-talk.js";
import { peers } from "../support/peers.js";
import { type SSHD, startSSHD } from "../support/sshd.js";

class Output extends Protocol {
  text = "";
  readonly ended = new Deferred<unknown>();
  constructor(readonly input: string) {
    super();
  }
  override connectionMade(): void {
    const command = this.transport as ICommandTransport;
    command.write(this.input);
    command.loseWriteConnection();
  }
  override dataReceived(data: Buffer): void {
    this.text += data.toString();
  }
  override connectionLost(reason: Failure): void {
    this.ended.callback(reason.value);
  }
}

async function run(
  command: string,
  { port, user }: { readonly port: number; readonly user: string },
  options: NewConnectionOptions,
  input = "",
): Promise<{ text: string; end: unknown }> {
  const output = new Output(input);
  await SSHCommandClientEndpoint.newConnection(reactor, command, user, "127.0.0.1", { port, ...options }).connect(
    Factory.forProtocol(() => output),
  );
  return { end: await output.ended, text: output.text };
}

/** Whoever is asked says no. */
const ui = { prompt: () => false, warn: () => undefined };

describe.each(Object.entries(SERVERS))("%s", (_, start) => {
  test("runs a command for us, with a key and a host that we know", async () => {
    const key = Key.generate("ed25519");
    const server = await start({ prefix: peers(), userKeys: new Map([["ssh-ed25519", key]]) });
    try {
      const knownHosts = new KnownHostsFile(join(temporaryFolder(), "known_hosts"));
      for (const each of server.hostKeys.values()) {
        if (each.sshType() === "ssh-ed25519") knownHosts.addHostKey("127.0.0.1", each.public());
      }
      const { text, end } = await run(COMMAND, server, { keys: [key], knownHosts, ui }, "hello");
      expect(text).toBe("hello");
      expect(end).toMatchObject({ exitCode: STATUS });
    } finally {
      await server.stop();
    }
  });
});

describe.each([
  ["9.2", []],
  ["10", peers()],
])("known_hosts, with OpenSSH %s", (_, prefix) => {
  let sshd: SSHD;
  let key = "";
  beforeAll(async () => {
    sshd = await startSSHD(prefix);
    key = join(temporaryFolder(), "key");
    writeFileSync(key, sshd.secret.toString("openssh"), { mode: 0o600 });
  });
  afterAll(() => sshd.stop());

  const ssh = (file: string, ...options: string[]): string =>
    execFileSync(
      "ssh",
      [
        ...[
          "-F",
          "none",
          "-i",
          key,
          "-p",
          String(sshd.port),
          "-o",
          `UserKnownHostsFile=${file}`,
          "-o",
          "BatchMode=yes",
        ],
        ...options.flatMap((option) => ["-o", option]),
        ...[`${sshd.user}@127.0.0.1`, "echo hello"],
      ],
      { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
    );

  test.each(["yes", "no"])("what it has written, names hashed: %s, we read", async (hashed) => {
    const file = join(temporaryFolder(), "known_hosts");
    expect(ssh(file, "StrictHostKeyChecking=accept-new", `HashKnownHosts=${hashed}`)).toBe("hello\n");
    const { text } = await run("echo hello", sshd, {
      keys: [sshd.secret],
      knownHosts: KnownHostsFile.fromPath(file),
      ui,
    });
    expect(text).toBe("hello\n");
  });

  test("what we have written it reads, and strictly", async () => {
    const file = join(temporaryFolder(), "known_hosts");
    const knownHosts = KnownHostsFile.fromPath(file);
    await run("echo hello", sshd, { keys: [sshd.secret], knownHosts, ui: { ...ui, prompt: () => true } });
    expect(existsSync(file)).toBe(true);
    expect(ssh(file, "StrictHostKeyChecking=yes")).toBe("hello\n");
  });

  test("a key that it was told is revoked we refuse as it does", async () => {
    const file = join(temporaryFolder(), "known_hosts");
    const line = `@revoked * ${sshd.hostKey.public().toString("openssh").toString().trim()}\n`;
    writeFileSync(file, line);
    expect(() => ssh(file, "StrictHostKeyChecking=accept-new")).toThrow();
    const asked = { ...ui, prompt: () => true };
    const refused = run("echo hello", sshd, {
      keys: [sshd.secret],
      knownHosts: KnownHostsFile.fromPath(file),
      ui: asked,
    });
    await expect(refused).rejects.toMatchObject({ name: "HostKeyRevoked", lineno: 1 });
  });
});
