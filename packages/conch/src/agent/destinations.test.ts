import { Factory } from "@strombus/reactor/protocol";
import { connectedServerAndClient } from "@strombus/reactor/testing/iosim";
import { describe, expect, test } from "vitest";
import { Certificate } from "../keys/certificate.js";
import { UserauthRequest } from "../messages/userauth.js";
import { Key } from "../ssh/keys.js";
import { NS } from "../ssh/common.js";
import { SSHAgentClient } from "./client.js";
import {
  type Destination,
  permitted,
  readDestinations,
  readHostKey,
  readLogin,
  type SessionBinding,
  writeDestinations,
} from "./destinations.js";
import { type AgentFactory, SSHAgentServer } from "./server.js";

const [a, b, authority, user] = [1, 2, 3, 4].map(() => Key.generate("ed25519")) as [Key, Key, Key, Key];
const NOW = 1_000_000_000;

const hop = (key: Key, hostname: string, whom?: string) => ({
  hostname,
  keys: [{ key: key.public(), isAuthority: false }],
  user: whom ?? null,
});
const bound = (key: Key, isForwarding: boolean, sessionID = "session"): SessionBinding => ({
  hostKey: key.public(),
  certificate: null,
  shown: key.blob(),
  sessionID: Buffer.from(sessionID),
  isForwarding,
});

describe("ways that a key may be used", () => {
  const toA: Destination = { from: null, to: hop(a, "a") };
  const aToB: Destination = { from: hop(a, "a"), to: hop(b, "b", "ann*") };

  test("are written and read", () => {
    expect(readDestinations(writeDestinations([toA, aToB]))).toEqual([toA, aToB]);
  });

  for (const [what, data] of [
    ["to nowhere", writeDestinations([{ from: null, to: { hostname: "", keys: [] } }])],
    ["to a host without keys", writeDestinations([{ from: null, to: { hostname: "a", keys: [] } }])],
    ["from a host without keys", writeDestinations([{ from: { hostname: "a", keys: [] }, to: hop(b, "b") }])],
    ["from one user", writeDestinations([{ from: hop(a, "a", "ann"), to: hop(b, "b") }])],
    ["cut short", writeDestinations([toA]).subarray(0, -1)],
  ] as const) {
    test(`are refused ${what}`, () => expect(() => readDestinations(data)).toThrow());
  }

  for (const [what, bindings, whom, yes] of [
    ["lists it here", [], null, true],
    ["logs in at A", [bound(a, false)], "bob", true],
    ["does not log in at B", [bound(b, false)], "ann", false],
    ["leads from A to B, as Ann", [bound(a, true), bound(b, false)], "anna", true],
    ["does not, as Bob", [bound(a, true), bound(b, false)], "bob", false],
    ["is seen at A, from where it leads on", [bound(a, true)], null, true],
    ["does not log in where the agent only passes", [bound(a, true)], "ann", false],
    ["does not lead on over a login", [bound(a, false), bound(b, false)], "ann", false],
    ["is not seen at B, from where it leads nowhere", [bound(a, true), bound(b, true)], null, false],
    ["does not come back", [bound(b, true), bound(a, false)], "ann", false],
  ] as [string, SessionBinding[], string | null, boolean][]) {
    test(`a key for A, and for B from there, ${what}`, () => {
      expect(permitted([toA, aToB], bindings, whom, NOW)).toBe(yes);
    });
  }

  test("may go by a host's certificate, as long as that is good and names the host", async () => {
    const certificate = await Certificate.issue(authority, {
      key: a.public(),
      kind: "host",
      keyId: "a",
      principals: ["a.example"],
      validBefore: NOW + 1,
    });
    const shown = readHostKey(certificate.blob);
    expect(shown.hostKey.equals(a.public())).toBe(true);
    const binding = { ...bound(a, false), ...shown };
    const by = (key: Key, hostname: string, isAuthority: boolean): Destination[] => [
      { from: null, to: { hostname, keys: [{ key: key.public(), isAuthority }] } },
    ];
    expect(permitted(by(authority, "a.example", true), [binding], "ann", NOW)).toBe(true);
    expect(permitted(by(authority, "a.example", true), [binding], "ann", NOW + 1)).toBe(false);
    expect(permitted(by(authority, "b.example", true), [binding], "ann", NOW)).toBe(false);
    expect(permitted(by(b, "a.example", true), [binding], "ann", NOW)).toBe(false);
    expect(permitted(by(a, "a.example", false), [binding], "ann", NOW)).toBe(false);
    expect(permitted(by(authority, "a.example", true), [bound(a, false)], "ann", NOW)).toBe(false);
  });
});

/** What is signed to log in. */
function login(sessionID: string, { host = null as Key | null, key = user, service = "ssh-connection" } = {}): Buffer {
  const method = host === null ? "publickey" : "publickey-hostbound-v00@openssh.com";
  const data = [Buffer.of(1), NS("ssh-ed25519"), NS(key.blob()), ...(host === null ? [] : [NS(host.blob())])];
  const request = UserauthRequest.encode({ user: "ann", service, method, data: Buffer.concat(data) });
  return Buffer.concat([NS(sessionID), Buffer.of(50), request]);
}

describe("a login that is to be signed", () => {
  test("says whom, on which connection, and at which host", () => {
    expect(readLogin(login("id"), user.blob())).toEqual({ sessionID: Buffer.from("id"), user: "ann", hostKey: null });
    expect(readLogin(login("id", { host: a }), user.blob())).toMatchObject({ hostKey: a.blob() });
  });

  test("is nothing else", () => {
    expect(readLogin(login("id", { key: b }), user.blob())).toBeNull();
    expect(readLogin(login("id", { service: "other" }), user.blob())).toBeNull();
    expect(readLogin(login("id").subarray(0, -1), user.blob())).toBeNull();
    expect(readLogin(Buffer.concat([login("id"), Buffer.of(0)]), user.blob())).toBeNull();
    expect(readLogin(Buffer.from("SSHSIG"), user.blob())).toBeNull();
  });
});

describe("an agent with a key for one host", () => {
  async function restricted() {
    const [client, server, pump] = connectedServerAndClient(SSHAgentServer, SSHAgentClient);
    const factory: AgentFactory = new Factory();
    factory.keys = new Map();
    server.factory = factory;
    const outcome = async <T>(asked: PromiseLike<T>) => {
      pump.flush();
      return asked;
    };
    await outcome(client.addIdentity(user.privateBlob(), "", { destinations: [{ from: null, to: hop(a, "a") }] }));
    return { client, outcome, keys: factory.keys };
  }

  test("signs logins there, on the connection that was shown, and nothing else", async () => {
    const { client, outcome } = await restricted();
    await expect(outcome(client.signData(user.blob(), login("one")))).rejects.toThrow("agent failure"); // from nowhere
    await outcome(client.bindSession(a.blob(), "one", a.sign("one"), false));
    await outcome(client.signData(user.blob(), login("one")));
    await outcome(client.signData(user.blob(), login("one", { host: a })));
    for (const data of [login("two"), login("one", { host: b }), Buffer.from("anything")]) {
      await expect(outcome(client.signData(user.blob(), data))).rejects.toThrow("agent failure");
    }
  });

  test("does not show it elsewhere, nor lets go of it or take it anew", async () => {
    const { client, outcome, keys } = await restricted();
    await expect(outcome(client.bindSession(b.blob(), "two", a.sign("two"), true))).rejects.toThrow("agent failure");
    expect(await outcome(client.requestIdentities())).toEqual([]);
    await outcome(client.bindSession(b.blob(), "two", b.sign("two"), true));
    expect(await outcome(client.requestIdentities())).toEqual([]);
    await expect(outcome(client.removeIdentity(user.blob()))).rejects.toThrow("agent failure");
    await expect(outcome(client.addIdentity(user.privateBlob()))).rejects.toThrow("agent failure");
    expect(keys.size).toBe(1);
  });
});
