import type { AvatarId } from "@strombus/cred/checkers";
import { ISSHPrivateKey, IUsernamePassword } from "@strombus/cred/credentials";
import { type InterfaceToken, providedBy } from "@strombus/reactor/components";
import { type Deferred, succeed } from "@strombus/reactor/defer";
import { capturedLogs, type LogEvent } from "@strombus/reactor/logger";
import { expect, test } from "vitest";
import { InMemorySSHKeyDB, SSHProtocolChecker, SSHPublicKeyChecker } from "../checkers.js";
import { Key } from "../ssh/keys.js";
import { SSHUserAuthClient } from "../ssh/userauth.js";
import {
  FakeTransport,
  keyData,
  NextService,
  password,
  PasswordChecker,
  request,
  serve,
  talk,
} from "./fixtures.test.support.js";
import { RSA } from "../keys/rsa.test.support.js";

const keys = { rsa: RSA, ed25519: Key.generate("ed25519"), ecdsa: Key.generate("ecdsa", 256) };

class Client extends SSHUserAuthClient {
  passwords = ["good"];
  constructor(readonly key: Key) {
    super("foo", new NextService());
  }
  override getPublicKey(): Key | null {
    return this.triedPublicKeys.length === 0 ? this.key.public() : null;
  }
  override getPrivateKey(): Deferred<Key> {
    return succeed(this.key);
  }
  override getPassword(): Deferred<string> | null {
    const next = this.passwords.shift();
    return next === undefined ? null : succeed(next);
  }
}

const kinds: InterfaceToken[] = [ISSHPrivateKey, IUsernamePassword];

class Both extends SSHProtocolChecker {
  override areDone(avatarId: AvatarId): boolean {
    const shown = this.successfulCredentials.get(avatarId)!;
    return kinds.every((kind) => shown.some((each) => providedBy(kind, each)));
  }
}

function both(key: Key): Both {
  const checker = new Both();
  checker.registerChecker(new SSHPublicKeyChecker(new InMemorySSHKeyDB({ foo: [key.public()] })));
  checker.registerChecker(new PasswordChecker());
  return checker;
}

for (const [name, key] of Object.entries(keys)) {
  test(`client and server agree where a ${name} key and a password are wanted`, () => {
    const server = serve({ checkers: [both(key)] });
    const transport = new FakeTransport();
    const client = new Client(key);
    transport.setService(client);
    talk(server, transport);
    expect(server.transport.service).toBeInstanceOf(NextService);
    expect(transport.service).toBe(client.instance);
    expect(client.authenticatedWith).toEqual(["publickey"]);
    expect(server.transport.disconnects).toEqual([]);
  });
}

test("A9: what one connection has shown is nothing to another", () => {
  const checker = both(keys.ed25519);
  const [one, two] = [serve({ checkers: [checker] }), serve({ checkers: [checker] })];
  const half = new Client(keys.ed25519);
  half.passwords = [];
  const [first, second] = [new FakeTransport(), new FakeTransport()];
  first.setService(half);
  talk(one, first);
  expect(half.authenticatedWith).toEqual(["publickey"]);
  const thief = new Client(Key.generate("ed25519"));
  second.setService(thief);
  talk(two, second);
  expect(thief.authenticatedWith).toEqual(["password"]);
  expect(two.transport.avatar).toBeUndefined();
});

test("A9: what was shown is lost when another user is named in between", () => {
  for (const between of ["foo", "bar"]) {
    const server = serve({ checkers: [both(keys.ed25519)] });
    const transport = new FakeTransport();
    const client = new Client(keys.ed25519);
    client.passwords = [];
    transport.setService(client);
    talk(server, transport);
    for (const packet of [password("bad", between), password("good")]) {
      server.service.ssh_USERAUTH_REQUEST(packet);
      server.clock.advance(1);
    }
    expect(server.transport.avatar !== undefined).toBe(between === "foo");
  }
});

test("A6: a signature made for another session is refused", () => {
  const server = serve({ checkers: [both(keys.ed25519)] });
  const transport = new FakeTransport();
  transport.sessionID = Buffer.from("another session");
  const client = new Client(keys.ed25519);
  transport.setService(client);
  talk(server, transport);
  expect(client.authenticatedWith).toEqual(["password"]);
  expect(server.service.loginAttempts).toBe(1);
});

test("L3: each login that succeeds or fails is one event, with its key and without its password", () => {
  const events = loginEvents(() => {
    const server = serve({ checkers: [both(keys.ed25519)] });
    const transport = new FakeTransport();
    const client = new Client(keys.ed25519);
    client.passwords = ["wrong", "good"];
    transport.setService(client);
    talk(server, transport);
  });
  expect(events.map(({ outcome, method }) => [outcome, method])).toEqual([
    ["partly accepted", '"publickey"'],
    ["refused", '"password"'],
    ["accepted", '"password"'],
  ]);
  expect(events[0]).toMatchObject({ address: "192.0.2.1", port: 4711, user: '"foo"' });
  expect(events[0]!["fingerprint"]).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
  expect(JSON.stringify(events.map((event) => ({ ...event, log_logger: null })))).not.toMatch(/wrong|good/);
});

test("L1: a user name is escaped and cut before it is logged", () => {
  const events = loginEvents(() => {
    const { clock, service } = serve();
    service.ssh_USERAUTH_REQUEST(request("hostbased", "", `\u001b[2J\u202e${"x".repeat(200)}`));
    clock.advance(1);
  });
  expect(events).toHaveLength(1);
  expect(events[0]!["user"]).toMatch(/^[\x20-\x7e]{1,120}$/);
});

test("L1: so is the name of an algorithm", () => {
  const events = loginEvents(() => {
    const { clock, service } = serve({ checkers: [both(keys.ed25519)] });
    service.ssh_USERAUTH_REQUEST(request("publickey", keyData(1, "\u001b[2J", keys.ed25519.blob(), "signature")));
    clock.advance(1);
  });
  expect(events[0]!["why"]).toMatch(/^: signature algorithm not allowed \([\x20-\x7e]+\)$/);
});

function loginEvents(during: () => void): LogEvent[] {
  return capturedLogs(during).filter((event) => event["outcome"] !== undefined);
}
