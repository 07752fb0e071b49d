/** Every cipher, MAC and key exchange that is offered, on ssh2's native addon and without it. */
import { join } from "node:path";
import { nativeCiphers } from "@strombus/conch/ssh/transport";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Example, root, startExample } from "../support/example.js";
import { openSSH, ssh } from "../support/openssh.js";
import { Program } from "../support/program.js";

const GOODBYE = "This session is very simple.  Goodbye!\r\n";
const SLOWER = "ssh2's native addon cannot be used, so packets go through node:crypto, which is slower.\n";

const AEAD = ["chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes128-gcm@openssh.com"];
const CTR = ["aes256-ctr", "aes128-ctr"];
const MACS = ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"];
const PLAIN_MACS = ["hmac-sha2-256", "hmac-sha2-512"]; // of the profile compat
const suites = (ciphers: string[], macs: string[]) =>
  ciphers.flatMap((cipher) => macs.map((mac) => ["-c", cipher, "-m", mac]));
const SUITES = [...AEAD.map((cipher) => ["-c", cipher]), ...suites(CTR, MACS)];
const openssh = openSSH();

for (const [where, node] of [
  ["on the native addon", []],
  ["without the native addon", ["--no-addons"]],
] as const) {
  describe(where, () => {
    let server: Example;

    beforeAll(async () => {
      server = await startExample("trivial-channel", { node: [...node] });
    });

    afterAll(() => server.program.kill());

    for (const options of SUITES) {
      test.concurrent(
        `a session runs under ${options.filter((word) => !word.startsWith("-")).join(" with ")}`,
        async () => {
          const session = ssh(openssh, { port: server.port, options: ["-v", ...options] });
          await session.ending;
          expect(session.stdout.text).toBe(GOODBYE);
          expect(session.stderr.text).toContain(`cipher: ${options[1]} MAC: ${options[3] ?? "<implicit>"}`);
        },
      );
    }

    test("the other sessions run under MACs of the profile compat", async () => {
      const program = new Program([
        process.execPath,
        ...node,
        join(root, "tests/dist/support/profile-server.js"),
        "compat",
      ]);
      const port = Number((await program.stdout.until(/port (\d+)\n/))[1]);
      for (const options of suites(["aes192-ctr", ...CTR], PLAIN_MACS)) {
        const session = ssh(openssh, { port, options: ["-v", ...options], command: "x" });
        await session.ending;
        expect(session.stdout.text).toBe("hello");
        expect(session.stderr.text).toContain(`cipher: ${options[1]} MAC: ${options[3]} compression`);
      }
      await program.kill();
    });

    test("the server says once whether it runs on slower ciphers", async () => {
      await ssh(openssh, { port: server.port }).ending;
      await server.program.kill();
      expect(server.program.stdout.text.split(SLOWER)).toHaveLength(node.length === 0 && nativeCiphers() ? 1 : 2);
      expect(server.program.stderr.text).toBe("");
    });
  });
}

describe("key exchange", () => {
  for (const kex of ["curve25519-sha256", "curve25519-sha256@libssh.org"]) {
    test(`${kex} opens a session`, async () => {
      const { program, port } = await startExample("trivial-channel");
      const session = ssh(openssh, { port, options: ["-v", "-o", `KexAlgorithms=${kex}`] });
      await session.ending;
      expect(session.stdout.text).toBe(GOODBYE);
      expect(session.stderr.text).toContain(`kex: algorithm: ${kex}`);
      await program.kill();
    });
  }

  test("a client may exchange keys again after every few bytes", async () => {
    const { program, port } = await startExample("accepting-input");
    const session = ssh(openssh, { port, options: ["-v", "-o", "RekeyLimit=16"] });
    for (let key = 0; key < 20; key += 1) {
      session.type("x");
      await session.stdout.until("echo: 'x'\r\n");
    }
    expect(session.stderr.text.match(/SSH2_MSG_NEWKEYS received/g)?.length).toBeGreaterThan(10);
    await session.kill();
    await program.kill();
  });
});
