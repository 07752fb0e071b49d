/** Every forwarding that other people's clients have, through a server of ours: a table, which is printed. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { allowForwarding } from "@strombus/conch/ssh/forwarding";
import { Key } from "@strombus/conch/ssh/keys";
import { sessionProgram } from "@strombus/conch/streams";
import { globalLogBeginner } from "@strombus/reactor/logger";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../support/example.js";
import { temporaryFolder } from "../support/folder.js";
import { PeerFolder } from "../support/interop-folder.js";
import { fingerprint } from "../support/interop-keys.js";
import { peers } from "../support/peers.js";
import { Program } from "../support/program.js";
import { serve, type Served } from "../support/server.js";
import { freePort } from "../support/ports.js";
import { digestOf, digestServer, exchange, isListening, type Target } from "../support/tcp.js";

globalLogBeginner.beginLoggingTo([], { redirectStandardIO: false });

const content = randomBytes(3 * 2 ** 20); // more than any window
const peer = peers();
const scripts = new PeerFolder(peer);
const sockets = temporaryFolder();
const hostKey = Key.generate("ed25519");
let server: Served;
/** Behind it: every command ends with status 7. */
let inner: Served;
let target: Target;
let targetOnPath: Target;

beforeAll(async () => {
  [target, targetOnPath] = await Promise.all([digestServer(), digestServer({ path: join(sockets, "target") })]);
  const begin = () =>
    serve(
      sessionProgram(() => 7),
      (factory) => {
        factory.privateKeys = { "ssh-ed25519": hostKey };
        factory.publicKeys = { "ssh-ed25519": hostKey.public() };
      },
      (user) => allowForwarding(user, { connect: true, listen: true, connectUNIX: true, listenUNIX: true }),
    );
  [server, inner] = [begin(), begin()];
});
afterAll(async () => {
  target.close();
  targetOnPath.close();
  scripts.remove();
  await Promise.all([server.close(), inner.close()]);
});

/** What is forwarded, in a client's own words: the words that run it, and its environment. */
interface Words {
  readonly local?: (near: number) => string[];
  readonly localToPath?: (near: number, path: string) => string[];
  readonly socks?: (near: number) => string[];
  readonly stdio?: () => string[];
  readonly jump?: () => string[];
  readonly remote?: (far: number) => string[];
  /** And what says which port is free. */
  readonly remoteFree?: { readonly words: () => string[]; readonly says: RegExp };
  readonly remotePath?: (path: string) => string[];
  readonly cancel?: (far: number) => string[];
}

type Feature = keyof Words;

const TITLES: Readonly<Record<Feature, string>> = {
  local: "a port of the client (-L)",
  localToPath: "a port of the client, to a socket of the file system",
  socks: "SOCKS (-D)",
  stdio: "standard input and output (-W, -nc, -B)",
  jump: "another server behind us (-J)",
  remote: "a port of the server (-R)",
  remoteFree: "a free port of the server (-R 0)",
  remotePath: "a socket of the server's file system",
  cancel: "a port of the server, cancelled",
};

const to = () => `127.0.0.1:${target.port}`;

const OPENSSH_CONFIG = `
StrictHostKeyChecking no
UserKnownHostsFile /dev/null
ExitOnForwardFailure yes
`;
const withOpenSSH = () => {
  const config = scripts.put("config", OPENSSH_CONFIG);
  const askpass = scripts.put("askpass", "#!/bin/sh\necho password\n", "700");
  return ["env", `SSH_ASKPASS=${askpass}`, "SSH_ASKPASS_REQUIRE=force", "ssh", "-F", config, "-v"];
};
const OPENSSH = (...words: string[]) => [...withOpenSSH(), ...words, "-p", String(server.port), "user@127.0.0.1"];
const PLINK = (...words: string[]) => [
  ...["plink", "-ssh", "-batch", "-pw", "password", "-hostkey", fingerprint(hostKey)],
  ...words,
  ...["-P", String(server.port), "user@127.0.0.1"],
];
const DROPBEAR = (...words: string[]) => [
  ..."env DROPBEAR_PASSWORD=password /usr/bin/dbclient -y -y".split(" "),
  ...words,
  ...["-p", String(server.port), "user@127.0.0.1"],
];
const script = (name: string) => {
  const source = scripts.put(name, readFileSync(join(root, "tests/interop/peers", name)));
  return (...words: (string | number)[]) => ["python3", "-W", "ignore", source, server.port, ...words].map(String);
};
const ASYNCSSH = script("asyncssh_forwarding.py");
const PARAMIKO = script("paramiko_forwarding.py");

const CLIENTS: Readonly<Record<string, Words>> = {
  "OpenSSH 10": {
    local: (near) => OPENSSH("-N", "-L", `${near}:${to()}`),
    localToPath: (near, path) => OPENSSH("-N", "-L", `${near}:${path}`),
    socks: (near) => OPENSSH("-N", "-D", `${near}`),
    stdio: () => OPENSSH("-W", to()),
    jump: () => [
      ...[...withOpenSSH(), "-J", `user@127.0.0.1:${server.port}`],
      ...["-p", String(inner.port), "user@127.0.0.1", "any"],
    ],
    remote: (far) => OPENSSH("-N", "-R", `${far}:${to()}`),
    remoteFree: { words: () => OPENSSH("-N", "-R", `0:${to()}`), says: /Allocated port (\d+) for remote forward/ },
    remotePath: (path) => OPENSSH("-N", "-R", `${path}:${to()}`),
  },
  "PuTTY's plink": {
    local: (near) => PLINK("-N", "-L", `${near}:${to()}`),
    socks: (near) => PLINK("-N", "-D", `${near}`),
    stdio: () => PLINK("-nc", to()),
    jump: () => [
      ...["plink", "-ssh", "-batch", "-pw", "password", "-hostkey", fingerprint(hostKey)],
      ...["-proxycmd", PLINK("-nc", "%host:%port").join(" ")],
      ...["-P", String(inner.port), "user@127.0.0.1", "any"],
    ],
    remote: (far) => PLINK("-N", "-R", `${far}:${to()}`),
  },
  "Dropbear's dbclient": {
    local: (near) => DROPBEAR("-N", "-L", `${near}:${to()}`),
    stdio: () => DROPBEAR("-B", to()),
    jump: () => [
      ..."env DROPBEAR_PASSWORD=password /usr/bin/dbclient -y -y".split(" "),
      ...[`user@127.0.0.1/${server.port},user@127.0.0.1/${inner.port}`, "any"],
    ],
    remote: (far) => DROPBEAR("-N", "-R", `${far}:${to()}`),
    remoteFree: { words: () => DROPBEAR("-N", "-R", `0:${to()}`), says: /Allocated port (\d+) for remote forward/ },
  },
  AsyncSSH: {
    local: (near) => ASYNCSSH("local", near, "127.0.0.1", target.port),
    localToPath: (near, path) => ASYNCSSH("local-to-path", near, path),
    socks: (near) => ASYNCSSH("socks", near),
    stdio: () => ASYNCSSH("stdio", "127.0.0.1", target.port),
    jump: () => ASYNCSSH("jump", inner.port),
    remote: (far) => ASYNCSSH("remote", far, "127.0.0.1", target.port),
    remoteFree: { words: () => ASYNCSSH("remote", 0, "127.0.0.1", target.port), says: /^port (\d+)\n/m },
    remotePath: (path) => ASYNCSSH("remote-path", path, "127.0.0.1", target.port),
    cancel: (far) => ASYNCSSH("cancel", far, "127.0.0.1", target.port),
  },
  Paramiko: {
    local: (near) => PARAMIKO("local", near, "127.0.0.1", target.port),
    stdio: () => PARAMIKO("stdio", "127.0.0.1", target.port),
    jump: () => PARAMIKO("jump", inner.port),
    remote: (far) => PARAMIKO("remote", far, "127.0.0.1", target.port),
    remoteFree: { words: () => PARAMIKO("remote", 0, "127.0.0.1", target.port), says: /^port (\d+)\n/m },
    cancel: (far) => PARAMIKO("cancel", far, "127.0.0.1", target.port),
  },
};

const PATIENCE = { timeout: 15_000 };

/** Runs a client until `use` is done. */
async function running<T>(words: string[], use: (client: Program) => Promise<T>): Promise<T> {
  const client = new Program([...peer, ...words]);
  try {
    return await use(client);
  } finally {
    await client.kill("SIGKILL");
  }
}

/** Waits until something listens, and has the content digested through it. */
async function digestThrough(where: { port: number } | { path: string }): Promise<void> {
  await expect.poll(() => isListening(where), PATIENCE).toBe(true);
  expect(await exchange(where, content)).toBe(digestOf(content));
}

const CHECKS: { readonly [F in Feature]: (words: NonNullable<Words[F]>) => Promise<unknown> } = {
  async local(words) {
    const near = await freePort();
    await running(words(near), () => digestThrough({ port: near }));
  },
  async localToPath(words) {
    const near = await freePort();
    await running(words(near, join(sockets, "target")), () => digestThrough({ port: near }));
  },
  async socks(words) {
    const near = await freePort();
    await running(words(near), async () => {
      await expect.poll(() => isListening({ port: near }), PATIENCE).toBe(true);
      const socket = connect({ port: near, host: "127.0.0.1", allowHalfOpen: true });
      socket.write(Buffer.of(5, 1, 0));
      await once(socket, "data");
      socket.write(Buffer.of(5, 1, 0, 1, 127, 0, 0, 1, target.port >> 8, target.port & 0xff));
      const [reply] = (await once(socket, "data")) as [Buffer];
      expect([...reply.subarray(0, 2)]).toEqual([5, 0]);
      socket.end(content);
      expect(await text(socket)).toBe(digestOf(content));
    });
  },
  stdio: (words) =>
    running(words(), async (client) => {
      client.type(content);
      client.endInput();
      await client.ending;
      expect(client.stdout.text, client.stderr.text).toBe(digestOf(content));
    }),
  jump: (words) =>
    running(words(), async (client) => {
      client.endInput();
      expect((await client.ending).status, client.stderr.text).toBe(7);
    }),
  async remote(words) {
    const far = await freePort();
    await running(words(far), () => digestThrough({ port: far }));
    await expect.poll(() => isListening({ port: far }), PATIENCE).toBe(false);
  },
  remoteFree: ({ words, says }) =>
    running(words(), async (client) => {
      const [, port] = await Promise.any([client.stdout.until(says), client.stderr.until(says)]);
      await digestThrough({ port: Number(port) });
    }),
  async remotePath(words) {
    const path = join(sockets, `made-${randomBytes(4).toString("hex")}`);
    await running(words(path), () => digestThrough({ path }));
    await expect.poll(() => isListening({ path }), PATIENCE).toBe(false);
  },
  async cancel(words) {
    const far = await freePort();
    await running(words(far), async (client) => {
      await client.stdout.until("ready\n");
      expect(await isListening({ port: far })).toBe(false);
    });
  },
};

const results = new Map<string, string>();

for (const [name, words] of Object.entries(CLIENTS)) {
  describe(name, () => {
    for (const feature of Object.keys(TITLES) as Feature[]) {
      const how = words[feature];
      if (how === undefined) continue;
      test(`has forwarded ${TITLES[feature]}`, async () => {
        const check = CHECKS[feature] as (how: Words[Feature]) => Promise<unknown>;
        results.set(`${name} ${feature}`, "FAILED");
        await check(how);
        results.set(`${name} ${feature}`, "ok");
      });
    }
  });
}

afterAll(() => {
  const names = Object.keys(CLIENTS);
  const rows = (Object.keys(TITLES) as Feature[]).map((feature) => [
    TITLES[feature],
    ...names.map((name) => results.get(`${name} ${feature}`) ?? "-"),
  ]);
  const line = ([title = "", ...cells]: readonly string[]) =>
    title.padEnd(54) + cells.map((cell) => cell.padEnd(21)).join("");
  console.log(
    [line(["Forwarded through our server; - is what a client has not", ...names]), ...rows.map(line)].join("\n"),
  );
});
