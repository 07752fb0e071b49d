/** Logins by keys with options, by certificates and by several factors, through the examples and OpenSSH's client. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TOTP } from "otpauth";
import { expect, test } from "vitest";
import { atEnd } from "../support/at-end.js";
import { type Example, exampleFolder, startExample } from "../support/example.js";
import { PeerFolder } from "../support/interop-folder.js";
import { openSSH } from "../support/openssh.js";
import { Program } from "../support/program.js";

const { prefix } = openSSH();
const client = new PeerFolder(prefix);
atEnd(() => client.remove());
client.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", `${client.path}/key`);
const publicKey = client.run("cat", `${client.path}/key.pub`).trim();

/** Runs ssh with the client's key; `askpass` answers its questions. */
async function ssh({ port }: Example, words: readonly string[], askpass = "exit 1") {
  const program = client.put("askpass", `#!/bin/sh\n${askpass}\n`, "700");
  const options = [
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
    "IdentitiesOnly=yes",
    "IdentityAgent=none",
    `IdentityFile=${client.path}/key`,
    "NumberOfPasswordPrompts=1",
  ].flatMap((option) => ["-o", option]);
  const command = ["ssh", "-v", "-F", "none", ...options, "-p", `${port}`, "user@127.0.0.1", ...words];
  const login = new Program([...prefix, ...command], {
    env: { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: "force" },
  });
  login.endInput();
  const { status } = await login.ending;
  return { status, output: login.stdout.text, log: login.stderr.text };
}

async function withExample(name: string, folder: string, use: (example: Example) => Promise<void>): Promise<void> {
  const example = await startExample(name, { folder });
  try {
    await use(example);
  } finally {
    await example.program.kill("SIGINT");
  }
}

test("authorized-keys: the options beside a key are held to", async () => {
  const folder = exampleFolder();
  mkdirSync(join(folder, ".ssh"));
  const authorize = (options: string) =>
    writeFileSync(join(folder, ".ssh/authorized_keys"), `${options}${publicKey}\n`);
  await withExample("authorized-keys", folder, async (example) => {
    authorize("");
    expect((await ssh(example, ["date"])).output).toBe('running "date"\r\n');
    authorize('from="127.0.0.1",command="backup" ');
    expect((await ssh(example, ["date"])).output).toBe('running "backup" instead of "date"\r\n');
    expect((await ssh(example, ["-s", "sftp"])).output).toBe('running "backup" instead of "sftp"\r\n');
    authorize("restrict ");
    expect((await ssh(example, ["-tt", "date"])).log).toContain("PTY allocation request failed");
    for (const refusing of ['from="!127.0.0.1,*" ', 'expiry-time="20200101" ', "no-such-option ", "cert-authority "]) {
      authorize(refusing);
      expect((await ssh(example, ["date"])).status, refusing).toBe(255);
    }
  });
});

test("certificates: an authority lets in whom it names, until it is taken back", async () => {
  const folder = exampleFolder();
  await withExample("certificates", folder, async (example) => {
    expect((await ssh(example, [])).status).toBe(255);
    const authority = client.put("users_ca", readFileSync(join(folder, "users_ca")));
    const certify = (...words: string[]) =>
      client.run("ssh-keygen", "-q", "-s", authority, "-I", "id", ...words, `${client.path}/key.pub`);
    certify("-n", "user", "-V", "+1d", "-z", "7");
    const login = await ssh(example, []);
    expect(login.output).toContain("Welcome, user!");
    expect(login.log).toMatch(/Server accepts key: [^\n]*ED25519-CERT/);
    for (const refused of [
      ["-n", "other"],
      ["-n", "user", "-V", "20200101:20200102"],
      ["-n", "user", "-O", "source-address=192.0.2.0/24"],
    ]) {
      certify(...refused);
      expect((await ssh(example, [])).status, refused.join(" ")).toBe(255);
    }
    certify("-n", "user", "-z", "7");
    const list = client.put("revoke", "serial: 7\n");
    client.run("ssh-keygen", "-q", "-k", "-f", `${client.path}/krl`, "-s", `${client.path}/users_ca`, list);
    writeFileSync(join(folder, "revoked"), Buffer.from(client.run("base64", `${client.path}/krl`), "base64"));
    expect((await ssh(example, [])).status).toBe(255);
  });
  client.run("rm", `${client.path}/key-cert.pub`);
});

test("multi-factor: a key, then the password, then a code that is good once", async () => {
  const folder = exampleFolder();
  writeFileSync(join(folder, "authorized_keys"), `${publicKey}\n`);
  await withExample("multi-factor", folder, async (example) => {
    const secret = readFileSync(join(folder, "totp-secret"), "utf8").trim();
    const code = new TOTP({ secret }).generate();
    const answers = `case "$1" in *assword*) echo password;; *code*) echo ${code};; *) exit 1;; esac`;
    const login = await ssh(example, [], answers);
    expect(login.output).toContain("Welcome, user!");
    const steps = [
      ...login.log.matchAll(/^(?:debug1: )?(Authentications that can continue: .*|Authenticated .*)\r?$/gm),
    ];
    expect(steps.map(([, step]) => step!.replace(/ to 127.0.0.1 \S+/, " "))).toEqual([
      "Authentications that can continue: publickey",
      'Authenticated using "publickey" with partial success.',
      "Authentications that can continue: password",
      'Authenticated using "password" with partial success.',
      "Authentications that can continue: keyboard-interactive",
      expect.stringMatching(/^Authenticated .*using "keyboard-interactive"\.$/),
    ]);
    expect((await ssh(example, [], answers)).status).toBe(255); // the same code again
  });
});
