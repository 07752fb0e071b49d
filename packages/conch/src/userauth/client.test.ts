import { Deferred, fail, succeed } from "@strombus/reactor/defer";
import { describe, expect, test } from "vitest";
import { PublicKeyData, PublicKeySigned, UserauthRequest } from "../messages/userauth.js";
import { Key } from "../ssh/keys.js";
import type { SSHTransportBase } from "../ssh/transport.js";
import { SSHUserAuthClient } from "../ssh/userauth.js";
import { Reader } from "../wire/reader.js";
import { FakeTransport, failure, keyData, NextService, NS, request, SESSION_ID } from "./fixtures.test.support.js";
import { RSA } from "../keys/rsa.test.support.js";

const first = RSA;
const second = Key.generate("ed25519");

/** Has two keys, a password and answers. */
class Client extends SSHUserAuthClient {
  override getPublicKey(): Key | null {
    return [first.public(), second.public()][this.triedPublicKeys.length] ?? null;
  }
  override getPrivateKey(): Deferred<Key> | null {
    return succeed(this.lastPublicKey!.equals(first.public()) ? first : second);
  }
  override getPassword(prompt: string | null = null): Deferred<string> | null {
    return succeed(prompt ?? "secret");
  }
  override getGenericAnswers(
    name: string,
    instruction: string,
    prompts: [prompt: string, echo: boolean][],
  ): Deferred<readonly string[]> | null {
    return succeed(prompts.map(([prompt, echo]) => `${name}|${instruction}|${prompt}|${echo}`));
  }
}

const none = [50, request("none")];

function start(client: SSHUserAuthClient = new Client("foo", new NextService())) {
  const transport = new FakeTransport();
  transport.setService(client);
  return { client, transport, last: () => transport.packets.at(-1), instance: client.instance };
}

/** Started, and the server has refused `none` naming these methods. */
function refused(methods: string, client?: SSHUserAuthClient) {
  const started = start(client);
  started.client.ssh_USERAUTH_FAILURE(failure(methods));
  return started;
}

describe("starting and ending", () => {
  test("number 60 is PK_OK", () => {
    expect(new Client("foo", new NextService()).protocolMessages[60]).toBe("MSG_USERAUTH_PK_OK");
  });

  test("a start asks by none, and begins with nothing shown and no key", () => {
    const { client, transport } = start();
    expect(transport.packets).toEqual([none]);
    expect(client).toMatchObject({
      name: "ssh-userauth",
      user: "foo",
      lastAuth: "none",
      authenticatedWith: [],
      triedPublicKeys: [],
      lastPublicKey: null,
      preferredOrder: ["publickey", "password", "keyboard-interactive"],
    });
    Object.assign(client, { authenticatedWith: ["password"], triedPublicKeys: [first], lastPublicKey: first });
    client.serviceStarted();
    expect(client).toMatchObject({ authenticatedWith: [], triedPublicKeys: [], lastPublicKey: null });
  });

  test("a subclass may begin by itself, with a method and a name of its own, as often as it is started", () => {
    class Waiting extends Client {
      override serviceStarted(): void {}
    }
    const client = new Waiting("nobody", new NextService());
    const { transport, last } = start(client);
    expect(transport.packets).toEqual([]);
    client.user = "foo";
    client.tryAuth("password");
    expect(last()).toEqual([50, request("password", Buffer.concat([Buffer.of(0), NS("secret")]))]);
    client.serviceStopped();
    client.tryAuth("password");
    expect(transport.packets).toHaveLength(1);
    const again = start(client);
    client.tryAuth("password");
    expect(again.transport.packets).toHaveLength(1);
  });

  test("SUCCESS starts the service that the login was for", () => {
    const { client, transport, instance } = start();
    client.ssh_USERAUTH_SUCCESS(Buffer.alloc(0));
    expect(transport.service).toBe(instance);
  });

  test("CL3: a login without any proof is refused on request", () => {
    const { client, transport, instance } = start();
    client.acceptUnprovenLogin = false;
    client.ssh_USERAUTH_SUCCESS(Buffer.alloc(0));
    expect(transport.service).not.toBe(instance);
    expect(transport.disconnects.map(([reason]) => reason)).toEqual([2]);
  });

  test("CL3: SUCCESS and FAILURE that answer no request are refused", () => {
    for (const [name, body] of [
      ["ssh_USERAUTH_SUCCESS", Buffer.alloc(0)],
      ["ssh_USERAUTH_FAILURE", failure("password")],
    ] as const) {
      const pending = new Client("foo", new NextService());
      pending.getPassword = () => new Deferred<string>();
      const { client, transport, instance } = refused("password", pending);
      client[name](body);
      expect(transport.service).not.toBe(instance);
      expect(transport.disconnects.map(([reason]) => reason)).toEqual([2]);
    }
  });

  test("when no method is left the client disconnects", () => {
    const { transport } = refused("unknown,method");
    expect(transport.disconnects).toEqual([[14, "no more authentication methods available"]]);
  });

  test("a banner goes to its hook, and is answered by nothing", () => {
    const seen: string[] = [];
    const { client, transport } = start();
    client.receiveBanner = (message, language) => void seen.push(message, language);
    client.packetReceived(53, NS("Welcome", "en"));
    expect(seen).toEqual(["Welcome", "en"]);
    expect(transport.unimplemented).toBe(0);
    expect(transport.packets).toEqual([none]);
  });

  test("an answer that comes after the connection is gone is not sent", () => {
    const password = new Deferred<string>();
    const client = new Client("foo", new NextService());
    client.getPassword = () => password;
    const { transport } = refused("password", client);
    transport.connectionLost();
    password.callback("secret");
    expect(transport.packets).toEqual([none]);
  });
});

describe("publickey", () => {
  const [rsaBlob, edBlob] = [first.blob(), second.blob()];

  test("one key is offered after the other, and the one that is taken signs", () => {
    const { client, transport, last } = refused("publickey");
    expect(last()).toEqual([50, request("publickey", keyData(0, "rsa-sha2-512", rsaBlob))]);
    client.ssh_USERAUTH_FAILURE(failure("publickey"));
    expect(last()).toEqual([50, request("publickey", keyData(0, "ssh-ed25519", edBlob))]);
    client.ssh_USERAUTH_PK_OK(NS("ssh-ed25519", edBlob));
    const signed = PublicKeySigned.encode({
      sessionID: SESSION_ID,
      number: 50,
      user: "foo",
      service: "next",
      method: "publickey",
      hasSignature: 1,
      algorithm: "ssh-ed25519",
      blob: edBlob,
    });
    const signature = second.sign(signed);
    expect(last()).toEqual([50, request("publickey", keyData(1, "ssh-ed25519", edBlob, signature))]);
    expect(transport.packets).toHaveLength(4);
    client.ssh_USERAUTH_FAILURE(failure("publickey"));
    expect(transport.disconnects).toHaveLength(1);
  });

  const listed = (algorithms: string | null, allow = false) => {
    const transport = new FakeTransport();
    if (algorithms !== null) transport.peerExtensions.set("server-sig-algs", Buffer.from(algorithms));
    const client = new Client("foo", new NextService());
    client.allowSHA1Signatures = allow;
    transport.setService(client);
    client.ssh_USERAUTH_FAILURE(failure("publickey"));
    return { client, transport };
  };

  for (const [what, algorithms, allow, expected] of [
    ["SHA-512 where listed", "ssh-rsa,rsa-sha2-256,rsa-sha2-512", true, "rsa-sha2-512"],
    ["SHA-256 where that alone is listed", "ssh-rsa,rsa-sha2-256", true, "rsa-sha2-256"],
    ["SHA-2 where nothing is listed", null, false, "rsa-sha2-512"],
    ["SHA-1 where nothing else is listed and we allow it", "ssh-rsa", true, "ssh-rsa"],
    ["SHA-1 where nothing is listed and we allow it, as Twisted does", null, true, "ssh-rsa"],
  ] as const) {
    test(`CL4: an RSA key signs by ${what}`, () => {
      const { client, transport } = listed(algorithms, allow);
      expect(transport.packets.at(-1)).toEqual([50, request("publickey", keyData(0, expected, rsaBlob))]);
      client.ssh_USERAUTH_PK_OK(NS(expected, rsaBlob));
      const signed = PublicKeyData.decode(UserauthRequest.decode(transport.packets.at(-1)![1]).data);
      expect(signed).toMatchObject({ hasSignature: 1, algorithm: expected, blob: rsaBlob });
      const signature = new Reader(signed.tail).string();
      const data = { ...signed, sessionID: SESSION_ID, number: 50, user: "foo", service: "next", method: "publickey" };
      expect(new Reader(signature).text()).toBe(expected);
      expect(first.verify(signature, PublicKeySigned.encode(data))).toBe(true);
    });
  }

  test("CL4: an RSA key that could only sign by SHA-1 is passed over", () => {
    const { transport } = listed("ssh-rsa,ssh-ed25519");
    expect(transport.packets.at(-1)).toEqual([50, request("publickey", keyData(0, "ssh-ed25519", edBlob))]);
  });

  test("CL4: a signature by another algorithm than the one offered is not sent", () => {
    const client = new Client("foo", new NextService());
    client.signData = (key, data) => first.sign(data, "ssh-rsa");
    const { transport, last } = refused("publickey", client);
    client.ssh_USERAUTH_PK_OK(NS("rsa-sha2-512", rsaBlob));
    expect(last()).toEqual(none);
    expect(transport.packets).toHaveLength(3);
  });

  test("CL4: one key that the server cannot take is not gone through for ever", () => {
    const transport = new FakeTransport();
    transport.peerExtensions.set("server-sig-algs", Buffer.from("ssh-ed25519"));
    const client = new Client("foo", new NextService());
    client.getPublicKey = () => first.public();
    transport.setService(client);
    client.ssh_USERAUTH_FAILURE(failure("publickey"));
    expect(transport.disconnects).toHaveLength(1);
  });

  test("CL3: SUCCESS and another question while we sign are refused", () => {
    for (const [name, body] of [
      ["ssh_USERAUTH_SUCCESS", Buffer.alloc(0)],
      ["ssh_USERAUTH_PK_OK", NS("rsa-sha2-512", rsaBlob)],
    ] as const) {
      const client = new Client("foo", new NextService());
      client.signData = () => new Deferred();
      const { transport, instance } = refused("publickey", client);
      client.ssh_USERAUTH_PK_OK(NS("rsa-sha2-512", rsaBlob));
      client[name](body);
      expect(transport.service).not.toBe(instance);
      expect(transport.disconnects.map(([reason]) => reason)).toEqual([2]);
    }
  });

  test("CL3: PK_OK for another key or algorithm, or a second one, signs nothing", () => {
    for (const bodies of [
      [NS("rsa-sha2-512", edBlob)],
      [NS("ssh-rsa", rsaBlob)],
      [NS("rsa-sha2-512", rsaBlob), NS("rsa-sha2-512", rsaBlob)],
    ]) {
      const { client, transport } = refused("publickey");
      for (const body of bodies) client.ssh_USERAUTH_PK_OK(body);
      expect(transport.disconnects.map(([reason]) => reason)).toEqual([2]);
    }
  });

  test("without a private key the client asks by none, and PK_OK gives null", () => {
    const client = new Client("foo", new NextService());
    client.getPrivateKey = () => null;
    const { last } = refused("publickey", client);
    expect(client.ssh_USERAUTH_PK_OK(NS("rsa-sha2-512", rsaBlob))).toBeNull();
    expect(last()).toEqual(none);
  });

  test("a private key that cannot be had asks by none", () => {
    const client = new Client("foo", new NextService());
    client.getPrivateKey = () => fail(new Error("locked"));
    const { last } = refused("publickey", client);
    client.ssh_USERAUTH_PK_OK(NS("rsa-sha2-512", rsaBlob));
    expect(last()).toEqual(none);
  });

  test("public keys that cannot be had are a method that does not start", () => {
    for (const broken of [() => fail(new Error("no")), () => null, () => ({}) as never]) {
      const client = new Client("foo", new NextService());
      client.getPublicKey = broken as () => null;
      start(client);
      const results: unknown[] = [];
      (client.tryAuth("publickey") as Deferred<boolean>).addCallback((result) => void results.push(result));
      expect(results).toEqual([false]);
    }
  });
});

describe("password", () => {
  test("is sent with the flag 0, and a change with old and new", () => {
    const { client, last } = refused("password");
    expect(last()).toEqual([50, request("password", Buffer.concat([Buffer.of(0), NS("secret")]))]);
    client.ssh_USERAUTH_PK_OK(NS("New: ", ""));
    const change = Buffer.concat([Buffer.of(0xff), NS("Old Password: ", "New: ")]);
    expect(last()).toEqual([50, request("password", change)]);
  });

  test("null is a method that does not start", () => {
    const client = new Client("foo", new NextService());
    client.getPassword = () => null;
    start(client);
    expect(client.tryAuth("password")).toBe(false);
  });

  test("that is refused by the user is not asked for again", () => {
    let asked = 0;
    const client = new Client("foo", new NextService());
    client.getPassword = () => (asked++, fail(new Error("cancelled")));
    const { transport, last } = refused("password", client);
    expect(last()).toEqual(none);
    client.ssh_USERAUTH_FAILURE(failure("password"));
    expect(asked).toBe(1);
    expect(transport.disconnects).toEqual([[14, "no more authentication methods available"]]);
  });

  test("that comes as nothing, or as what is none, is not asked for again", () => {
    for (const nothing of [null, undefined, 42]) {
      let asked = 0;
      const client = new Client("foo", new NextService());
      client.getPassword = () => (asked++, succeed(nothing as never));
      const { transport } = refused("password", client);
      client.ssh_USERAUTH_FAILURE(failure("password"));
      expect(asked).toBe(1);
      expect(transport.disconnects).toHaveLength(1);
    }
  });

  test("a change that the user breaks off asks by none, once", () => {
    const { client, transport, last } = refused("password");
    client.getPassword = () => fail(new Error("cancelled"));
    const before = transport.packets.length;
    client.ssh_USERAUTH_PK_OK(NS("New: ", ""));
    expect(last()).toEqual(none);
    expect(transport.packets).toHaveLength(before + 1);
  });
});

describe("keyboard-interactive", () => {
  const questions = (...prompts: [string, number][]) =>
    Buffer.concat([
      NS("name", "do", ""),
      Buffer.of(0, 0, 0, prompts.length),
      ...prompts.map(([prompt, echo]) => Buffer.concat([NS(prompt), Buffer.of(echo)])),
    ]);

  test("asks with two empty strings, and answers what it is asked", () => {
    const { client, last } = refused("keyboard-interactive");
    expect(last()).toEqual([50, request("keyboard-interactive", NS("", ""))]);
    client.ssh_USERAUTH_PK_OK(questions(["Pässword: ", 0], ["Colour: ", 1]));
    const answers = NS("name|do|Pässword: |false", "name|do|Colour: |true");
    expect(last()).toEqual([61, Buffer.concat([Buffer.of(0, 0, 0, 2), answers])]);
  });

  test("sends as many answers as were given, none and more included", () => {
    const { client, last } = refused("keyboard-interactive");
    client.ssh_USERAUTH_PK_OK(questions());
    expect(last()).toEqual([61, Buffer.alloc(4)]);
    client.getGenericAnswers = () => succeed(["a", "b"]);
    client.ssh_USERAUTH_PK_OK(questions(["one", 1]));
    expect(last()).toEqual([61, Buffer.concat([Buffer.of(0, 0, 0, 2), NS("a", "b")])]);
  });

  test("that is refused without a question is not asked for again, one with wrong answers is", () => {
    const { client, transport, last } = refused("keyboard-interactive,password");
    client.preferredOrder = ["keyboard-interactive", "password"];
    client.ssh_USERAUTH_FAILURE(failure("keyboard-interactive,password"));
    expect(last()).toEqual([50, request("keyboard-interactive", NS("", ""))]);
    client.ssh_USERAUTH_PK_OK(questions(["one", 1]));
    client.ssh_USERAUTH_FAILURE(failure("keyboard-interactive,password"));
    expect(last()).toEqual([50, request("keyboard-interactive", NS("", ""))]);
    client.ssh_USERAUTH_FAILURE(failure("keyboard-interactive,password"));
    expect(last()).toEqual([50, request("password", Buffer.concat([Buffer.of(0), NS("secret")]))]);
    expect(transport.disconnects).toEqual([]);
  });

  test("answers that cannot be had ask by none, and the method is given up", () => {
    const client = new Client("foo", new NextService());
    client.getGenericAnswers = () => fail(new Error("cancelled"));
    const { transport, last } = refused("keyboard-interactive", client);
    client.ssh_USERAUTH_PK_OK(questions(["one", 1]));
    expect(last()).toEqual(none);
    client.ssh_USERAUTH_FAILURE(failure("keyboard-interactive"));
    expect(transport.disconnects).toHaveLength(1);
  });
});

describe("choosing a method", () => {
  class Recorder extends SSHUserAuthClient {
    tried: string[] = [];
    override preferredOrder = ["second", "first"];
    override tryAuth(kind: string): unknown {
      this.tried.push(kind);
      return kind === "stop";
    }
  }

  test("unknown ones come last, as the server has them, and one that starts ends the search", () => {
    const client = new Recorder("foo", new NextService());
    refused("other,first,stop,never,second", client);
    expect(client.tried).toEqual(["second", "first", "other", "stop"]);
  });

  test("one that succeeded in part is not tried again", () => {
    const { client, last } = refused("publickey,password");
    client.ssh_USERAUTH_FAILURE(failure("publickey,password", true));
    expect(client.authenticatedWith).toEqual(["publickey"]);
    expect(last()).toEqual([50, request("password", Buffer.concat([Buffer.of(0), NS("secret")]))]);
  });

  test("one that returns nothing or throws is followed by the next", () => {
    const client = new Client("foo", new NextService());
    Object.assign(client, {
      preferredOrder: ["empty", "broken", "password"],
      auth_empty: () => undefined,
      auth_broken: () => {
        throw new TypeError("broken");
      },
    });
    const { last } = refused("empty,broken,password", client);
    expect(last()).toEqual([50, request("password", Buffer.concat([Buffer.of(0), NS("secret")]))]);
  });

  test("a name that every object has is no method", () => {
    expect(start().client.tryAuth("constructor")).toBeNull();
  });

  test("number 60 for a method without an answer to it asks by none", () => {
    const { client, transport, last } = start();
    client.lastAuth = "unknown";
    client.ssh_USERAUTH_PK_OK(Buffer.alloc(0));
    expect(last()).toEqual(none);
    expect(transport.packets).toHaveLength(2);
  });
});

test("what a plain client does not know fails, and no public key is null", () => {
  const client = new SSHUserAuthClient("foo", new NextService());
  client.transport = new FakeTransport() as unknown as SSHTransportBase;
  expect(client.getPublicKey()).toBeNull();
  for (const result of [client.getPrivateKey(), client.getPassword(), client.getGenericAnswers("", "", [])]) {
    let name = "";
    (result as Deferred).addErrback((reason) => {
      name = (reason.value as Error).name;
    });
    expect(name).toBe("NotImplementedError");
  }
});
