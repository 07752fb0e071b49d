import { directlyProvides } from "@strombus/reactor/components";
import { ISystemHandle } from "@strombus/reactor/interfaces";
import { Clock, FakeTransport } from "@strombus/reactor/testing";
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Client, hostKey, loggedInPair, pair, securePair, Server, settle } from "./fixtures.test.support.js";
import { hassh, hasshServer } from "./hassh.js";
import type { Offer } from "./negotiation.js";
import { StateKey } from "./state.js";
import type { TappedPacket } from "./tap.js";

describe("what the peer offers", () => {
  test("is shown as it came before anything is chosen, and gives its HASSH", async () => {
    const offers: Offer[] = [];
    const { client } = await securePair((c, s) => {
      c.supportedCiphers = ["made-up", "aes256-ctr"];
      s.supportedCiphers = ["aes256-ctr"];
      s.kexInitReceived = (offer) => offers.push(offer);
      c.kexInitReceived = (offer) => offers.push(offer);
    });
    expect(client.secure).toBe(1);
    const [fromServer, fromClient] = offers[0]!.ciphersToServer.includes("made-up")
      ? [offers[1]!, offers[0]!]
      : [offers[0]!, offers[1]!];
    expect(fromClient.ciphersToServer).toEqual(["made-up", "aes256-ctr"]);
    const kex = [...client.supportedKeyExchanges, "ext-info-c", "kex-strict-c-v00@openssh.com"].join(",");
    const text = `${kex};made-up,aes256-ctr;${client.supportedMACs.join(",")};none`;
    expect(hassh(fromClient)).toBe(createHash("md5").update(text).digest("hex"));
    expect(hasshServer(fromServer)).toMatch(/^[0-9a-f]{32}$/);
  });

  test("is shown even when nothing is in common", async () => {
    const offers: Offer[] = [];
    const { server } = await securePair((c, s) => {
      c.supportedKeyExchanges = ["from-the-future"];
      s.kexInitReceived = (offer) => offers.push(offer);
    });
    expect(offers[0]?.keyExchanges[0]).toBe("from-the-future");
    expect(server.said).toEqual([3]);
  });

  test("HASSHServer of OpenSSH 5.3 is the one that is published", () => {
    const names = (text: string): string[] => text.split(",");
    const offer = {
      keyExchanges: names(
        "diffie-hellman-group-exchange-sha256,diffie-hellman-group-exchange-sha1,diffie-hellman-group14-sha1,diffie-hellman-group1-sha1",
      ),
      ciphersToClient: names(
        "aes128-ctr,aes192-ctr,aes256-ctr,arcfour256,arcfour128,aes128-cbc,3des-cbc,blowfish-cbc,cast128-cbc,aes192-cbc,aes256-cbc,arcfour,rijndael-cbc@lysator.liu.se",
      ),
      macsToClient: names(
        "hmac-md5,hmac-sha1,umac-64@openssh.com,hmac-ripemd160,hmac-ripemd160@openssh.com,hmac-sha1-96,hmac-md5-96",
      ),
      compressionsToClient: names("none,zlib@openssh.com"),
    } as unknown as Offer;
    expect(hasshServer(offer)).toBe("b1c6c0d56317555b85c7005a3de29325");
  });
});

describe("our KEXINIT", () => {
  test("goes out with the version line, which may be any line", () => {
    const server = new Server();
    server.clock = new Clock();
    server.ourVersionString = "SSH-2.0-Caf\xe9 (please log in)";
    const io = new FakeTransport(server, true);
    io.begin();
    const sent = io.getOutBuffer().toString("latin1");
    expect(sent.startsWith("SSH-2.0-Caf\xe9 (please log in)\r\n")).toBe(true);
    expect(sent).toContain("curve25519-sha256");
  });

  describe("on a socket", () => {
    function onSocket() {
      const server = new Server();
      const clock = (server.clock = new Clock());
      const io = new FakeTransport(server, true);
      directlyProvides(io, ISystemHandle);
      io.begin();
      let text = "";
      const sent = () => {
        text += io.getOutBuffer().toString("latin1");
        return [server.ourVersionString, "ext-info-s", "bad version"].map((part) => text.split(part).length - 1);
      };
      return { server, clock, io, sent };
    }

    test("waits for the peer's, which it acknowledges: OpenSSH sends nothing more before", () => {
      const { server, clock, sent } = onSocket();
      const client = new Client();
      client.clock = new Clock();
      const clientIO = new FakeTransport(client, false);
      clientIO.begin();
      const said = clientIO.getOutBuffer();
      const lineEnd = said.indexOf("\n") + 1;
      server.dataReceived(said.subarray(0, lineEnd));
      expect(sent()).toEqual([1, 0, 0]);
      server.dataReceived(said.subarray(lineEnd));
      expect(sent()).toEqual([1, 1, 0]);
      expect(clock.getDelayedCalls()).toHaveLength(1); // the deadline of the exchange
      clock.advance(1);
      expect(sent()).toEqual([1, 1, 0]);
    });

    test("and for no longer than 2 ms", () => {
      const { clock, sent } = onSocket();
      clock.advance(0.0019);
      expect(sent()).toEqual([1, 0, 0]);
      clock.advance(0.0002);
      expect(sent()).toEqual([1, 1, 0]);
    });

    test("goes ahead of whatever we say next", () => {
      const { server, sent } = onSocket();
      server.dataReceived(Buffer.from("SSH-1.5-x\r\n"));
      expect(sent()).toEqual([1, 1, 1]);
    });

    test("is nobody's when the connection is lost", () => {
      const { server, clock, sent } = onSocket();
      server.connectionLost();
      expect(clock.getDelayedCalls()).toEqual([]);
      clock.advance(1);
      expect(sent()).toEqual([1, 0, 0]);
    });
  });

  for (const [moment, after] of [
    ["versionReceived", "SSH-2.0-x\r\n"],
    ["kexInitReceived", null],
  ] as const) {
    test(`can be held back: ${moment}`, async () => {
      const server = new Server();
      server.clock = new Clock();
      server.kexInitMoment = moment;
      const io = new FakeTransport(server, true);
      io.begin();
      expect(io.getOutBuffer().toString("latin1")).toBe(`${server.ourVersionString}\r\n`);
      server.dataReceived(Buffer.from("SSH-2.0-x\r\n"));
      expect(io.getOutBuffer().length > 0).toBe(after !== null);
      const { client } = await securePair((_c, s) => (s.kexInitMoment = moment));
      expect(client.secure).toBe(1);
    });
  }

  test("may be made to fit the peer: its version and its offer are known by then", async () => {
    const { client, server } = await securePair((c, s) => {
      c.ourVersionString = "SSH-2.0-special";
      c.supportedKeyExchanges = ["curve25519-sha256", "mlkem768x25519-sha256"];
      s.kexInitMoment = "kexInitReceived";
      s.supportedCiphers = ["aes128-ctr"];
      s.versionReceived = () => (s.supportedKeyExchanges = ["mlkem768x25519-sha256"]);
      s.kexInitReceived = (offer) => (s.supportedCiphers = offer.ciphersToClient.slice(0, 1));
    });
    expect([client.kexAlg, client.secure]).toEqual(["mlkem768x25519-sha256", 1]);
    expect(server.otherVersionString).toBe("SSH-2.0-special");
    expect(server.currentEncryptions.outCipType).toBe(client.supportedCiphers[0]);
  });
});

describe("a tap", () => {
  test("sees all packets both ways in the clear and in order, and its copies stay as they are", async () => {
    const seen: [string, number, Buffer][] = [];
    const made = await securePair((_c, s) => {
      s.packetTap = (direction, number, payload) => void seen.push([direction, number, payload]);
    });
    expect(seen.map(([direction, number]) => `${direction} ${number}`)).toEqual([
      "out 20",
      "in 20",
      "in 30",
      "out 31",
      "out 21",
      "in 21",
      "out 7",
      "in 7",
    ]);
    made.client.sendIgnore("kept");
    made.pump.flush();
    const ignored = seen.at(-1)![2];
    for (let i = 0; i < 20; i++) made.client.sendIgnore("other");
    made.pump.flush();
    expect(ignored.subarray(4).toString()).toBe("kept");
  });

  test("drops, changes and injects packets both ways", async () => {
    const made = await loggedInPair();
    made.server.packetTap = (direction, number, payload): TappedPacket[] | undefined => {
      const text = payload.toString();
      if (text.endsWith("drop")) return [];
      if (text.endsWith("change")) return [[number, Buffer.from(`${direction} changed`)]];
      if (text.endsWith("more"))
        return [
          [number, payload],
          [81, Buffer.from(`${direction} more`)],
        ];
      return undefined;
    };
    for (const text of ["as is", "drop", "change", "more"]) {
      made.client.sendPacket(80, text);
      made.server.sendPacket(80, text);
    }
    made.server.sendChannelData(0, Buffer.from("drop"));
    made.pump.flush();
    expect(made.there.got).toEqual([
      [80, "as is"],
      [80, "in changed"],
      [80, "more"],
      [81, "in more"],
    ]);
    expect(made.here.got).toEqual([
      [80, "as is"],
      [80, "out changed"],
      [80, "more"],
      [81, "out more"],
    ]);
  });

  test("cannot let in what its stage does not admit", async () => {
    const made = await securePair((_c, s) => {
      s.packetTap = (direction, number) => (direction === "in" && number === 2 ? [[90, Buffer.alloc(4)]] : undefined);
    });
    made.client.sendIgnore("");
    made.pump.flush();
    expect(made.client.ended[0]?.[0]).toBe(2);
  });

  test("is not needed to inject a packet as if it had come", async () => {
    const made = await loggedInPair();
    made.server.injectPacket(80, "from nowhere");
    made.clock.advance(0);
    expect(made.there.got).toEqual([[80, "from nowhere"]]);
    made.server.injectPacket(52, "");
    made.clock.advance(0);
    expect(made.server.said).toEqual([2]);
  });

  test("that throws ends its connection", async () => {
    const made = await loggedInPair();
    made.server.packetTap = (direction) => {
      if (direction === "in") throw new Error("disk full");
    };
    made.client.sendPacket(80, "");
    made.pump.flush();
    expect(made.client.ended).toEqual([[11, "internal error"]]);
  });
});

test("state is attached under typed keys, each connection's its own", async () => {
  const [one, two] = [await securePair(), await securePair()];
  const KEY = new StateKey<number>("visits");
  one.server.state.set(KEY, 7);
  const visits: number | undefined = one.server.state.get(KEY);
  expect([visits, two.server.state.get(KEY), one.server.state.has(new StateKey("visits"))]).toEqual([
    7,
    undefined,
    false,
  ]);
  expect(one.server.state.delete(KEY)).toBe(true);
  expect(one.server.state.get(KEY)).toBeUndefined();
});

test("the algorithms in use and to come are told by name", async () => {
  const none = {
    outCipType: "none",
    inCipType: "none",
    outMACType: "none",
    inMACType: "none",
    encBlockSize: 8,
    decBlockSize: 8,
    verifyDigestSize: 0,
  };
  const next: unknown[] = [];
  const made = pair((c, s) => {
    c.supportedCiphers = ["aes256-ctr"];
    c.supportedMACs = s.supportedMACs = ["hmac-sha2-256"];
    c.atExchange = () => next.push(c.currentEncryptions, c.nextEncryptions);
  });
  await settle(made);
  const named = {
    outCipType: "aes256-ctr",
    inCipType: "aes256-ctr",
    outMACType: "hmac-sha2-256",
    inMACType: "hmac-sha2-256",
    encBlockSize: 16,
    decBlockSize: 16,
    verifyDigestSize: 32,
  };
  expect(next).toEqual([none, named]);
  expect([made.client.currentEncryptions, made.client.nextEncryptions]).toEqual([named, null]);
  expect(made.client.hostKeyBlob).toEqual(hostKey.blob());
  expect(made.server.hostKeyBlob).toEqual(hostKey.blob());
});

test("a packet that is not all there waits, and what follows one is in buf", () => {
  const client = new Client();
  client.clock = new Clock();
  const io = new FakeTransport(client, false);
  io.begin();
  const [line, kexInit] = [`${client.ourVersionString}\r\n`.length, io.getOutBuffer()];
  const server = new Server();
  server.clock = new Clock();
  server.makeConnection(new FakeTransport(server, true));
  server.dataReceived(Buffer.from("SSH-2.0-"));
  expect(server.buf.toString()).toBe("SSH-2.0-");
  server.dataReceived(Buffer.from("x\r\n"));
  expect(server.buf.length).toBe(0);
  server.dataReceived(kexInit.subarray(line, line + 100));
  expect([server.getPacket(), server.said]).toEqual([null, []]);
});
