/** Logins with other people's clients by the methods that the table of algorithms does not show. */
import {
  AuthorizedKey,
  HostBasedChecker,
  InMemorySSHKeyDB,
  SSHProtocolChecker,
  SSHPublicKeyChecker,
} from "@strombus/conch/checkers";
import { Certificate } from "@strombus/conch/keys/certificate";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { FingerprintFormats, Key } from "@strombus/conch/ssh/keys";
import {
  AllowAnonymousAccess,
  type ICredentialsChecker,
  InMemoryUsernamePasswordDatabaseDontUse,
} from "@strombus/cred/checkers";
import {
  type ICredentials,
  IKeyboardInteractive,
  ISSHPrivateKey,
  IUsernamePassword,
  IUsernamePasswordChange,
} from "@strombus/cred/credentials";
import { PasswordChangeRequired, UnauthorizedLogin } from "@strombus/cred/error";
import { Portal } from "@strombus/cred/portal";
import { afterAll, describe, expect, test } from "vitest";
import { SECURITY_KEY_PROVIDER } from "../support/interop-clients.js";
import { PeerFolder } from "../support/interop-folder.js";
import { LoginTable } from "../support/login-table.js";
import { peers } from "../support/peers.js";
import { rsaKey } from "../support/rsa.js";
import { atTerminal, Program } from "../support/program.js";
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
/** Of this machine, for its own OpenSSH. */
const here = new PeerFolder([]);
const table = new LoginTable(["OpenSSH 10", "OpenSSH 9.2", "PuTTY", "Dropbear", "AsyncSSH", "Paramiko"]);
const servers: Served[] = [];
afterAll(async () => {
  console.log(String(table));
  folder.remove();
  here.remove();
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

/** What a client shows. @param where the words that run a program there; among the peers by default */
async function run(words: readonly string[], env: NodeJS.ProcessEnv = {}, where = prefix) {
  const program = new Program([...where, ...words], { env });
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
/** The same at a terminal, without the question that shows which text is PuTTY's own. */
const plinkAsking = (port: number, ...options: string[]) =>
  plink(port, "-no-antispoof", ...options).filter((word) => word !== "-batch");
const dropbear = (port: number, ...options: string[]) => [
  ...["dbclient", "-y", "-y", ...options, "-p", `${port}`],
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

/** The two releases of OpenSSH: the peers' and this machine's. */
const RELEASES = [
  ["OpenSSH 10", folder],
  ["OpenSSH 9.2", here],
] as const;

/** A login that is to succeed. */
function shows(
  method: string,
  client: string,
  login: () => Promise<{ readonly output: string; readonly log: string }>,
) {
  table.expects(method, client);
  test(`${method}: ${client}`, async () => {
    const { output, log } = await login();
    expect(output, log).toBe(IN);
    table.succeeded(method, client);
  });
}

/** A client at a terminal, and somebody who types these answers when they are asked for. */
async function typing(words: readonly string[], ...answers: readonly (readonly [question: RegExp, answer: string])[]) {
  const program = atTerminal([...prefix, ...words]);
  for (const [question, answer] of answers) {
    await program.stdout.until(question);
    program.type(`${answer}\r`);
  }
  const { status } = await program.ending;
  const { text } = program.stdout;
  return { output: status === 0 && /you are in\r?\n$/.test(text) ? IN : text, log: text };
}

/** OpenSSH, with a script that answers what it asks. */
async function asking(where: PeerFolder, script: string, words: readonly string[]) {
  const askpass = where.put("askpass", `#!/bin/sh\n${script}\n`, "700");
  return run(words, { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: "force" }, where.prefix);
}

describe("no method: the server lets in whoever comes", () => {
  const anybody = () => serveTo(new AllowAnonymousAccess());
  for (const [client, where] of RELEASES) shows("none", client, () => run(openssh(anybody()), {}, where.prefix));
  shows("none", "PuTTY", () => run(plink(anybody())));
  shows("none", "Dropbear", () => run(dropbear(anybody())));
  shows("none", "AsyncSSH", () => run(asyncssh(anybody(), "client_keys=None")));
  shows("none", "Paramiko", () => run(paramiko(anybody(), 'transport.auth_none("user")')));
});

describe("one method", () => {
  const key = Key.generate("ed25519");
  const password = () => serveTo(new InMemoryUsernamePasswordDatabaseDontUse({ user: "secret" }));
  const checkKey = () => new SSHPublicKeyChecker(new InMemorySSHKeyDB({ user: [key.public()] }));
  const publickey = () => serveTo(checkKey());
  /** Both, in this order. */
  const both = () => {
    const checker = new SSHProtocolChecker({ inOrder: [ISSHPrivateKey, IUsernamePassword] });
    checker.registerChecker(checkKey());
    checker.registerChecker(new InMemoryUsernamePasswordDatabaseDontUse({ user: "secret" }), IUsernamePassword);
    return serveTo(checker);
  };
  const putKey = (where: PeerFolder) => where.put("key", key.toString("openssh", { subtype: "v1" }));
  const ppk = () => {
    const file = putKey(folder);
    folder.run("puttygen", file, "-O", "private", "-o", `${file}.ppk`);
    return `${file}.ppk`;
  };
  const dropbearKey = () => {
    const file = putKey(folder);
    folder.run("sh", "-c", 'rm -f "$0.dropbear"; dropbearconvert openssh dropbear "$0" "$0.dropbear"', file);
    return `${file}.dropbear`;
  };

  for (const [client, where] of RELEASES) {
    const identity = () => [`IdentityFile=${putKey(where)}`, "IdentitiesOnly=yes"];
    shows("password", client, () => {
      return asking(where, "echo secret", openssh(password(), "PreferredAuthentications=password"));
    });
    shows("publickey", client, () => run(openssh(publickey(), ...identity()), {}, where.prefix));
    shows("publickey, then password", client, () => asking(where, "echo secret", openssh(both(), ...identity())));
  }
  shows("password", "PuTTY", () => run(plink(password(), "-pw", "secret")));
  shows("publickey", "PuTTY", () => run(plink(publickey(), "-i", ppk())));
  shows("publickey, then password", "PuTTY", () => run(plink(both(), "-i", ppk(), "-pw", "secret")));
  shows("password", "Dropbear", () => run(["env", "DROPBEAR_PASSWORD=secret", ...dropbear(password())]));
  shows("publickey", "Dropbear", () => run(dropbear(publickey(), "-i", dropbearKey())));
  shows("publickey, then password", "Dropbear", () => {
    return run(["env", "DROPBEAR_PASSWORD=secret", ...dropbear(both(), "-i", dropbearKey())]);
  });
  shows("password", "AsyncSSH", () => run(asyncssh(password(), 'client_keys=None, password="secret"')));
  shows("publickey", "AsyncSSH", () => run(asyncssh(publickey(), `client_keys=["${putKey(folder)}"]`)));
  shows("publickey, then password", "AsyncSSH", () => {
    return run(asyncssh(both(), `client_keys=["${putKey(folder)}"], password="secret"`));
  });
  shows("password", "Paramiko", () => run(paramiko(password(), 'transport.auth_password("user", "secret")')));
  const byKey = () => `transport.auth_publickey("user", paramiko.PKey.from_path("${putKey(folder)}"))`;
  shows("publickey", "Paramiko", () => run(paramiko(publickey(), byKey())));
  shows("publickey, then password", "Paramiko", () => {
    return run(paramiko(both(), `${byKey()}\ntransport.auth_password("user", "secret")`));
  });
});

describe("keyboard-interactive", () => {
  /** A round for each of these questions. */
  const inRounds = (...rounds: [question: string, answer: string][]): ICredentialsChecker => ({
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
  const one = () => serveTo(inRounds(["Password: ", "secret"]));
  const two = () => serveTo(inRounds(["Password: ", "secret"], ["Code: ", "42"]));

  const ROUNDS = "keyboard-interactive, two rounds";

  for (const [client, where] of RELEASES) {
    const script = 'case "$1" in *assword*) echo secret;; *ode*) echo 42;; esac';
    for (const [method, port] of [
      ["keyboard-interactive", one],
      [ROUNDS, two],
    ] as const) {
      const options = ["PreferredAuthentications=keyboard-interactive"];
      shows(method, client, () => asking(where, script, openssh(port(), ...options)));
    }
  }
  shows("keyboard-interactive", "PuTTY", () => run(plink(one(), "-pw", "secret")));
  shows("keyboard-interactive", "Dropbear", () => run(["env", "DROPBEAR_PASSWORD=secret", ...dropbear(one())]));

  shows("keyboard-interactive", "AsyncSSH", () => run(asyncssh(one(), "client_keys=None")));
  shows("keyboard-interactive", "Paramiko", () => {
    return run(paramiko(one(), 'transport.auth_interactive("user", lambda title, text, prompts: ["secret"])'));
  });

  const ANSWERS = [
    [/Password: $/, "secret"],
    [/Code: $/, "42"],
  ] as const;
  shows(ROUNDS, "PuTTY", () => typing(plinkAsking(two()), ...ANSWERS));
  shows(ROUNDS, "Dropbear", () => typing(dropbear(two()), ...ANSWERS));
  shows(ROUNDS, "AsyncSSH", () => run(asyncssh(two(), "client_keys=None")));
  shows(ROUNDS, "Paramiko", () => {
    const code = `answers = {"Password: ": "secret", "Code: ": "42"}
transport.auth_interactive("user", lambda title, text, prompts: [answers[prompt] for prompt, echo in prompts])`;
    return run(paramiko(two(), code));
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

  for (const [client, where] of RELEASES) {
    shows("password, changed", client, () => {
      const script = 'case "$1" in *ew*|*etype*) echo better;; *) echo old;; esac';
      return asking(where, script, openssh(serveTo(new Accounts()), "PreferredAuthentications=password"));
    });
  }
  shows("password, changed", "PuTTY", () => {
    const words = plinkAsking(serveTo(new Accounts()), "-pw", "old");
    return typing(
      words,
      [/Current password[^:]*: $/, "old"],
      [/Enter new password: $/, "better"],
      [/Confirm new password: $/, "better"],
    );
  });
  shows("password, changed", "AsyncSSH", () => {
    return run(asyncssh(serveTo(new Accounts()), 'client_keys=None, password="old"'));
  });
});

describe("certificates of users", () => {
  const authority = Key.generate("ed25519");
  const checker = () => new SSHPublicKeyChecker(new InMemorySSHKeyDB({}), { trustedUserCAKeys: [authority.public()] });

  for (const [type, user] of [
    ["ed25519", Key.generate("ed25519")],
    ["ecdsa", Key.generate("ecdsa", 256)],
    ["rsa", rsaKey()],
  ] as const) {
    const files = async (where = folder) => {
      const request = { kind: "user", keyId: "id", principals: ["user"], validBefore: Infinity } as const;
      const certificate = await Certificate.issue(authority, { ...request, key: user.public() });
      const key = where.put(type, user.toString("openssh", { subtype: "v1", comment: "user" }));
      return [key, where.put(`${type}-cert.pub`, `${certificate.toString("user")}\n`)] as const;
    };

    for (const [client, where] of RELEASES) {
      shows(`certificate of ${type}`, client, async () => {
        const [key, certificate] = await files(where);
        const options = [`IdentityFile=${key}`, `CertificateFile=${certificate}`, "IdentitiesOnly=yes"];
        return run(openssh(serveTo(checker()), ...options), {}, where.prefix);
      });
    }

    shows(`certificate of ${type}`, "PuTTY", async () => {
      const [key, certificate] = await files();
      folder.run("puttygen", key, "-O", "private", "-o", `${key}.ppk`);
      const port = serveTo(checker());
      return run(plink(port, "-i", `${key}.ppk`, "-cert", certificate));
    });

    shows(`certificate of ${type}`, "AsyncSSH", async () => {
      const [key, certificate] = await files();
      const code = `client_keys=[("${key}", "${certificate}")]`;
      return run(asyncssh(serveTo(checker()), code));
    });

    shows(`certificate of ${type}`, "Paramiko", async () => {
      const [key, certificate] = await files();
      const code = `key = paramiko.PKey.from_path("${key}")
key.load_certificate("${certificate}")
transport.auth_publickey("user", key)`;
      return run(paramiko(serveTo(checker()), code));
    });
  }
});

describe("publickey, bound to the host's key", () => {
  const key = Key.generate("ed25519");
  for (const [client, where] of RELEASES) {
    shows("publickey, hostbound", client, async () => {
      const file = where.put("bound", key.toString("openssh", { subtype: "v1" }));
      const port = serveTo(new SSHPublicKeyChecker(new InMemorySSHKeyDB({ user: [key.public()] })));
      const login = await run(openssh(port, `IdentityFile=${file}`, "LogLevel=DEBUG3"), {}, where.prefix);
      expect(login.log).toMatch(/sign_and_send_pubkey: using publickey-hostbound-v00@openssh\.com with/);
      return login;
    });
  }
});

describe("security keys", () => {
  /** The options with which a key is made say what it proves when it signs. */
  const TOUCHED = "";
  const UNTOUCHED = "no-touch-required";
  const VERIFIED = "verify-required";
  const authority = Key.generate("ed25519");

  for (const type of ["ed25519-sk", "ecdsa-sk"]) {
    const keyFile = (option: string, where = folder) => {
      const file = `${where.path}/${type}${option}`;
      const made = option === "" ? [] : ["-O", option];
      const words = ["ssh-keygen", "-q", "-t", type, "-w", SECURITY_KEY_PROVIDER, ...made, "-N", "", "-f", file];
      where.run("sh", "-c", '[ -e "$0" ] || "$@"', file, ...words);
      return file;
    };
    const login = async (file: string, checker: ICredentialsChecker, where = folder) => {
      const options = [`IdentityFile=${file}`, `SecurityKeyProvider=${SECURITY_KEY_PROVIDER}`, "IdentitiesOnly=yes"];
      return asking(where, "echo 1234", openssh(serveTo(checker), ...options));
    };
    const withLine = async (made: string, options: string, where = folder) => {
      const file = keyFile(made, where);
      const key = AuthorizedKey.fromString(`${options}${where.run("cat", `${file}.pub`)}`);
      return login(file, new SSHPublicKeyChecker(new InMemorySSHKeyDB({ user: [key] })), where);
    };

    for (const [client, where] of RELEASES) {
      shows(`security key, ${type}`, client, () => withLine(TOUCHED, "", where));
      shows(`certificate of ${type}`, client, async () => {
        const file = keyFile(TOUCHED, where);
        const request = { kind: "user", keyId: "id", principals: ["user"], validBefore: Infinity } as const;
        const key = Key.fromString(where.run("cat", `${file}.pub`));
        const certificate = await Certificate.issue(authority, { ...request, key });
        where.put(`${type}-cert.pub`, `${certificate.toString("user")}\n`);
        const options = { trustedUserCAKeys: [authority.public()] };
        return login(file, new SSHPublicKeyChecker(new InMemorySSHKeyDB({}), options), where);
      });
    }

    for (const [made, options, isIn] of [
      [TOUCHED, "no-touch-required ", true],
      [TOUCHED, "verify-required ", false],
      [UNTOUCHED, "", false],
      [UNTOUCHED, "no-touch-required ", true],
      [UNTOUCHED, "no-touch-required,verify-required ", false],
      [VERIFIED, "", true],
      [VERIFIED, "verify-required ", true],
    ] as const) {
      test(`${type} made with "${made}" by a line with "${options.trim()}": ${isIn ? "in" : "refused"}`, async () => {
        const { output, log } = await withLine(made, options);
        expect(output, log).toBe(isIn ? IN : "");
      });
    }
  }
});

describe("hostbased", () => {
  const mayLogIn = () => true;
  shows("hostbased", "AsyncSSH", () => {
    const host = Key.generate("ed25519");
    const file = folder.put("host", host.toString("openssh", { subtype: "v1" }));
    const checker = new HostBasedChecker({ localhost: [host.public()] }, { addressesOf: () => ["127.0.0.1"] });
    const code = `client_keys=None, client_host_keys=["${file}"], client_host="localhost", client_username="user"`;
    return run(asyncssh(serveTo(checker), code));
  });

  // ssh-keysign takes the host's own keys, and asks only /etc/ssh whether it may.
  for (const [client, where] of RELEASES) {
    shows("hostbased", client, async () => {
      const file = `/etc/ssh/ssh_config.d/strombus-${process.pid}.conf`;
      const made = where.run(
        "sh",
        "-c",
        `mkdir -p /etc/ssh/ssh_config.d; echo EnableSSHKeysign yes >${file}; ls /etc/ssh`,
      );
      const missing = !/ssh_host_\w+_key\.pub/.test(made);
      try {
        if (missing) where.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/etc/ssh/ssh_host_ed25519_key");
        const lines = where.run("sh", "-c", "cat /etc/ssh/ssh_host_*_key.pub").trim().split("\n");
        const keys = lines.flatMap((line) => (/^(ssh-|ecdsa-)/.test(line) ? [Key.fromString(line)] : []));
        const names = where.run("sh", "-c", "hostname; echo localhost; getent hosts 127.0.0.1").trim().split(/\s+/);
        const hosts = Object.fromEntries(names.map((name) => [name.toLowerCase(), keys]));
        const checker = new HostBasedChecker(hosts, { addressesOf: () => ["127.0.0.1"], mayLogIn });
        const port = serveTo(checker);
        return await run(
          openssh(port, "HostbasedAuthentication=yes", "PreferredAuthentications=hostbased", "LogLevel=DEBUG2"),
          {},
          where.prefix,
        );
      } finally {
        where.run("rm", file);
        if (missing) where.run("sh", "-c", "rm /etc/ssh/ssh_host_ed25519_key*");
      }
    });
  }
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
