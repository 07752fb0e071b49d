/** OpenSSH through the bastion of the examples, to a server of ours behind it. */
import { createHash, randomBytes } from "node:crypto";
import { pipeline } from "node:stream/promises";
import { InMemorySSHKeyDB, SSHPublicKeyChecker } from "@strombus/conch/checkers";
import { allowForwarding } from "@strombus/conch/ssh/forwarding";
import { sessionProgram } from "@strombus/conch/streams";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Example, exampleFolder, startExample } from "../support/example.js";
import { openSSH, ssh, sshAtTerminal } from "../support/openssh.js";
import { serve, type Served } from "../support/server.js";
import { freePort } from "../support/ports.js";
import { digestOf, digestServer, exchange, type Target } from "../support/tcp.js";
import { rsaKey } from "../support/rsa.js";

const openssh = openSSH();
const content = randomBytes(20 * 2 ** 20);
let behind: Served;
let gateway: Example;
let target: Target;

const program = sessionProgram(async ({ command, stdin, stdout, stderr, terminal }) => {
  switch (command) {
    case "digest": {
      const hash = createHash("sha256");
      await pipeline(stdin, hash);
      stdout.write(hash.digest("hex"));
      stderr.write("done\n");
      return 7;
    }
    case "download":
      stdout.write(content);
      return 0;
    default:
      stdout.write(`a terminal of ${terminal?.columns} columns\n`);
      await new Promise((resolve) => terminal?.once("SIGINT", resolve));
      stdout.write("interrupted\n");
      return 3;
  }
});

beforeAll(async () => {
  const folder = exampleFolder();
  behind = serve(
    program,
    (factory) =>
      factory.portal!.registerChecker(new SSHPublicKeyChecker(new InMemorySSHKeyDB({ user: [rsaKey().public()] }))),
    (user) => allowForwarding(user, { connect: true, listen: true }),
  );
  gateway = await startExample("gateway", { folder, env: { GATEWAY_TO: `127.0.0.1:${behind.port}` } });
  target = await digestServer();
});
afterAll(async () => {
  target.close();
  await gateway.program.kill();
  await behind.close();
});

describe("through the gateway", () => {
  test("a command has its input, its two outputs and its exit status", async () => {
    const run = ssh(openssh, { port: gateway.port, command: "digest" });
    run.type(content);
    run.endInput();
    expect((await run.ending).status).toBe(7);
    expect(run.stdout.text).toBe(createHash("sha256").update(content).digest("hex"));
    expect(run.stderr.text).toContain("done\n");
  });

  test("much output arrives whole, before the exit status", async () => {
    const run = ssh(openssh, { port: gateway.port, command: "download" });
    expect((await run.ending).status).toBe(0);
    expect(Buffer.from(run.stdout.text, "latin1").equals(content)).toBe(true);
  });

  test("a shell has its terminal and its keys", async () => {
    const session = sshAtTerminal(openssh, { port: gateway.port });
    await session.stdout.until("a terminal of 100 columns");
    session.type("\x03");
    await session.stdout.until("interrupted");
    expect((await session.ending).status).toBe(3);
  });

  test("-L and -R reach from and to the server behind", async () => {
    const [near, far] = [await freePort(), await freePort()];
    const options = ["-N", "-v", "-L", `${near}:127.0.0.1:${target.port}`, "-R", `${far}:127.0.0.1:${target.port}`];
    const tunnel = ssh(openssh, { port: gateway.port, options });
    await tunnel.stderr.until(/remote forward success/);
    expect(await exchange({ port: near }, content)).toBe(digestOf(content));
    expect(await exchange({ port: far }, content)).toBe(digestOf(content));
    await tunnel.kill();
  });

  test("many have their connections beside each other", async () => {
    const runs = Array.from({ length: 4 }, async () => {
      const run = ssh(openssh, { port: gateway.port, command: "digest" });
      run.endInput();
      return (await run.ending).status;
    });
    expect(await Promise.all(runs)).toEqual([7, 7, 7, 7]);
  });
});
