/** The program conch with OpenSSH's server, ours and that of the peers; and as the ssh of this machine's programs. */
import { randomBytes } from "node:crypto";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { root } from "../support/example.js";
import { temporaryFolder } from "../support/folder.js";
import { privateFile, publicLine } from "../support/interop-keys.js";
import { peers } from "../support/peers.js";
import { atTerminal, Program } from "../support/program.js";
import { type SSHD, startSSHD } from "../support/sshd.js";
import { digestOf, digestServer, exchange, type Target } from "../support/tcp.js";

const command = [process.execPath, join(root, "packages/conch/bin/conch.js")];

describe.each([
  ["OpenSSH 9.2", () => []],
  ["OpenSSH 10", peers],
] as const)("with %s", (_name, prefix) => {
  let server: SSHD;
  let target: Target;
  let home: string;
  let options: string[];
  let words: string[];
  beforeAll(async () => {
    server = await startSSHD(prefix(), ["Subsystem sftp internal-sftp"]);
    target = await digestServer();
  });
  afterAll(async () => {
    target.close();
    await server.stop();
  });
  beforeEach(() => {
    home = temporaryFolder();
    const { port, user, secret, hostKey } = server;
    put("identity", privateFile(secret));
    put("known", `[127.0.0.1]:${port} ${publicLine(hostKey)}`);
    options = ["-a", "--known-hosts", join(home, "known"), "-i", join(home, "identity"), "-p", String(port)];
    words = [...options, `${user}@127.0.0.1`];
  });

  const put = (file: string, content: string | Uint8Array): void =>
    writeFileSync(join(home, file), content, { mode: 0o600 });
  const surroundings = () => ({ cwd: home, env: { HOME: home, SSH_AUTH_SOCK: "" } });
  const start = (...more: string[]): Program => new Program([...command, ...more], surroundings());

  test("a command has its input, both its outputs and its status", async () => {
    const program = start(...words, "wc -c; echo wrong >&2; exit 7");
    const content = randomBytes(3_000_000); // more than any window
    program.type(content);
    program.endInput();
    expect(await program.ending).toEqual({ status: 7, signal: null });
    expect([program.stdout.text, program.stderr.text]).toEqual([`${content.length}\n`, "wrong\n"]);
  });

  test("a program that a signal ends, and one that does not stop to write to who has gone", async () => {
    const program = start("-n", ...words, "kill -KILL $$");
    expect(await program.ending).toEqual({ status: 255, signal: null });
    expect(program.stderr.text).toBe("conch: the program was ended by signal KILL\n");
    const script = [...command, ...words, "yes"].map((word) => `'${word}'`).join(" ");
    const piped = new Program(["sh", "-c", `${script} | head -n 1`], surroundings());
    expect([await piped.ending, piped.stdout.text]).toEqual([{ status: 0, signal: null }, "y\n"]);
  });

  test("ports lead on from here and from the server", async () => {
    const to = `0:127.0.0.1:${target.port}`;
    const program = start("-N", "-L", to, "-R", to, ...words);
    const told = await program.stderr.whole((text) => text.match(/is forwarded\n/g)?.length === 2, "both ports");
    const content = randomBytes(300_000);
    for (const [, port] of told.matchAll(/port (\d+) is/g)) {
      expect(await exchange({ port: Number(port) }, content)).toBe(digestOf(content));
    }
    expect(await program.kill()).toEqual({ status: 143, signal: null });
  });

  test("a shell at a terminal takes escapes, new keys too", async () => {
    const program = atTerminal([...command, ...words], surroundings());
    program.type("stty size; echo $TERM; tty; PS1='pro''mpt '\r");
    await program.stdout.until(/30 100\r\nxterm\r\n\/dev\/pts\/\d+\r\n/);
    await program.stdout.until("prompt ");
    program.type("~Recho af''ter\r");
    await program.stdout.until("after\r\n");
    program.type("~.");
    expect(await program.ending).toEqual({ status: 255, signal: null });
    expect(program.stdout.text).toMatch(/Connection to 127\.0\.0\.1 closed\.\r\n$/);
  });

  test("scp, sftp and rsync of this machine run it instead of ssh", async () => {
    const line = [...command, ...options].map((word) => `'${word}'`).join(" ");
    put("ssh", `#!/bin/sh\nexec ${line} "$@"\n`);
    chmodSync(join(home, "ssh"), 0o700);
    put("local", "content");
    const ssh = join(home, "ssh");
    const there = `${server.user}@127.0.0.1:${server.folder.path}`;
    for (const words of [
      ["scp", "-S", ssh, "local", `${there}/first`],
      ["rsync", "-e", ssh, `${there}/first`, "copy"],
      ["rsync", "-e", ssh, "copy", `${there}/second`],
      ["sftp", "-S", ssh, `${there}/second`, "back"],
    ]) {
      const program = new Program(words, surroundings());
      expect([await program.ending, program.stderr.text]).toEqual([
        { status: 0, signal: null },
        words[0] === "sftp" ? "Connected to 127.0.0.1.\n" : "",
      ]);
    }
    expect(readFileSync(join(home, "back"), "utf8")).toBe("content");
  });
});
