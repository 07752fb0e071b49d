import { Deferred } from "@strombus/reactor/defer";
import { Failure } from "@strombus/reactor/failure";
import { Factory } from "@strombus/reactor/protocol";
import { connectedServerAndClient, type IOPump } from "@strombus/reactor/testing/iosim";
import { Clock, StringTransport } from "@strombus/reactor/testing";
import { describe, expect, test } from "vitest";
import { ConchError, MissingKeyStoreError } from "../error.js";
import { Key } from "../ssh/keys.js";
import { SSHAgentClient } from "./client.js";
import { messages } from "./numbers.js";
import { SSHAgentServer, type AgentFactory, type AgentKeys } from "./server.js";
import { RSA } from "../keys/rsa.test.support.js";

const keys = {
  rsa: RSA,
  ed25519: Key.generate("ed25519"),
  ecdsa: Key.generate("ecdsa", 256),
  dsa: Key.generate("dsa"),
};

interface Setting {
  readonly client: SSHAgentClient;
  readonly server: SSHAgentServer;
  readonly pump: IOPump;
  readonly held: AgentKeys;
}

function agent(...held: [Key, string][]): Setting {
  const [client, server, pump] = connectedServerAndClient(SSHAgentServer, SSHAgentClient);
  const factory: AgentFactory = new Factory();
  factory.keys = new Map(held.map(([key, comment]) => [key.blob().toString("base64"), [key, comment]]));
  server.factory = factory;
  return { client, server, pump, held: factory.keys };
}

/** What a request comes to when all has moved. */
async function outcome<T>({ pump }: Setting, request: PromiseLike<T>): Promise<T> {
  pump.flush();
  return request;
}

describe("an agent", () => {
  test("without a store of keys answers FAILURE and throws MissingKeyStoreError", () => {
    const server = new SSHAgentServer();
    const transport = new StringTransport();
    server.makeConnection(transport);
    server.factory = new Factory();
    expect(() => server.dataReceived(Buffer.from("000000010b", "hex"))).toThrow(MissingKeyStoreError);
    expect(transport.value().toString("hex")).toBe("0000000105");
  });

  test("knows none of the keys of SSH 1", async () => {
    const setting = agent();
    const { client } = setting;
    expect(await outcome(setting, client.sendRequest(1, ""))).toEqual(Buffer.from("0200000000", "hex"));
    expect(await outcome(setting, client.sendRequest(8, ""))).toEqual(Buffer.alloc(0));
    expect(await outcome(setting, client.sendRequest(9, ""))).toEqual(Buffer.alloc(0));
  });

  test("lists its keys with their comments", async () => {
    const setting = agent([keys.rsa, "one"], [keys.ed25519, "two"]);
    expect(await outcome(setting, setting.client.requestIdentities())).toEqual([
      [keys.rsa.blob(), "one"],
      [keys.ed25519.blob(), "two"],
    ]);
  });

  for (const [name, key] of Object.entries(keys)) {
    test(`takes a ${name} key, with a comment or without, and signs by it`, async () => {
      const setting = agent();
      expect(await outcome(setting, setting.client.addIdentity(key.privateBlob(), "mine"))).toEqual(Buffer.alloc(0));
      expect([...setting.held.values()].map(([, comment]) => comment)).toEqual(["mine"]);
      await outcome(setting, setting.client.addIdentity(key.privateBlob()));
      expect([...setting.held]).toEqual([[key.blob().toString("base64"), [key, ""]]]);
      const data = Buffer.from("to be signed");
      const signature = await outcome(setting, setting.client.signData(key.blob(), data));
      expect(key.public().verify(signature, data)).toBe(true);
    });
  }

  test("takes a key without the comment's field at all", async () => {
    const setting = agent();
    await outcome(setting, setting.client.sendRequest(17, keys.rsa.privateBlob()));
    expect([...setting.held.values()].map(([, comment]) => comment)).toEqual([""]);
  });

  test("signs as its key does, and by the RSA algorithm that the flags name", async () => {
    const setting = agent([keys.rsa, ""]);
    const data = Buffer.from("data");
    const { client } = setting;
    expect(await outcome(setting, client.signData(keys.rsa.blob(), data))).toEqual(keys.rsa.sign(data));
    for (const algorithm of ["rsa-sha2-256", "rsa-sha2-512"]) {
      const signature = await outcome(setting, client.signData(keys.rsa.blob(), data, algorithm));
      expect(signature).toEqual(keys.rsa.sign(data, algorithm));
    }
  });

  test("forgets one key, or all", async () => {
    const setting = agent([keys.rsa, ""], [keys.ed25519, ""], [keys.ecdsa, ""]);
    await outcome(setting, setting.client.removeIdentity(keys.rsa.blob()));
    expect([...setting.held.keys()]).toEqual([keys.ed25519, keys.ecdsa].map((key) => key.blob().toString("base64")));
    await outcome(setting, setting.client.removeAllIdentities());
    expect(setting.held.size).toBe(0);
  });

  for (const [what, request] of [
    ["a signature by a key that it has not", (client) => client.signData(keys.ed25519.blob(), "data")],
    ["the removal of a key that it has not", (client) => client.removeIdentity(keys.ed25519.blob())],
    ["a request of an unknown type", (client) => client.sendRequest(99, "")],
    ["a list with something behind it", (client) => client.sendRequest(11, "x")],
    ["a key of an unknown type", (client) => client.addIdentity(Buffer.from("000000036b6579", "hex"))],
    ["a key that is cut short", (client) => client.addIdentity(keys.rsa.privateBlob().subarray(0, 40))],
    ["a signature by flags that nobody knows", (client) => client.sendRequest(13, rsaRequest(7))],
  ] as [string, (client: SSHAgentClient) => PromiseLike<Buffer>][]) {
    test(`refuses ${what}, and goes on`, async () => {
      const setting = agent([keys.rsa, ""]);
      await expect(outcome(setting, request(setting.client))).rejects.toThrow(new ConchError("agent failure"));
      expect(await outcome(setting, setting.client.requestIdentities())).toHaveLength(1);
    });
  }

  test("has a handler for each request that it knows", () => {
    const server = new SSHAgentServer() as unknown as Record<string, unknown>;
    for (const name of messages.values()) expect(typeof server[`agentc_${name}`]).toBe("function");
  });
});

describe("an agent that is used as OpenSSH's is", () => {
  function guarded() {
    const setting = agent([keys.rsa, "one"]);
    const clock = new Clock();
    setting.server.clock = clock;
    return { ...setting, setting, clock };
  }

  test("forgets a key when its lifetime is over, and not before", async () => {
    const { setting, client, clock } = guarded();
    await outcome(setting, client.addIdentity(keys.ed25519.privateBlob(), "short", { lifetime: 60 }));
    clock.advance(59);
    expect(await outcome(setting, client.requestIdentities())).toHaveLength(2);
    clock.advance(1);
    expect(await outcome(setting, client.requestIdentities())).toEqual([[keys.rsa.blob(), "one"]]);
    await expect(outcome(setting, client.signData(keys.ed25519.blob(), "x"))).rejects.toThrow(ConchError);
  });

  test("asks before it signs by a key that wants confirmation, and keeps the order of the answers", async () => {
    const { setting, client, server } = guarded();
    await outcome(setting, client.addIdentity(keys.ed25519.privateBlob(), "careful", { confirm: true }));
    await expect(outcome(setting, client.signData(keys.ed25519.blob(), "x"))).rejects.toThrow("agent failure");
    const asked = new Deferred<boolean>();
    server.confirm = () => asked;
    const signature = client.signData(keys.ed25519.blob(), "x");
    const list = client.requestIdentities();
    setting.pump.flush();
    expect(client.deferreds).toHaveLength(2);
    asked.callback(true);
    setting.pump.flush();
    expect(keys.ed25519.verify(await signature, Buffer.from("x"))).toBe(true);
    expect(await list).toHaveLength(2);
  });

  test("CL5: signs by its policy only", async () => {
    const { setting, client, server } = guarded();
    server.maySign = (_key, data) => data.toString() !== "no";
    await expect(outcome(setting, client.signData(keys.rsa.blob(), "no"))).rejects.toThrow("agent failure");
    await outcome(setting, client.signData(keys.rsa.blob(), "yes"));
  });

  test("shows and does nothing while it is locked, and makes wrong passphrases wait", async () => {
    const { setting, client, clock } = guarded();
    await outcome(setting, client.lock("secret"));
    expect(await outcome(setting, client.requestIdentities())).toEqual([]);
    for (const refused of [
      client.signData(keys.rsa.blob(), "x"),
      client.addIdentity(keys.ed25519.privateBlob()),
      client.removeAllIdentities(),
      client.lock("another"),
    ]) {
      await expect(outcome(setting, refused)).rejects.toThrow("agent failure");
    }
    const wrong = client.unlock("guess");
    setting.pump.flush();
    expect(client.deferreds).toHaveLength(1);
    clock.advance(0.1);
    await expect(outcome(setting, wrong)).rejects.toThrow("agent failure");
    await outcome(setting, client.unlock("secret"));
    expect(await outcome(setting, client.requestIdentities())).toHaveLength(1);
    await expect(outcome(setting, client.unlock("secret"))).rejects.toThrow("agent failure");
  });

  test("takes a binding that the host has signed, and none after a login", async () => {
    const { setting, client, server } = guarded();
    const id = Buffer.from("session identifier");
    const signature = keys.ed25519.sign(id);
    await expect(
      outcome(setting, client.bindSession(keys.ed25519.blob(), "another", signature, false)),
    ).rejects.toThrow("agent failure");
    await outcome(setting, client.bindSession(keys.ed25519.blob(), id, signature, true));
    await outcome(setting, client.bindSession(keys.ed25519.blob(), id, signature, true)); // once more changes nothing
    await expect(outcome(setting, client.bindSession(keys.rsa.blob(), id, keys.rsa.sign(id), true))).rejects.toThrow(
      "agent failure",
    );
    const login = Buffer.from("another session");
    await outcome(setting, client.bindSession(keys.ed25519.blob(), login, keys.ed25519.sign(login), false));
    expect(server.bindings.map(({ isForwarding }) => isForwarding)).toEqual([true, false]);
    await expect(outcome(setting, client.bindSession(keys.ed25519.blob(), id, signature, true))).rejects.toThrow(
      ConchError,
    );
  });

  test("names its extensions and has no others; it takes no constraint that it cannot keep, and no smart card", async () => {
    const { setting, client } = guarded();
    expect(await outcome(setting, client.queryExtensions())).toEqual(["session-bind@openssh.com"]);
    await expect(outcome(setting, client.extension("other@example"))).rejects.toThrow("agent extension failure");
    const constrained = Buffer.concat([keys.ed25519.privateBlob(), Buffer.from("00000000ff0000000161", "hex")]);
    await expect(outcome(setting, client.sendRequest(25, constrained))).rejects.toThrow("agent failure");
    for (const smartcard of [20, 21, 26]) {
      await expect(outcome(setting, client.sendRequest(smartcard, ""))).rejects.toThrow("agent failure");
    }
    expect(await outcome(setting, client.requestIdentities())).toHaveLength(1);
  });
});

describe("an agent's client", () => {
  function asking(): [SSHAgentClient, StringTransport] {
    const client = new SSHAgentClient();
    const transport = new StringTransport();
    client.makeConnection(transport);
    return [client, transport];
  }

  test("fails with ConchError when the answer is of another type", async () => {
    for (const ask of [
      (c: SSHAgentClient) => c.requestIdentities(),
      (c: SSHAgentClient) => c.signData("blob", "data"),
    ]) {
      const [client] = asking();
      const asked: PromiseLike<unknown> = ask(client);
      client.dataReceived(Buffer.from("0000000117", "hex"));
      await expect(asked).rejects.toThrow(ConchError);
    }
  });

  test("takes answers however they are cut, in the order of the requests", async () => {
    const [client] = asking();
    const asked = [client.removeIdentity(""), client.requestIdentities(), client.removeAllIdentities()] as const;
    for (const byte of Buffer.from("0000000106 000000050c00000000 0000000105".replaceAll(" ", ""), "hex")) {
      client.dataReceived(Buffer.of(byte));
    }
    expect(await asked[0]).toEqual(Buffer.alloc(0));
    expect(await asked[1]).toEqual([]);
    await expect(asked[2]).rejects.toThrow("agent failure");
  });

  test("fails what waits when the agent goes, and what is asked afterwards", async () => {
    const [client] = asking();
    const asked = client.requestIdentities();
    const cause = new Error("the cable");
    client.connectionLost(new Failure(cause));
    await expect(asked).rejects.toThrow("the agent has gone");
    await expect(asked).rejects.toHaveProperty("cause", cause);
    await expect(client.removeAllIdentities()).rejects.toThrow("the agent has gone");
  });

  test("leaves an agent that sends too long a frame, or what nobody asked for (CL5)", async () => {
    for (const sent of ["00100000", "0000000106"]) {
      const [client, transport] = asking();
      const asked = sent === "00100000" ? client.requestIdentities() : null;
      client.dataReceived(Buffer.from(sent, "hex"));
      expect(transport.disconnecting).toBe(true);
      if (asked !== null) await expect(asked).rejects.toThrow(/1048576/);
    }
  });
});

function rsaRequest(flags: number): Buffer {
  const blob = keys.rsa.blob();
  const out = Buffer.alloc(4 + blob.length + 8);
  out.writeUInt32BE(blob.length, 0);
  blob.copy(out, 4);
  out.writeUInt32BE(flags, out.length - 4);
  return out;
}
