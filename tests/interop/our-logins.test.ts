/** Our client and OpenSSH's sshd, by the methods that the table of algorithms does not show. */
import { Certificate } from "@strombus/conch/keys/certificate";
import type { SSHConnection } from "@strombus/conch/ssh/connection";
import { Key } from "@strombus/conch/ssh/keys";
import { SSHUserAuthClient } from "@strombus/conch/ssh/userauth";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COMMON } from "../support/interop-algorithms.js";
import { runLogin } from "../support/interop-client.js";
import { PeerFolder } from "../support/interop-folder.js";
import { type Keys, publicLine } from "../support/interop-keys.js";
import { openSSHServer } from "../support/interop-servers.js";
import { INPUT, STATUS } from "../support/interop-talk.js";
import { peers } from "../support/peers.js";
import { rsaKey } from "../support/rsa.js";

const prefix = peers();
const folder = new PeerFolder(prefix);
const stops: (() => Promise<void>)[] = [];
afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()));
  folder.remove();
});

const NOBODY: Keys = new Map();
const IN = { output: INPUT, status: STATUS };

async function serve(settings: readonly string[]) {
  const server = await openSSHServer({ prefix, userKeys: NOBODY }, ["LogLevel VERBOSE", ...settings]);
  stops.push(() => server.stop());
  return server;
}

/** One key, perhaps with a certificate. */
class ByKey extends SSHUserAuthClient {
  constructor(
    user: string,
    connection: SSHConnection,
    readonly key: Key,
    readonly certificate: Certificate | null = null,
  ) {
    super(user, connection);
  }
  override getPublicKey() {
    return this.lastPublicKey === null ? this.key.public() : null;
  }
  override getCertificate() {
    return this.certificate;
  }
  override getPrivateKey() {
    return this.key;
  }
}

const KEYS = { ed25519: Key.generate("ed25519"), ecdsa: Key.generate("ecdsa", 256), rsa: rsaKey() };

describe("certificates of users", () => {
  const authority = Key.generate("ed25519");
  let server: Awaited<ReturnType<typeof serve>>;
  beforeAll(async () => {
    const file = folder.put("authority.pub", publicLine(authority));
    server = await serve([`TrustedUserCAKeys ${file}`]);
  });

  for (const [name, key] of Object.entries(KEYS)) {
    test(`of a ${name} key`, async () => {
      const request = { kind: "user", keyId: "our client", validBefore: Infinity, key: key.public() } as const;
      const login = async (principal: string) => {
        const certificate = await Certificate.issue(authority, { ...request, principals: [principal] });
        return runLogin(server, COMMON, (connection) => new ByKey(server.user, connection, key, certificate));
      };
      expect(await login(server.user)).toMatchObject(IN);
      expect(await login("somebody else")).toMatchObject({ output: "", status: null });
    });
  }
});

test("a signature that is bound to the host's key", async () => {
  const key = KEYS.ed25519;
  const keys = folder.put("hostbound", publicLine(key));
  const server = await serve([`AuthorizedKeysFile ${keys}`]);
  expect(await runLogin(server, COMMON, (connection) => new ByKey(server.user, connection, key))).toMatchObject(IN);
  expect(server.log()).toContain("Postponed publickey-hostbound-v00@openssh.com for");
});

describe("hostbased", () => {
  const HOST = "client.strombus.test";
  const FILES = ["/etc/ssh/ssh_known_hosts", "~/.shosts"]; // where sshd looks, whatever it is told
  let server: Awaited<ReturnType<typeof serve>>;
  beforeAll(async () => {
    const known = Object.values(KEYS).map((key) => `${HOST} ${publicLine(key)}`);
    folder.run("sh", "-c", `printf '%s' "$0" >${FILES[0]}; echo ${HOST} >${FILES[1]}`, known.join(""));
    server = await serve([
      "HostbasedAuthentication yes",
      "HostbasedUsesNameFromPacketOnly yes",
      "IgnoreRhosts no",
      "IgnoreUserKnownHosts yes",
    ]);
  });
  afterAll(() => folder.run("sh", "-c", `rm ${FILES.join(" ")}`));

  const login = (key: Key) =>
    runLogin(server, COMMON, (connection) => {
      const client = new SSHUserAuthClient(server.user, connection);
      client.getHostBasedIdentity = () => ({ key, hostname: `${HOST}.`, username: server.user });
      return client;
    });

  for (const [name, key] of Object.entries(KEYS)) {
    test(`by a ${name} key`, async () => {
      expect(await login(key)).toMatchObject(IN);
    });
  }

  test("not by a key that is not the host's", async () => {
    expect(await login(Key.generate("ed25519"))).toMatchObject({ output: "", status: null });
  });
});

describe("keyboard-interactive, with PAM asking", () => {
  const USER = "strombus-test";
  const account = (script: string) => folder.run("sh", "-c", script);
  beforeAll(() => account(`id ${USER} >/dev/null 2>&1 || useradd -M -d /tmp -s /bin/sh ${USER}`));
  afterAll(() => account(`userdel ${USER}`));

  class Answering extends SSHUserAuthClient {
    override preferredOrder = ["keyboard-interactive"];
    readonly asked: string[] = [];
    constructor(
      connection: SSHConnection,
      readonly answers: readonly [pattern: RegExp, answer: string][],
    ) {
      super(USER, connection);
    }
    override getGenericAnswers(_name: string, _instruction: string, prompts: [prompt: string, echo: boolean][]) {
      return prompts.map(([prompt]) => {
        this.asked.push(prompt.trim());
        return this.answers.find(([pattern]) => pattern.test(prompt))?.[1] ?? "";
      });
    }
  }

  test("one round", async () => {
    account(`echo ${USER}:sea-snail-1 | chpasswd`);
    const server = await serve([
      "UsePAM yes",
      "KbdInteractiveAuthentication yes",
      "PasswordAuthentication no",
      "MaxAuthTries 1",
    ]);
    const login = (answer: string) => {
      return runLogin(server, COMMON, (connection) => new Answering(connection, [[/password/i, answer]]));
    };
    expect(await login("sea-snail-1")).toMatchObject(IN);
    expect(await login("sea-snail-2")).toMatchObject({ output: "", status: null });
  });

  test("several rounds, in which a password that has expired is changed", async () => {
    account(`echo ${USER}:sea-snail-1 | chpasswd && chage -d 0 ${USER}`);
    const server = await serve([
      "UsePAM yes",
      "KbdInteractiveAuthentication yes",
      "PasswordAuthentication no",
      "MaxAuthTries 1",
    ]);
    const logins: Answering[] = [];
    const outcome = await runLogin(server, COMMON, (connection) => {
      const client = new Answering(connection, [
        [/^(retype )?new password/i, "Conch-and-whelk-42"],
        [/password/i, "sea-snail-1"],
      ]);
      logins.push(client);
      return client;
    });
    expect(outcome).toMatchObject(IN);
    expect(logins[0]!.asked).toEqual(["Password:", "Current password:", "New password:", "Retype new password:"]);
  });
});
