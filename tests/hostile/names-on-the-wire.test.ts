/** User names that would be something else if they were taken for more than text, as a client sends them by each method. */
import { HostBasedChecker, InMemorySSHKeyDB, SSHPublicKeyChecker } from "@strombus/conch/checkers";
import { IConchUser } from "@strombus/conch/interfaces";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { SSHUserAuthServer } from "@strombus/conch/ssh/userauth";
import { type ICredentialsChecker, InMemoryUsernamePasswordDatabaseDontUse } from "@strombus/cred/checkers";
import { type ICredentials, IKeyboardInteractive } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import type { IAddress } from "@strombus/reactor/interfaces";
import { eventAsJSON, eventAsText, globalLogPublisher, type LogEvent } from "@strombus/reactor/logger";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { harmless, NAMES, NOT_TEXT } from "../support/hostile-names.js";
import { fields } from "../support/memory-ssh.js";
import { type Heard, RawClient } from "../support/raw-client.js";

const PASSWORD = "correct horse";
const key = Key.generate("ed25519");
const [REQUEST, FAILURE, SUCCESS, QUESTION, ANSWERS] = [50, 51, 52, 60, 61];

/** The one name that every checker knows. */
let known = "";
/** Who logged in, and whom a checker was asked about. */
const avatars: unknown[] = [];
const asked: unknown[] = [];

/** Looks in a database that is made for each login anew. */
function checker(make: () => ICredentialsChecker): ICredentialsChecker {
  return {
    credentialInterfaces: make().credentialInterfaces,
    requestAvatarId(credentials: ICredentials) {
      asked.push((credentials as { username: string }).username);
      return make().requestAvatarId(credentials);
    },
  };
}

const questions: ICredentialsChecker = {
  credentialInterfaces: [IKeyboardInteractive],
  async requestAvatarId(credentials: ICredentials) {
    const user = credentials as IKeyboardInteractive;
    const [answer] = await user.ask([`Password of ${user.username}: `]);
    if (user.username !== known || answer !== PASSWORD) throw new UnauthorizedLogin(`${user.username} is not known`);
    return user.username;
  },
};

const HOST = {
  addressesOf: () => ["127.0.0.1"],
  mayLogIn: (_host: string, theirs: string, ours: string) => ours === known && theirs === ours,
};

const hostKey = Key.generate("ed25519");
const factory = new SSHFactory();
factory.privateKeys = { "ssh-ed25519": hostKey };
factory.publicKeys = { "ssh-ed25519": hostKey.public() };
factory.services = {
  ...factory.services,
  "ssh-userauth": class extends SSHUserAuthServer {
    override passwordDelay = 0;
    override attemptsBeforeDisconnect = Infinity;
    override maxRequests = Infinity;
    override maxRounds = Infinity;
  },
};
const realm = {
  requestAvatar(avatarId: unknown) {
    avatars.push(avatarId);
    return [IConchUser, {}, () => {}] as const;
  },
};
factory.portal = new Portal(realm, [
  checker(() => new InMemoryUsernamePasswordDatabaseDontUse(new Map([[known, PASSWORD]]))),
  checker(() => new SSHPublicKeyChecker(new InMemorySSHKeyDB(new Map([[known, [key.public()]]])))),
  checker(() => questions),
  checker(() => new HostBasedChecker({ "client.example": [key.public()] }, HOST)),
]);
let port = 0;
let stop: () => unknown;
const logged: LogEvent[] = [];
const observer = (event: LogEvent) => void logged.push(event);

beforeAll(() => {
  const listening = reactor.listenTCP(0, factory, { interface: "127.0.0.1" });
  ({ port } = listening.getHost() as IAddress & { readonly port: number });
  stop = () => listening.stopListening();
  globalLogPublisher.addObserver(observer);
});
afterAll(async () => {
  globalLogPublisher.removeObserver(observer);
  await stop();
});

/** What a client says to log in under this name, by each method. */
const METHODS: Readonly<Record<string, (client: RawClient, name: Uint8Array) => Promise<Heard>>> = {
  none: async (client, name) => client.ask(REQUEST, fields(name, SERVICE, "none")),
  password: async (client, name) => client.ask(REQUEST, fields(name, SERVICE, "password", false, PASSWORD)),
  async publickey(client, name) {
    const shown = fields(name, SERVICE, "publickey", true, "ssh-ed25519", key.blob());
    const signature = key.sign(Buffer.concat([fields(client.sessionID!), Buffer.of(REQUEST), shown]));
    return client.ask(REQUEST, Buffer.concat([shown, fields(signature)]));
  },
  async "keyboard-interactive"(client, name) {
    const heard = await client.ask(REQUEST, fields(name, SERVICE, "keyboard-interactive", "", ""));
    return heard[0] === QUESTION ? client.ask(ANSWERS, fields(1, PASSWORD)) : heard;
  },
  async hostbased(client, name) {
    const said = fields(name, SERVICE, "hostbased", "ssh-ed25519", key.blob(), "client.example.", name);
    const signature = key.sign(Buffer.concat([fields(client.sessionID!), Buffer.of(REQUEST), said]));
    return client.ask(REQUEST, Buffer.concat([said, fields(signature)]));
  },
};
const SERVICE = "ssh-connection";

const legal = (name: string) => name !== "" && Buffer.byteLength(name) <= 255 && !/[\0\p{Surrogate}]/u.test(name);
/** 64 KiB are more than our own client puts into a packet; what holds a lone surrogate cannot be said in UTF-8. */
const sayable = Object.entries(NAMES).filter(([, name]) => name.length < 30_000 && !/\p{Surrogate}/u.test(name));

describe.each(Object.keys(METHODS))("by %s", (method) => {
  const logIn = METHODS[method]!;

  test("nobody is taken for alice", async () => {
    known = "alice";
    avatars.length = 0;
    const client = await RawClient.connect(port);
    for (const [kind, name] of sayable) {
      expect((await logIn(client, Buffer.from(name)))[0], kind).toBe(FAILURE);
    }
    asked.length = 0;
    for (const [kind, name] of Object.entries(NOT_TEXT)) expect((await logIn(client, name))[0], kind).toBe(FAILURE);
    expect((await logIn(client, Buffer.alloc(15_000, "a")))[0]).toBe(FAILURE);
    expect(asked).toEqual([]);
    expect(avatars).toEqual([]);
    if (method !== "none") expect((await logIn(client, Buffer.from("alice")))[0]).toBe(SUCCESS);
    client.loseConnection();
  });

  test("who has such a name logs in as themselves, where it can be a name", async () => {
    for (const [kind, name] of sayable) {
      [known, avatars.length] = [name, 0];
      const client = await RawClient.connect(port);
      const isIn = method !== "none" && legal(name);
      expect((await logIn(client, Buffer.from(name)))[0], kind).toBe(isIn ? SUCCESS : FAILURE);
      expect(avatars).toEqual(isIn ? [name] : []);
      client.loseConnection();
    }
  });
});

test("the log shows them escaped, on one line each, as text and as JSON", () => {
  expect(logged.length).toBeGreaterThan(100);
  for (const event of logged) {
    const text = eventAsText(event, { includeTraceback: false });
    expect(text).toMatch(harmless);
    expect(eventAsJSON(event)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e\u2028]/);
  }
  const shown = logged.map((event) => eventAsText(event, { includeTraceback: false })).join("\n");
  for (const escaped of ["\\x1b[2J", "\\u202e", "\\r\\n2026-01-01 login accepted", '"__proto__"']) {
    expect(shown).toContain(escaped);
  }
  expect(Object.prototype).not.toHaveProperty("alice");
});
