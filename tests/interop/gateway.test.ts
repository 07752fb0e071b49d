/** OpenSSH through the bastion of the examples, to OpenSSH's own servers behind it. */
import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { Key } from "@strombus/conch/ssh/keys";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Example, exampleFolder, startExample } from "../support/example.js";
import { PeerFolder } from "../support/interop-folder.js";
import { needed } from "../support/needed.js";
import { openSSH, ssh, sshAtTerminal } from "../support/openssh.js";
import { peers } from "../support/peers.js";
import { Program } from "../support/program.js";
import { type SSHD, startSSHD } from "../support/sshd.js";
import { freePort } from "../support/ports.js";
import { digestOf, digestServer, exchange, isListening, type Target } from "../support/tcp.js";
import { rsaKey } from "../support/rsa.js";

needed("sshd");
const openssh = openSSH();
const content = randomBytes(8 * 2 ** 20); // more than any window
const user = userInfo().username;

for (const [release, prefix] of [
  ["9.2", []],
  ["10", peers()],
] as const) {
  describe(`in front of OpenSSH ${release}`, () => {
    let behind: SSHD;
    let gateway: Example;
    let target: Target;

    beforeAll(async () => {
      const folder = exampleFolder();
      writeFileSync(join(folder, "ssh-passwords"), `${user}:password\n`);
      [behind, target] = await Promise.all([startSSHD(prefix, [], rsaKey()), digestServer()]);
      gateway = await startExample("gateway", { folder, env: { GATEWAY_TO: `127.0.0.1:${behind.port}` } });
    });
    afterAll(async () => {
      target.close();
      await gateway.program.kill();
      await behind.stop();
    });

    const run = (command: string, ...options: string[]) => ssh(openssh, { user, port: gateway.port, command, options });

    test("a command has its input, its outputs and its exit status", async () => {
      const program = run("sha256sum; echo done >&2; exit 7");
      program.type(content);
      program.endInput();
      expect((await program.ending).status).toBe(7);
      expect(program.stdout.text).toContain(createHash("sha256").update(content).digest("hex"));
      expect(program.stderr.text).toContain("done\n");
    });

    test("a command that a signal ends says so", async () => {
      const program = run("kill -TERM $$", "-v");
      program.endInput();
      expect((await program.ending).status).toBe(255);
      expect(program.stderr.text).toContain("client_input_channel_req: channel 0 rtype exit-signal");
    });

    test("much comes back whole, before the exit status", async () => {
      const program = run("cat; exit 3");
      program.type(content);
      program.endInput();
      expect((await program.ending).status).toBe(3);
      expect(Buffer.from(program.stdout.text, "latin1").equals(content)).toBe(true);
    });

    test("a shell has a terminal of the size that the client has", async () => {
      const session = sshAtTerminal(openssh, { user, port: gateway.port, options: ["-tt"], command: "stty size; cat" });
      await session.stdout.until("30 100\r\n");
      // A shell goes on to cat when Ctrl-C comes while stty ends of itself: cat is there when it gives a line back.
      session.type("cat\r");
      await session.stdout.until("cat\r\ncat\r\n");
      session.type("\x03");
      expect((await session.ending).status).not.toBe(0);
    });

    test("ports are forwarded both ways, and what listens ends with the client", async () => {
      const [near, far] = [await freePort(), await freePort()];
      const options = ["-N", "-v", "-L", `${near}:127.0.0.1:${target.port}`, "-R", `${far}:127.0.0.1:${target.port}`];
      const tunnel = ssh(openssh, { user, port: gateway.port, options });
      await tunnel.stderr.until(/remote forward success/);
      expect(await exchange({ port: near }, content)).toBe(digestOf(content));
      expect(await exchange({ port: far }, content)).toBe(digestOf(content));
      await tunnel.kill("SIGKILL");
      await expect.poll(() => isListening({ port: far }), { timeout: 15_000 }).toBe(false);
    });

    test("a port that leads to nobody is refused by the server behind, and the client hears why", async () => {
      const [near, nobody] = [await freePort(), await freePort()];
      const tunnel = ssh(openssh, {
        user,
        port: gateway.port,
        options: ["-N", "-v", "-L", `${near}:127.0.0.1:${nobody}`],
      });
      await tunnel.stderr.until(/Entering interactive session/);
      expect(await exchange({ port: near }, Buffer.of(1)).catch(() => "")).toBe("");
      await tunnel.stderr.until(/open failed: connect failed: Connection refused/);
      await tunnel.kill();
    });

    test("the client's agent is at hand behind", async () => {
      const folder = new PeerFolder(openssh.prefix);
      const key = folder.put("key", Key.generate("ed25519").toString("openssh"));
      const script = 'eval "$(ssh-agent -s)" >/dev/null; ssh-add -q "$0"; "$@"; ssh-agent -k >/dev/null';
      const words = [
        ..."ssh -A -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR".split(" "),
        ...["-p", String(gateway.port), `${user}@127.0.0.1`, "ssh-add -l"],
      ];
      const env = {
        SSH_ASKPASS: openssh.askpass,
        SSH_ASKPASS_REQUIRE: "force",
        STROMBUS_TEST_PASSWORD: "password",
      };
      const program = new Program([...openssh.prefix, "sh", "-c", script, key, ...words], { env });
      await program.ending;
      expect(program.stdout.text, program.stderr.text).toMatch(/^256 SHA256:\S+ .*\(ED25519\)\n$/);
      folder.remove();
    });
  });
}
