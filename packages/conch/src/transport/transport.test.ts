import { Clock, FakeTransport } from "@strombus/reactor/testing";
import { describe, expect, test } from "vitest";
import { ciphers, macs } from "../codec/algorithms.js";
import { methods } from "../kex/methods.js";
import { KexInit } from "../messages/transport.js";
import { Key } from "../ssh/keys.js";
import type { Client } from "./fixtures.test.support.js";
import { hostKey, loggedInPair, pair, Recorder, securePair, Server, settle } from "./fixtures.test.support.js";
import { RSA } from "../keys/rsa.test.support.js";

describe("a key exchange", () => {
  for (const name of methods.keys()) {
    test(`by ${name} gives both sides one session`, async () => {
      const { client, server } = await securePair((c, s) => {
        c.supportedKeyExchanges = s.supportedKeyExchanges = [name];
      });
      expect([client.kexAlg, client.keyAlg]).toEqual([name, "ssh-ed25519"]);
      expect(client.secure).toBe(1);
      expect(client.sessionID).toEqual(server.sessionID);
      expect(client.isEncrypted("both") && server.isEncrypted("both") && server.isVerified("both")).toBe(true);
    });
  }

  for (const cipher of ciphers.values()) {
    for (const mac of cipher.aead ? [null] : macs.values()) {
      test(`settles on ${cipher.name} and ${mac?.name ?? "no MAC"}, and messages arrive`, async () => {
        const { client, server, pump, factory } = await securePair((c, s) => {
          c.supportedCiphers = s.supportedCiphers = [cipher.name];
          if (mac !== null) c.supportedMACs = s.supportedMACs = [mac.name];
        });
        const service = new Recorder("ssh-userauth");
        client.requestService(service);
        pump.flush();
        expect(service.events).toEqual(["started"]);
        expect(factory.userauth.events).toEqual(["started"]);
        client.sendPacket(50, "hello");
        pump.flush();
        expect(factory.userauth.got).toEqual([[50, "hello"]]);
        expect(server.isEncrypted()).toBe(true);
      });
    }
  }

  test("shows the client the host key and its MD5 fingerprint", async () => {
    const { client } = await securePair();
    expect(client.verified).toEqual([[hostKey.blob().toString("hex"), hostKey.fingerprint()]]);
  });

  test("waits for a host key that is verified slowly", async () => {
    let decide: () => void = () => undefined;
    const made = await securePair((c) => {
      c.verify = () => new Promise<void>((resolve) => (decide = resolve));
    });
    expect(made.client.secure).toBe(0);
    decide();
    await settle(made);
    expect(made.client.secure).toBe(1);
    expect(made.client.ended).toEqual([]);
  });

  test("ends with reason 9 when the host key is refused, and nothing was sent under it", async () => {
    const { client, server } = await securePair((c) => {
      c.verify = () => Promise.reject(new Error("another host"));
    });
    expect(server.ended).toEqual([[9, "bad host key"]]);
    expect(client.secure).toBe(0);
  });

  test("ends with reason 9 when the host's RSA key is shorter than the client's minimumRSAHostKeySize", async () => {
    for (const [minimum, ended] of [
      [2048, []],
      [2049, [[9, "the host has an RSA key of 2048 bits"]]],
    ] as const) {
      const { client, server } = await securePair((c, s, factory) => {
        c.supportedPublicKeys = s.supportedPublicKeys = ["rsa-sha2-512"];
        factory.publicKeys = { "ssh-rsa": RSA.public() };
        factory.privateKeys = { "ssh-rsa": RSA };
        c.minimumRSAHostKeySize = minimum;
      });
      expect(server.ended).toEqual(ended);
      expect(client.secure).toBe(ended.length === 0 ? 1 : 0);
    }
  });

  test("ends with reason 3 when the signature is another's", async () => {
    const { server } = await securePair((_c, _s, factory) => {
      factory.privateKeys = { "ssh-ed25519": Key.generate("ed25519") };
    });
    expect(server.ended).toEqual([[3, "bad signature"]]);
  });

  test("ends with reason 3 when there is no common algorithm, whatever the list", async () => {
    for (const list of [
      "supportedKeyExchanges",
      "supportedPublicKeys",
      "supportedCiphers",
      "supportedCompressions",
    ] as const) {
      const { server } = await securePair((c) => (c[list] = ["unheard-of"]));
      expect(server.said).toEqual([3]);
    }
  });

  test("takes a host key that signs in its own time", async () => {
    const { client } = await securePair((_c, _s, factory) => {
      factory.privateKeys = { "ssh-ed25519": { sign: async (data) => Promise.resolve(hostKey.sign(data)) } };
    });
    expect(client.secure).toBe(1);
  });

  test("closes when signing fails, and says nothing of why", async () => {
    const { client } = await securePair((_c, _s, factory) => {
      factory.privateKeys = { "ssh-ed25519": { sign: () => Promise.reject(new Error("HSM 7 is on fire")) } };
    });
    expect(client.ended).toEqual([[11, "internal error"]]);
  });

  test("is told of the extensions right behind the first NEWKEYS", async () => {
    const { client } = await securePair();
    expect(String(client.peerExtensions.get("server-sig-algs"))).toContain("ssh-ed25519");
    expect(String(client.peerExtensions.get("server-sig-algs"))).not.toMatch(/ssh-rsa|ssh-dss/);
  });

  test("by strict rules restarts the packet numbers with each NEWKEYS (K2)", async () => {
    const { client, server } = await securePair();
    expect(server.outgoingPacketSequence).toBe(1); // EXT_INFO
    expect(client.outgoingPacketSequence).toBe(1);
    expect(client.incomingPacketSequence).toBe(1);
  });

  for (const number of [2, 4, 7, 20, 21, 99]) {
    test(`admits no message ${number} out of turn under strict rules (K1)`, () => {
      const made = pair((c) => {
        c.atExchange = () => c.force(number, number === 20 ? c.ourKexInitPayload!.subarray(1) : Buffer.alloc(4));
      });
      expect(made.client.ended[0]?.[0]).toBe(2);
    });
  }

  test("with KEXINIT as a later packet than the first is not strict, and closes (K1)", () => {
    const made = pair((c) => {
      const send = c.sendKexInit.bind(c);
      c.sendKexInit = () => {
        c.sendIgnore("early");
        send();
      };
    });
    expect(made.client.ended[0]?.[0]).toBe(2);
  });

  /** The client says that its next message is a guess. */
  function announcingGuess(c: Client, ...guesses: [number: number, body: Uint8Array][]): void {
    const announced = (body: Uint8Array) => KexInit.encode({ ...KexInit.decode(body), firstKexPacketFollows: true });
    c.rewrite((number, body) => (number === 20 ? [[20, announced(body)], ...guesses] : [[number, body]]));
    const sendKexInit = c.sendKexInit.bind(c);
    c.sendKexInit = () => {
      sendKexInit();
      c.ourKexInitPayload = Buffer.concat([Buffer.of(20), announced(c.ourKexInitPayload!.subarray(1))]);
    };
  }

  test("takes a right guess for the client's value (K7)", async () => {
    const made = await securePair((c) => announcingGuess(c));
    expect([made.client.secure, made.client.ended, made.server.said]).toEqual([1, [], []]);
  });

  for (const [what, change] of [
    ["key exchange", (c: Client) => (c.supportedKeyExchanges = ["curve25519-sha256", "mlkem768x25519-sha256"])],
    ["host key", (c: Client) => (c.supportedPublicKeys = ["rsa-sha2-512", "ssh-ed25519"])],
  ] as const) {
    test(`skips one message after a wrong guess of the ${what}, and no more (K7)`, async () => {
      const guess: [number, Uint8Array] = [30, Buffer.from("000000020000", "hex")];
      const guessing = (c: Client, guesses: number) => {
        change(c);
        announcingGuess(c, ...Array.from({ length: guesses }, () => guess));
      };
      const once = await securePair((c) => guessing(c, 1));
      expect([once.client.secure, once.client.ended]).toEqual([1, []]);
      const twice = await securePair((c) => guessing(c, 2));
      expect(twice.client.ended[0]?.[0]).toBe(3); // the second one is taken for the client's value
    });
  }
});

describe("messages", () => {
  test("of the connection protocol before login close (T5)", async () => {
    for (const number of [80, 90, 94, 100, 50, 60]) {
      const made = await securePair();
      made.client.force(number, Buffer.alloc(4));
      made.pump.flush();
      expect(made.client.ended[0]?.[0]).toBe(2);
    }
  });

  test("that only a server sends close, at any time (T4)", async () => {
    for (const number of [6, 51, 52, 53, 60]) {
      const made = await loggedInPair();
      made.client.force(number, Buffer.alloc(4));
      made.pump.flush();
      expect(made.client.ended[0]?.[0]).toBe(2);
      expect(made.there.got).toEqual([]);
    }
  });

  test("that nobody knows are answered with their number (T6)", async () => {
    const made = await loggedInPair();
    const next = made.client.outgoingPacketSequence;
    made.client.force(150);
    made.client.force(19);
    made.pump.flush();
    expect(made.client.unimplemented).toEqual([next, next + 1]);
  });

  test("of authentication after login are ignored (A2)", async () => {
    const made = await loggedInPair();
    made.client.force(50, Buffer.alloc(4));
    made.pump.flush();
    expect([made.there.got, made.client.ended, made.client.unimplemented]).toEqual([[], [], []]);
  });

  test("that are cut short or go on too long close with reason 2 (T7)", async () => {
    for (const body of [Buffer.alloc(0), Buffer.alloc(9, 0)]) {
      const made = await securePair();
      made.client.force(5, body);
      made.pump.flush();
      expect(made.client.ended[0]?.[0]).toBe(2);
    }
  });

  test("a ping after login is answered with its data, before it closes (T12)", async () => {
    const made = await loggedInPair();
    const got: number[] = [];
    made.client.dispatchMessage = (number) => got.push(number);
    made.client.force(192, Buffer.from("00000002abcd", "hex"));
    made.pump.flush();
    expect(got).toEqual([193]);
    const early = await securePair();
    early.client.force(192, Buffer.from("00000002abcd", "hex"));
    early.pump.flush();
    expect(early.client.ended[0]?.[0]).toBe(2);
  });

  test("a flood before login is ended (T9)", async () => {
    const made = await securePair();
    for (let i = 0; i < 1001; i++) made.client.sendIgnore("x");
    made.pump.flush();
    expect(made.client.ended).toEqual([[2, "too much was sent before login"]]);
  });

  test("a service we do not run is refused with reason 7", async () => {
    const made = await securePair();
    made.client.requestService(new Recorder("ssh-connection"));
    made.pump.flush();
    expect(made.client.ended).toEqual([[7, 'don\'t have service "ssh-connection"']]);
  });

  test("a service asked for twice goes on as it stands (A1)", async () => {
    const made = await securePair();
    made.client.requestService(new Recorder("ssh-userauth"));
    made.pump.flush();
    const sent = made.server.outgoingPacketSequence;
    made.server.dispatchMessage(5, Buffer.concat([Buffer.of(0, 0, 0, 12), Buffer.from("ssh-userauth")]));
    expect(made.server.outgoingPacketSequence).toBe(sent + 1);
    expect(made.factory.userauth.events).toEqual(["started"]);
    expect(made.server.said).toEqual([]);
  });
});

describe("the end", () => {
  test("of a connection stops the service, and logs the avatar out once (R8, A18)", async () => {
    const made = await loggedInPair();
    let logouts = 0;
    made.server.avatar = {};
    made.server.logoutFunction = () => logouts++;
    made.client.loseConnection();
    made.pump.flush();
    made.server.connectionLost();
    expect(made.server.ended).toEqual([[10, "user closed connection"]]);
    expect(made.there.events.at(-1)).toBe("stopped");
    expect(logouts).toBe(1);
    expect(made.clock.getDelayedCalls()).toEqual([]);
  });

  test("after a DISCONNECT nothing is sent and nothing dispatched (T10)", async () => {
    const made = await loggedInPair();
    made.server.sendDisconnect(11, "enough");
    const sent = made.server.outgoingPacketSequence;
    made.server.sendPacket(80, "late");
    made.client.force(80, Buffer.from("late"));
    made.pump.flush();
    expect(made.server.outgoingPacketSequence).toBe(sent);
    expect(made.there.got).toEqual([]);
    expect(made.client.ended).toEqual([[11, "enough"]]);
  });

  test("of one's patience comes 10 seconds after the start without a version line (R3)", () => {
    const clock = new Clock();
    const server = new Server();
    server.clock = clock;
    const io = new FakeTransport(server, true);
    io.begin();
    clock.advance(9);
    expect(io.disconnecting).toBe(false);
    server.dataReceived(Buffer.from("SSH-2.0-slo"));
    clock.advance(1);
    expect(io.disconnecting).toBe(true);
  });

  test("of the first exchange is 30 seconds after the start, whatever the peer sends (R3)", () => {
    const clock = new Clock();
    const server = new Server();
    server.clock = clock;
    const io = new FakeTransport(server, true);
    io.begin();
    clock.advance(9);
    server.dataReceived(Buffer.from("SSH-2.0-slow\r\n"));
    clock.advance(20);
    expect(io.disconnecting).toBe(false);
    clock.advance(1);
    expect(io.disconnecting).toBe(true);
  });
});

test("a peer that never asks for a service is left after two minutes (R3)", async () => {
  const made = await securePair();
  made.clock.advance(119);
  expect(made.server.said).toEqual([]);
  made.clock.advance(1);
  expect(made.server.said).toEqual([11]);
});

describe("when the peer does not read", () => {
  test("the service is told to write no more, and when to go on", async () => {
    const made = await loggedInPair();
    made.server.pauseProducing();
    made.server.resumeProducing();
    expect(made.there.events).toEqual(["started", "stopWriting", "startWriting"]);
  });

  test("and yet asks for replies, it is not read from either (R7)", async () => {
    const made = await loggedInPair();
    let paused = 0;
    made.serverIO.pauseProducing = () => paused++;
    made.server.pauseProducing();
    for (let i = 0; i < 1100; i++) made.server.sendPacket(99, Buffer.alloc(1000));
    expect(paused).toBe(1);
  });
});
