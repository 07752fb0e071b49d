/** The program cftp with OpenSSH's server, ours and that of the peers. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "../support/example.js";
import { temporaryFolder } from "../support/folder.js";
import { privateFile, publicLine } from "../support/interop-keys.js";
import { peers } from "../support/peers.js";
import { Program } from "../support/program.js";
import { type SSHD, startSSHD } from "../support/sshd.js";

const command = [process.execPath, join(root, "packages/conch/bin/cftp.js")];

for (const [name, prefix] of [
  ["OpenSSH 9.2", []],
  ["OpenSSH 10", peers()],
] as const) {
  let server: SSHD;
  beforeAll(async () => {
    server = await startSSHD(prefix, ["Subsystem sftp internal-sftp"]);
  });
  afterAll(async () => server.stop());

  test(`with ${name} a batch runs, by key and known host, compressed or not`, async () => {
    const home = temporaryFolder();
    const put = (file: string, content: string | Uint8Array): void =>
      writeFileSync(join(home, file), content, { mode: 0o600 });
    const { port, user, folder, secret, hostKey } = server;
    put("identity", privateFile(secret));
    put("known", `[127.0.0.1]:${port} ${publicLine(hostKey)}`);
    put("local", "content");
    for (const options of [[], ["-C"]]) {
      put("batch", `cd ${folder.path}\nput local there\nls there\nget there back\nrm there\n`);
      const words = ["-b", "batch", "-p", String(port), "--known-hosts", "known", "-i", "identity", ...options];
      const surroundings = { cwd: home, env: { HOME: home, SSH_AUTH_SOCK: "" } };
      const program = new Program([...command, ...words, `${user}@127.0.0.1`], surroundings);
      program.endInput();
      expect([await program.ending, program.stderr.text]).toEqual([{ status: 0, signal: null }, ""]);
      expect(program.stdout.text).toMatch(/^there$/m);
      expect(readFileSync(join(home, "back"), "utf8")).toBe("content");
    }
  });
}
