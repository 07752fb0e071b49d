/** Logins with other people's clients by the methods that the table of algorithms does not show. */
import { AuthorizedKey, HostBasedChecker, InMemorySSHKeyDB, SSHPublicKeyChecker } from "@strombus/conch/checkers";
import { Certificate } from "@strombus/conch/keys/certificate";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { FingerprintFormats, Key } from "@strombus/conch/ssh/keys";
import type { ICredentialsChecker } from "@strombus/cred/checkers";
import {
  type ICredentials,
  IKeyboardInteractive,
  IUsernamePassword,
  IUsernamePasswordChange,
} from "@strombus/cred/credentials";
import { PasswordChangeRequired, UnauthorizedLogin } from "@strombus/cred/error";
import { Portal } from "@strombus/cred/portal";
import { afterAll, describe, expect, test } from "vitest";
import { PeerFolder } from "../support/interop-folder.js";
import { peers } from "../support/peers.js";
import { Program } from "../support/program.js";
import { serve, type Served } from "../support/server.js";

/** Says that somebody is in. */
class Hello extends SSHChannel {
  override name = "session";

  request_exec() {
    this.write("you are in\n");
    this.conn?.sendRequest(this, "exit-status", Buffer.alloc(4));
    this.loseConnection();
    return true;
  }
}

const prefix = peers();
const folder = new PeerFolder(prefix);
const servers: Served[] = [];
afterAll(async () => {
  folder.remove();
  await Promise.all(servers.map((server) => server.close()));
});

let hostKey = "";

/** Serves users of these checkers alone. */
function serveTo(...checkers: ICredentialsChecker[]): number {
  const server = serve(Hello, (factory) => {
    const { realm } = factory.portal!;
    factory.portal = new Portal(realm, checkers);
    const print = factory.publicKeys!["ssh-ed25519"]!.fingerprint(FingerprintFormats.SHA256_BASE64);
    hostKey = `SHA256:${print.replace(/=+$/, "")}`;
  });
  servers.push(server);
  return server.port;
}

async function run(words: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const program = new Program([...prefix, ...words], { env });
  program.endInput();
  await program.ending;
  return { output: program.stdout.text, log: program.stderr.text };
}

const openssh = (port: number, ...options: string[]) => [
  "ssh",
  "-F",
  "none",
  ...["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "IdentityAgent=none", ...options].flatMap((each) => [
    "-o",
    each,
  ]),
  "-p",
  `${port}`,
  "user@127.0.0.1",
  "hello",
];
const plink = (port: number, ...options: string[]) => [
  ...["plink", "-ssh", "-batch", "-noagent", "-hostkey", hostKey, "-P", `${port}`, ...options],
  ...["user@127.0.0.1", "hello"],
];
const asyncssh = (port: number, code: string) => [
  "python3",
  "-c",
  `
import asyncio, asyncssh, socket, sys
class Client(asyncssh.SSHClient):
    def kbdint_auth_requested(self): return ""
    def kbdint_challenge_received(self, name, instructions, lang, prompts):
        return [{"Password: ": "secret", "Code: ": "42"}[p.strip() + " "] for p, echo in prompts]
    def password_change_requested(self, prompt, lang): return "old", "better"
async def main():
    async with asyncssh.connect("127.0.0.1", ${port}, username="user", known_hosts=None, config=None, agent_path=None,
                                client_factory=Client, ${code}) as connection:
        print((await connection.run("hello")).stdout, end="")
asyncio.run(main())`,
];
const paramiko = (port: number, code: string) => [
  "python3",
  "-c",
  `
import paramiko
transport = paramiko.Transport(("127.0.0.1", ${port}))
transport.start_client()
${code}
channel = transport.open_session()
channel.exec_command("hello")
print(channel.makefile("r").read().decode(), end="")
transport.close()`,
];
const IN = "you are in\n";

describe("keyboard-interactive", () => {
  /** A round for each of these questions. */
  const asking = (...rounds: [question: string, answer: string][]): ICredentialsChecker => ({
    credentialInterfaces: [IKeyboardInteractive],
    async requestAvatarId(credentials: ICredentials) {
      const user = credentials as IKeyboardInteractive;
      for (const [question, right] of rounds) {
        const [answer] = await user.ask([question], "Please tell.", "Login");
        if (answer !== right) throw new UnauthorizedLogin();
      }
      return user.username;
    },
  });
  const one = () => serveTo(asking(["Password: ", "secret"]));
  const two = () => serveTo(asking(["Password: ", "secret"], ["Code: ", "42"]));

  test("OpenSSH, two rounds", async () => {
    const script = 'case "$1" in *assword*) echo secret;; *ode*) echo 42;; esac';
    const askpass = folder.put("askpass", `#!/bin/sh\n${script}\n`, "700");
    const { output } = await run(openssh(two(), "PreferredAuthentications=keyboard-interactive"), {
      SSH_ASKPASS: askpass,
      SSH_ASKPASS_REQUIRE: "force",
    });
    expect(output).toBe(IN);
  });

  test("PuTTY", async () => {
    const port = one();
    expect((await run(plink(port, "-pw", "secret"))).output).toBe(IN);
  });

  test("Dropbear", async () => {
    const words = ["sshpass", "-p", "secret", "dbclient", "-y", "-y", "-p", `${one()}`, "user@127.0.0.1", "hello"];
    expect((await run(words)).output).toBe(IN);
  });

  test("AsyncSSH, two rounds", async () => {
    expect((await run(asyncssh(two(), "client_keys=None"))).output).toBe(IN);
  });

  test("Paramiko, two rounds", async () => {
    const code = `answers = {"Password: ": "secret", "Code: ": "42"}
transport.auth_interactive("user", lambda title, text, prompts: [answers[prompt] for prompt, echo in prompts])`;
    expect((await run(paramiko(two(), code))).output).toBe(IN);
  });
});

describe("a password that must be changed", () => {
  class Accounts implements ICredentialsChecker {
    credentialInterfaces = [IUsernamePassword, IUsernamePasswordChange];
    stored = "old";
    requestAvatarId(credentials: ICredentials) {
      const { username, password, newPassword } = credentials as IUsernamePassword & Partial<IUsernamePasswordChange>;
      if (password !== this.stored) throw new UnauthorizedLogin();
      if (newPassword !== undefined) this.stored = newPassword;
      else if (password === "old") throw new PasswordChangeRequired("New password: ");
      return username;
    }
  }

  test("OpenSSH", async () => {
    const script = 'case "$1" in *ew*|*etype*) echo better;; *) echo old;; esac';
    const askpass = folder.put("askpass", `#!/bin/sh\n${script}\n`, "700");
    const { output } = await run(openssh(serveTo(new Accounts()), "PreferredAuthentications=password"), {
      SSH_ASKPASS: askpass,
      SSH_ASKPASS_REQUIRE: "force",
    });
    expect(output).toBe(IN);
  });

  test("AsyncSSH", async () => {
    const { output } = await run(asyncssh(serveTo(new Accounts()), 'client_keys=None, password="old"'));
    expect(output).toBe(IN);
  });
});

describe("certificates of users", () => {
  const authority = Key.generate("ed25519");
  const checker = () => new SSHPublicKeyChecker(new InMemorySSHKeyDB({}), { trustedUserCAKeys: [authority.public()] });

  for (const [type, user] of [
    ["ed25519", Key.generate("ed25519")],
    ["ecdsa", Key.generate("ecdsa", 256)],
    ["rsa", Key.generate("rsa", 3072)],
  ] as const) {
    const files = async () => {
      const request = { kind: "user", keyId: "id", principals: ["user"], validBefore: Infinity } as const;
      const certificate = await Certificate.issue(authority, { ...request, key: user.public() });
      const key = folder.put(type, user.toString("openssh", { subtype: "v1", comment: "user" }));
      return [key, folder.put(`${type}-cert.pub`, `${certificate.toString("user")}\n`)] as const;
    };

    test(`OpenSSH, ${type}`, async () => {
      const [key, certificate] = await files();
      const options = [`IdentityFile=${key}`, `CertificateFile=${certificate}`, "IdentitiesOnly=yes"];
      expect((await run(openssh(serveTo(checker()), ...options))).output).toBe(IN);
    });

    test(`PuTTY, ${type}`, async () => {
      const [key, certificate] = await files();
      folder.run("puttygen", key, "-O", "private", "-o", `${key}.ppk`);
      const port = serveTo(checker());
      expect((await run(plink(port, "-i", `${key}.ppk`, "-cert", certificate))).output).toBe(IN);
    });

    test(`AsyncSSH, ${type}`, async () => {
      const [key, certificate] = await files();
      const code = `client_keys=[("${key}", "${certificate}")]`;
      expect((await run(asyncssh(serveTo(checker()), code))).output).toBe(IN);
    });

    test(`Paramiko, ${type}`, async () => {
      const [key, certificate] = await files();
      const code = `key = paramiko.PKey.from_path("${key}")
key.load_certificate("${certificate}")
transport.auth_publickey("user", key)`;
      expect((await run(paramiko(serveTo(checker()), code))).output).toBe(IN);
    });
  }
});

test("hostbased: AsyncSSH", async () => {
  const host = Key.generate("ed25519");
  const file = folder.put("host", host.toString("openssh", { subtype: "v1" }));
  const checker = new HostBasedChecker({ localhost: [host.public()] }, { addressesOf: () => ["127.0.0.1"] });
  const code = `client_keys=None, client_host_keys=["${file}"], client_host="localhost", client_username="user"`;
  expect((await run(asyncssh(serveTo(checker), code))).output).toBe(IN);
});

test("authorized_keys: Dropbear's key, with options", async () => {
  folder.run("dropbearkey", "-t", "ed25519", "-f", `${folder.path}/dropbear`);
  const line = /^ssh-ed25519 .*$/m.exec(folder.run("dropbearkey", "-y", "-f", `${folder.path}/dropbear`))![0];
  const login = async (options: string) => {
    const keys = new InMemorySSHKeyDB({ user: [AuthorizedKey.fromString(`${options}${line}`)] });
    const port = serveTo(new SSHPublicKeyChecker(keys));
    const words = ["dbclient", "-y", "-y", "-i", `${folder.path}/dropbear`, "-p", `${port}`, "user@127.0.0.1", "hello"];
    return (await run(words)).output;
  };
  expect(await login("no-pty ")).toBe(IN);
  expect(await login('from="192.0.2.1" ')).toBe("");
});
