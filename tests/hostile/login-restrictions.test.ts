/** What a user may not do who has logged in, and from where (rules A15 and A16). */
import {
  AuthorizedKey,
  InMemorySSHKeyDB,
  SSHProtocolChecker,
  SSHPublicKeyChecker,
  UNIXAuthorizedKeysFiles,
} from "@strombus/conch/checkers";
import { ConchUser } from "@strombus/conch/avatar";
import { IConchUser } from "@strombus/conch/interfaces";
import { Certificate } from "@strombus/conch/keys/certificate";
import { endpoint, originalCommandOf, Permissions, restrict } from "@strombus/conch/permissions";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { Key } from "@strombus/conch/ssh/keys";
import type { ICredentialsChecker } from "@strombus/cred/checkers";
import { IKeyboardInteractive, ISSHHostBased, ISSHPrivateKey, IUsernamePassword } from "@strombus/cred/credentials";
import { KeyError } from "@strombus/reactor/exceptions";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  asking,
  dialogue,
  FAILURE,
  HOST_BOUND,
  type KeyRequest,
  login,
  type Login,
  password,
  passwords,
  SERVICE,
  SUCCESS,
} from "../support/memory-login.js";
import { fields } from "../support/memory-ssh.js";

const key = Key.generate("ed25519");
const authority = Key.generate("ed25519");
const CERTIFIED = "ssh-ed25519-cert-v01@openssh.com";
const line = key.public().toString("openssh").toString();
const signature = fields("ssh-ed25519", Buffer.alloc(64, 1));

type Content = Partial<Parameters<typeof Certificate.issue>[1]>;

const issue = async (content: Content = {}): Promise<Certificate> =>
  Certificate.issue(authority, {
    kind: "user",
    keyId: "of a test",
    principals: ["alice"],
    validBefore: Infinity,
    key: key.public(),
    ...content,
  });

const keys = (...lines: string[]) =>
  new SSHPublicKeyChecker(new InMemorySSHKeyDB({ alice: lines.map((each) => AuthorizedKey.fromString(each)) }));

const trusting = () => new SSHPublicKeyChecker(new InMemorySSHKeyDB({}), { trustedUserCAKeys: [authority.public()] });

/** What ran, and what was asked for in its place. */
const ran: string[] = [];

class Session extends SSHChannel {
  override name = "session";
  request_exec(data: Buffer) {
    ran.push(`exec ${data.toString("utf8", 4)} for ${String(originalCommandOf(this)?.toString())}`);
    return true;
  }
  request_shell() {
    ran.push("shell");
    return true;
  }
  request_subsystem(data: Buffer) {
    ran.push(`subsystem ${data.toString("utf8", 4)}`);
    return true;
  }
  request_pty_req() {
    return true;
  }
  request_x11_req() {
    return true;
  }
  "request_auth_agent_req@openssh.com"() {
    return true;
  }
}

class Anything extends SSHChannel {}

/** A user who would give everything. */
class Generous extends ConchUser {
  constructor() {
    super();
    this.channelLookup["session"] = Session;
    for (const type of ["direct-tcpip", "direct-streamlocal@openssh.com", "tun@openssh.com"])
      this.channelLookup[type] = Anything;
  }
  global_tcpip_forward() {
    return true;
  }
  "global_streamlocal_forward@openssh.com"() {
    return true;
  }
}

/** Logs in by this request. */
async function enter(
  checkers: readonly ICredentialsChecker[],
  ...requests: ((made: Login) => Buffer)[]
): Promise<Login> {
  const made = await login({ checkers, realm: (_name, logout) => [IConchUser, new Generous(), logout] });
  for (const request of requests) await made.ask(request(made));
  expect(made.answers().at(-1)).toBe(SUCCESS);
  return made;
}

/** What the server grants of this list: request of a session, channel or global request. */
async function granted(made: Login): Promise<string[]> {
  ran.length = 0;
  const reply = async (number: number, body: Buffer) => {
    const before = made.got.length;
    await made.say([number, body]);
    const yes = made.got.slice(before).find(([each]) => each >= 80 && each <= 100 && each !== 80);
    return yes;
  };
  const grants: string[] = [];
  const place = (host: string, port: number) => fields(host, port, "10.0.0.9", 5000);
  const opens: Readonly<Record<string, readonly [string, Buffer]>> = {
    connect: ["direct-tcpip", place("db.example", 5432)],
    "connect elsewhere": ["direct-tcpip", place("mail.example", 25)],
    "connect to a socket": ["direct-streamlocal@openssh.com", fields("/run/x", "", 0)],
  };
  for (const [what, [type, data]] of Object.entries(opens)) {
    const answer = await reply(90, Buffer.concat([fields(type, 7, 1000, 1000), data]));
    if (answer![0] === 91) grants.push(what);
  }
  const globals: Readonly<Record<string, readonly [string, Buffer]>> = {
    listen: ["tcpip-forward", fields("127.0.0.1", 8080)],
    "listen elsewhere": ["tcpip-forward", fields("127.0.0.1", 9090)],
    "listen on a socket": ["streamlocal-forward@openssh.com", fields("/run/y")],
  };
  for (const [what, [type, data]] of Object.entries(globals)) {
    const answer = await reply(80, Buffer.concat([fields(type, true), data]));
    if (answer![0] === 81) grants.push(what);
  }
  const requests: Readonly<Record<string, Buffer>> = {
    "pty-req": fields("xterm", 80, 24, 0, 0, ""),
    "x11-req": fields(false, "MIT-MAGIC-COOKIE-1", "00", 0),
    "auth-agent-req@openssh.com": Buffer.alloc(0),
    shell: Buffer.alloc(0),
    exec: fields("rm -rf /"),
    subsystem: fields("sftp"),
  };
  for (const [type, data] of Object.entries(requests)) {
    const opened = await reply(90, fields("session", 8, 1000, 1000));
    const channel = opened![1].readUInt32BE(4);
    const answer = await reply(98, Buffer.concat([fields(channel, type, true), data]));
    if (answer![0] === 99) grants.push(type);
  }
  return grants;
}

const EVERYTHING = [
  "connect",
  "connect elsewhere",
  "connect to a socket",
  "listen",
  "listen elsewhere",
  "listen on a socket",
  "pty-req",
  "x11-req",
  "auth-agent-req@openssh.com",
  "shell",
  "exec",
  "subsystem",
];
const FORCED = ["exec backup for undefined", "exec backup for rm -rf /", "exec backup for sftp"];

describe("a restriction", () => {
  const little = new Permissions({
    pty: false,
    agentForwarding: false,
    x11Forwarding: false,
    command: "backup",
    permitOpen: [endpoint("db.example:5432")],
    permitListen: [endpoint("8080", { bare: true })],
  });
  const says = (permissions: Permissions | null) => (given: object) => {
    if (permissions !== null) restrict(given, permissions);
    return "alice";
  };
  const all = (permissions: Permissions | null) => [
    asking(says(permissions), IUsernamePassword),
    asking(says(permissions), ISSHPrivateKey),
    asking(says(permissions), IKeyboardInteractive),
    asking(says(permissions), ISSHHostBased),
  ];
  const METHODS: Readonly<Record<string, (made: Login) => Buffer>> = {
    password: () => password("right"),
    publickey: ({ signed }) => signed(key),
    [HOST_BOUND]: ({ signed }) => signed(key, { method: HOST_BOUND }),
    "keyboard-interactive": () => dialogue(),
    hostbased: () => fields("alice", SERVICE, "hostbased", "ssh-ed25519", key.blob(), "client.", "alice", signature),
  };

  for (const [method, request] of Object.entries(METHODS)) {
    test(`A15: that a checker puts on a login by ${method} holds for all that its user begins`, async () => {
      expect(await granted(await enter(all(null), request))).toEqual(EVERYTHING);
      expect(ran).toEqual(["shell", "exec rm -rf / for undefined", "subsystem sftp"]);
      const grants = await granted(await enter(all(little), request));
      expect(grants).toEqual(["connect", "listen", "shell", "exec", "subsystem"]);
      expect(ran).toEqual(FORCED);
      const none = await granted(await enter(all(Permissions.none), request));
      expect(none).toEqual(["shell", "exec", "subsystem"]);
    });
  }

  test("A15: of authorized_keys, of a certificate and of both is the same thing", async () => {
    const written = await enter([keys(`restrict,command="backup" ${line}`)], ({ signed }) => signed(key));
    expect([await granted(written), ran]).toEqual([["shell", "exec", "subsystem"], FORCED]);
    const content = { criticalOptions: new Map([["force-command", "backup"]]) };
    const { blob } = await issue(content);
    const certified = await enter([trusting()], ({ signed }) => signed(key, { algorithm: CERTIFIED, blob }));
    expect([await granted(certified), ran]).toEqual([["shell", "exec", "subsystem"], FORCED]);
    // What the certificate grants the line takes away.
    const generous = await issue({
      extensions: new Map(
        ["pty", "port-forwarding", "agent-forwarding", "X11-forwarding"].map((each) => [`permit-${each}`, ""]),
      ),
    });
    const line2 = `cert-authority,no-pty,command="backup" ${authority.public().toString("openssh").toString()}`;
    const both = await enter([keys(line2)], ({ signed }) => signed(key, { algorithm: CERTIFIED, blob: generous.blob }));
    const grants = EVERYTHING.filter((each) => each !== "pty-req");
    expect([await granted(both), ran]).toEqual([grants, FORCED]);
  });

  test("A15: that forces two different commands lets nobody in", async () => {
    const checker = new SSHProtocolChecker({ inOrder: [ISSHPrivateKey, IUsernamePassword] });
    checker.registerChecker(asking(says(new Permissions({ command: "one" }))));
    checker.registerChecker(asking(says(new Permissions({ command: "two" })), IUsernamePassword));
    const made = await login({ checkers: [checker] });
    await made.ask(made.signed(key));
    await made.ask(password("right"));
    expect([made.answers(), made.server.avatar, made.logouts]).toEqual([[FAILURE, FAILURE], undefined, made.avatars]);
  });
});

/** Whether alice gets in with this certificate, by each way that leads there; the peer is 127.0.0.1. */
async function ways(content: Content): Promise<boolean[]> {
  const { blob } = await issue(content);
  const said = { algorithm: CERTIFIED, blob };
  const ca = authority.public().toString("openssh").toString();
  const stepped = new SSHProtocolChecker();
  stepped.registerChecker(trusting());
  const attempts: readonly (readonly [ICredentialsChecker, Partial<KeyRequest>])[] = [
    [trusting(), said],
    [trusting(), { ...said, method: HOST_BOUND }],
    [keys(`cert-authority ${ca}`), said],
    [keys(`cert-authority,principals="alice" ${ca}`), { ...said, method: HOST_BOUND }],
    [stepped, said],
  ];
  const outcomes: boolean[] = [];
  for (const [checker, request] of attempts) {
    const made = await login({ checkers: [checker, passwords()] });
    await made.ask(made.signed(key, request));
    outcomes.push(made.avatars.length === 1);
  }
  return outcomes;
}

const ALL = Array(5).fill(true);
const NONE = Array(5).fill(false);
const only = (name: string, value: string) => ({ criticalOptions: new Map([[name, value]]) });

describe("a certificate", () => {
  test("A15: CVE-2026-46595: is good where its source addresses are, by every way to show it", async () => {
    expect(await ways({})).toEqual(ALL);
    expect(await ways(only("source-address", "127.0.0.0/8,10.0.0.1"))).toEqual(ALL);
    for (const list of ["10.0.0.0/8", "127.0.0.2", "::1", "", "127.0.0.1x", "*", "!127.0.0.1", "127.0.0.1/33"]) {
      expect([list, await ways(only("source-address", list))]).toEqual([list, NONE]);
    }
  });

  test("A15: with a critical option that nobody knows is good for nothing", async () => {
    for (const name of ["valid-on-mondays@example.com", "Source-Address", "force-command ", "", "__proto__"]) {
      expect([name, await ways(only(name, "127.0.0.1"))]).toEqual([name, NONE]);
    }
  });

  test("A15: is good in its time, for its kind, and for the users that it names", async () => {
    const now = Math.floor(Date.now() / 1000);
    expect(await ways({ validAfter: now - 3600, validBefore: now + 3600 })).toEqual(ALL);
    expect(await ways({ validAfter: now + 3600 })).toEqual(NONE);
    expect(await ways({ validBefore: now - 3600 })).toEqual(NONE);
    expect(await ways({ kind: "host" })).toEqual(NONE);
    for (const principals of [[], ["bob"], ["*"], ["alic"], ["alice "], ["ALICE"]]) {
      expect([principals, await ways({ principals })]).toEqual([principals, NONE]);
    }
  });

  test("A15: CVE-2026-35414: names users one by one: a comma in a name makes no list of it", async () => {
    for (const principals of [["bob,alice"], ["alice,bob"], ["alice,"], [",alice"]]) {
      expect([principals, await ways({ principals })]).toEqual([principals, NONE]);
    }
    // The other way round too: a line lists names, of which a certificate may bear one, and not the list.
    const ca = authority.public().toString("openssh").toString();
    const names = keys(`cert-authority,principals="ops,root" ${ca}`);
    for (const [principals, isIn] of [
      [["root"], true],
      [["ops,root"], false],
      [["alice"], false],
    ] as const) {
      const { blob } = await issue({ principals });
      const made = await login({ checkers: [names] });
      await made.ask(made.signed(key, { algorithm: CERTIFIED, blob }));
      expect([principals, made.avatars]).toEqual([principals, isIn ? ["alice"] : []]);
    }
  });
});

describe("a line of authorized_keys", () => {
  const folder = mkdtempSync(join(tmpdir(), "strombus-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  let homes = 0;

  /** Who of alice's keys gets in with a file of these lines. */
  async function lets(...lines: readonly (string | Buffer)[]): Promise<boolean> {
    const home = join(folder, `home${homes++}`);
    mkdirSync(join(home, ".ssh"), { recursive: true });
    const content = Buffer.concat(lines.flatMap((each) => [Buffer.from(each as string), Buffer.from("\n")]));
    writeFileSync(join(home, ".ssh/authorized_keys"), content);
    const entry = { pw_name: "alice", pw_passwd: "x", pw_uid: 1, pw_gid: 1, pw_gecos: "", pw_dir: home, pw_shell: "" };
    const getpwnam = (name: string) => {
      if (name !== "alice") throw new KeyError("nobody");
      return entry;
    };
    const alice = await new UNIXAuthorizedKeysFiles({ getpwnam }).getAuthorizedKeys("alice");
    const made = await login({ checkers: [new SSHPublicKeyChecker(new InMemorySSHKeyDB({ alice }))] });
    await made.ask(made.signed(key));
    return made.avatars.length === 1;
  }

  test("A15: holds its key to where it may come from, and until when", async () => {
    expect(await lets(line)).toBe(true);
    expect(await lets(`from="127.0.0.1" ${line}`)).toBe(true);
    for (const options of [
      'from="10.0.0.0/8"',
      'from="!127.0.0.1,127.*"',
      'from=""',
      'expiry-time="20200101"',
      "cert-authority",
    ]) {
      expect([options, await lets(`${options} ${line}`)]).toEqual([options, false]);
    }
  });

  test("A16: whose options cannot be read gives no key, and takes none from the others", async () => {
    const bad = [
      "restrict,nonsense",
      'from="10.0.0.0/8',
      'command="a",command="b"',
      'from="10.0.0.0/99"',
      "restrict,,no-pty",
      'expiry-time="tomorrow"',
      'principals="alice"',
      'permitopen="nowhere"',
      "command=backup",
    ];
    for (const options of bad) {
      expect([options, await lets(`${options} ${line}`)]).toEqual([options, false]);
      expect([options, await lets(`${options} ${line}`, line)]).toEqual([options, true]);
    }
  });

  test("A16: that is too long is dropped whole: no part of it is a line", async () => {
    const long = "x".repeat(16_384);
    expect(await lets(`${line} ${"x".repeat(10_000)}`)).toBe(true);
    expect(await lets(`${line} ${long}`)).toBe(false);
    expect(await lets(`# ${long} ${line}`)).toBe(false);
    expect(await lets(`environment="A=${long}" ${line}`)).toBe(false);
    expect(await lets(`${"x".repeat(16_383)} ${line}`)).toBe(false);
    expect(await lets(`${long}${long}`, line)).toBe(true);
  });

  test("A16: that is no text of a key gives none, and no error", async () => {
    const base64 = key.blob().toString("base64");
    for (const bad of [
      Buffer.from([0xff, 0xfe, 0, 0x73]),
      "ssh-ed25519",
      `ssh-rsa ${base64}`,
      `ssh-ed25519 ${base64.slice(0, 40)}`,
      `ssh-ed25519\0${base64}`,
      `# ${line}`,
      "\r",
    ]) {
      expect(await lets(bad)).toBe(false);
      expect(await lets(bad, line)).toBe(true);
    }
  });
});
