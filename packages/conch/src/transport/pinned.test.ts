/** What Twisted's own tests pin about the transport, as far as the rules for security leave it. */
import { RuntimeError } from "@strombus/reactor/exceptions";
import { Clock, FakeTransport } from "@strombus/reactor/testing";
import { describe, expect, test } from "vitest";
import { GroupExchange } from "../kex/group-exchange.js";
import { KexInit } from "../messages/transport.js";
import { getMP, getNS, MP, NS } from "../ssh/common.js";
import {
  Client,
  loggedInPair,
  pair,
  Recorder,
  securePair,
  Server,
  settle,
  type Pair,
} from "./fixtures.test.support.js";
import { RSA } from "../keys/rsa.test.support.js";

/** A transport right after connecting, on which handlers are called by hand. */
function fresh(): { readonly server: Server; readonly io: FakeTransport; readonly sent: () => string[] } {
  const server = new Server();
  server.clock = new Clock();
  const io = new FakeTransport(server, true);
  io.begin();
  io.getOutBuffer();
  const sent = (): string[] => payloads(io.getOutBuffer());
  return { server, io, sent };
}

/** The payloads of clear packets, in hex. */
function payloads(wire: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; at < wire.length; at += 4 + wire.readUInt32BE(at)) {
    found.push(wire.toString("hex", at + 5, at + 4 + wire.readUInt32BE(at) - wire[at + 4]!));
  }
  return found;
}

const text = (value: string): string => Buffer.from(value).toString("hex");

describe("on the wire", () => {
  test("the version line comes first, and its software part is printable without blank or hyphen", () => {
    const server = new Server();
    server.clock = new Clock();
    const io = new FakeTransport(server, true);
    io.begin();
    expect(io.getOutBuffer().toString("latin1")).toMatch(/^SSH-2\.0-[!-,.-~]+\r\n/);
  });

  test("a clear packet is its length, that of its padding, the payload, and padding to a multiple of 8", () => {
    const { server, io } = fresh();
    server.sendIgnore("");
    const packet = io.getOutBuffer();
    expect(packet.subarray(0, 10).toString("hex")).toBe("0000000c 06 02 00000000".replaceAll(" ", ""));
    expect(packet).toHaveLength(16);
  });

  test("KEXINIT holds our lists, the markers behind the key exchanges, and ends in five bytes of 0", () => {
    for (const side of [new Server(), new Client()]) {
      side.clock = new Clock();
      side.supportedLanguages = ["en"];
      side.makeConnection(new FakeTransport(side, !side.isClient));
      const payload = side.ourKexInitPayload!;
      const offer = KexInit.decode(payload.subarray(1));
      expect(payload[0]).toBe(20);
      expect(payload.subarray(-5)).toEqual(Buffer.alloc(5));
      const markers = side.isClient
        ? ["ext-info-c", "kex-strict-c-v00@openssh.com"]
        : ["ext-info-s", "kex-strict-s-v00@openssh.com"];
      expect(offer.keyExchanges).toEqual([...side.supportedKeyExchanges, ...markers]);
      expect(offer.hostKeys).toEqual([...side.supportedPublicKeys]);
      expect([offer.ciphersToServer, offer.ciphersToClient]).toEqual([side.supportedCiphers, side.supportedCiphers]);
      expect([offer.macsToServer, offer.macsToClient]).toEqual([side.supportedMACs, side.supportedMACs]);
      expect([offer.compressionsToServer, offer.compressionsToClient]).toEqual([["none"], ["none"]]);
      expect([offer.languagesToServer, offer.languagesToClient]).toEqual([["en"], ["en"]]);
    }
  });

  test("the small messages have these forms", () => {
    const { server, sent } = fresh();
    server.sendDebug("test", true, "en");
    server.sendDebug("test");
    server.sendIgnore("test");
    server.sendUnimplemented();
    server.sendDisconnect(255, "test");
    expect(sent()).toEqual([
      `040100000004${text("test")}00000002${text("en")}`,
      `040000000004${text("test")}00000000`,
      `0200000004${text("test")}`,
      "0300000000",
      `01000000ff00000004${text("test")}00000000`,
    ]);
  });

  test("EXT_INFO is a count, then names and values; nothing is sent to who did not ask", async () => {
    const { server, sent } = fresh();
    server.sendExtInfo([["name", "value"]]);
    expect(sent()).toEqual([]);
    const made = await securePair();
    const seen: string[] = [];
    made.server.packetTap = (_direction, number, payload) => void seen.push(`${number} ${payload.toString("hex")}`);
    made.server.sendExtInfo([["a", "b"]]);
    expect(seen).toEqual(["7 00000001" + `00000001${text("a")}00000001${text("b")}`]);
  });
});

describe("handlers", () => {
  test("of DISCONNECT take one without a language, tell of it and close", () => {
    const { server, io } = fresh();
    server.dispatchMessage(1, Buffer.from(`0000000100000004${text("test")}`, "hex"));
    expect(server.ended).toEqual([[1, "test"]]);
    expect(io.disconnecting).toBe(true);
  });

  test("of DEBUG and UNIMPLEMENTED pass on what they hold", () => {
    const { server } = fresh();
    const got: unknown[] = [];
    server.receiveDebug = (...debug) => void got.push(debug);
    server.receiveUnimplemented = (number) => void got.push(number);
    for (const flag of ["01", "00"]) {
      server.dispatchMessage(4, Buffer.from(`${flag}00000004${text("test")}00000002${text("en")}`, "hex"));
    }
    server.dispatchMessage(3, Buffer.from("000000ff", "hex"));
    expect(got).toEqual([[true, "test", "en"], [false, "test", "en"], 255]);
  });

  test("that are missing answer UNIMPLEMENTED: of numbers that are known or not, and where no service runs", () => {
    const { server, sent } = fresh();
    server.dispatchMessage(40, Buffer.alloc(0));
    server.dispatchMessage(6, Buffer.alloc(0)); // a server has none
    server.dispatchMessage(80, Buffer.alloc(0));
    expect(sent()).toEqual(["0300000000", "0300000000", "0300000000"]);
  });

  test("of a service get messages from 50 on, and it starts and stops with the transport", () => {
    const { server } = fresh();
    const [one, two] = [new Recorder("one"), new Recorder("two")];
    server.setService(one);
    expect([server.service, one.transport]).toEqual([one, server]);
    server.dispatchMessage(0xff, Buffer.from("test"));
    server.setService(two);
    server.connectionLost();
    expect([one.events, two.events]).toEqual([
      ["started", "stopped"],
      ["started", "stopped"],
    ]);
    expect(one.got).toEqual([[0xff, "test"]]);
  });

  test("of KEXINIT give back the peer's key exchanges and host keys, and what stands behind the lists", async () => {
    const given: unknown[] = [];
    const made = pair((_c, s) => {
      const handle = s.ssh_KEXINIT.bind(s);
      s.ssh_KEXINIT = (packet) => {
        const lists = handle(packet);
        given.push(lists);
        return lists;
      };
    });
    await settle(made);
    expect(given).toHaveLength(1);
    const [kexAlgs, keyAlgs, rest] = given[0] as [string[], string[], Buffer];
    expect(kexAlgs.slice(0, made.client.supportedKeyExchanges.length)).toEqual([...made.client.supportedKeyExchanges]);
    expect(keyAlgs).toEqual([...made.client.supportedPublicKeys]);
    expect(rest).toEqual(Buffer.alloc(5));
  });
});

describe("the version exchange", () => {
  test("tells of a version that is not listed, by code 8 and the hook, and takes one that is", () => {
    const asked: string[] = [];
    const { server, io } = fresh();
    const handle = server._unsupportedVersionReceived.bind(server);
    server._unsupportedVersionReceived = (version) => {
      asked.push(version);
      handle(version);
    };
    io.bufferReceived(Buffer.from("SSH-9.99-x\r\n"));
    expect([asked, server.said, server.gotVersion]).toEqual([["9.99"], [8], true]);
    const other = fresh();
    other.server.supportedVersions = ["9.99"];
    other.io.bufferReceived(Buffer.from("SSH-9.99-x\n"));
    expect([other.server.said, other.server.otherVersionString]).toEqual([[], "SSH-9.99-x"]);
  });

  test("takes text before a server's version, cut as it may be, up to 4096 bytes and not one more", () => {
    const client = new Client();
    client.clock = new Clock();
    client.makeConnection(new FakeTransport(client, false));
    for (const byte of Buffer.from("here be dragons\nSSH-1.99-x \r\n")) client.dataReceived(Buffer.of(byte));
    expect([client.otherVersionString, client.said]).toEqual(["SSH-1.99-x ", []]);
    const flooded = new Client();
    flooded.clock = new Clock();
    flooded.makeConnection(new FakeTransport(flooded, false));
    flooded.dataReceived(Buffer.alloc(4096, "x"));
    expect(flooded.said).toEqual([]);
    flooded.dataReceived(Buffer.from("x"));
    expect(flooded.said[0]?.[0]).toBe(10);
    expect(flooded.said[0]?.[1]).toContain("Preventing a denial of service attack");
  });
});

describe("a key exchange", () => {
  const outgoing = (made: Pair): number[] => {
    const sent: number[] = [];
    made.server.packetTap = (direction, number) => {
      if (direction === "out") sent.push(number);
    };
    return sent;
  };

  test("is begun once: a KEXINIT that comes when idle gets one back, and sendKexInit twice is an error", async () => {
    const made = await loggedInPair();
    const sent = outgoing(made);
    made.client.sendKexInit();
    made.pump.flush();
    expect(sent.filter((number) => number === 20)).toEqual([20]);
    made.server.sendKexInit();
    expect(() => made.server.sendKexInit()).toThrow(RuntimeError);
  });

  test("that was begun on connecting gets no second KEXINIT for the peer's", async () => {
    const sent: number[] = [];
    const made = pair((_c, s) => {
      s.packetTap = (direction, number) => {
        if (direction === "out") sent.push(number);
      };
    });
    await settle(made);
    expect(sent.filter((number) => number === 20)).toEqual([20]);
  });

  test("holds back SERVICE_REQUEST, KEXINIT and all from 50 on until its keys are there, then sends them in order", async () => {
    const made = await loggedInPair();
    made.server.sendKexInit();
    const sent = outgoing(made);
    for (const number of [5, 80, 20, 6]) made.server.sendPacket(number, "");
    made.server.sendIgnore("");
    expect(sent).toEqual([2]);
    const odd = new Set([5, 6, 20]);
    let exchanged = false;
    made.client.packetTap = (direction, number) => {
      exchanged ||= direction === "in" && number === 21;
      return exchanged && direction === "in" && odd.has(number) ? [] : undefined;
    };
    made.pump.flush();
    await settle(made);
    expect(sent).toEqual([2, 31, 21, 5, 80, 20, 6]);
  });

  const rsa = RSA;
  for (const [name, replyNumber, valueLength] of [
    ["curve25519-sha256", 31, 32],
    ["ecdh-sha2-nistp384", 31, 97],
    ["mlkem768x25519-sha256", 31, 1088 + 32],
    ["diffie-hellman-group14-sha256", 31, null],
    ["diffie-hellman-group-exchange-sha256", 33, null],
  ] as const) {
    test(`by ${name} is answered by host key, value and signature, and NEWKEYS behind`, async () => {
      const sent: [number, Buffer][] = [];
      await securePair((c, s, factory) => {
        c.supportedKeyExchanges = s.supportedKeyExchanges = [name];
        c.supportedPublicKeys = s.supportedPublicKeys = ["rsa-sha2-512"];
        factory.publicKeys = { "ssh-rsa": rsa.public() };
        factory.privateKeys = { "ssh-rsa": rsa };
        s.packetTap = (direction, number, payload) => {
          if (direction === "out" && number > 20) sent.push([number, payload]);
        };
      });
      const [reply, newKeys] = sent.slice(-2);
      const [blob, value, signature, rest] = getNS<3>(reply![1], 3);
      expect([reply![0], newKeys]).toEqual([replyNumber, [21, Buffer.alloc(0)]]);
      expect([blob, rest]).toEqual([rsa.blob(), Buffer.alloc(0)]);
      expect(String(getNS(signature)[0])).toBe("rsa-sha2-512");
      // A number is the shortest mpint.
      if (valueLength === null) expect(MP(getMP(NS(value))[0])).toEqual(NS(value));
      else expect(value).toHaveLength(valueLength);
    });
  }

  test("of a group asks for 2048 to 8192 bits, hashed as it travelled: in the older form by its one number", async () => {
    const requests: [number, string][] = [];
    const heard = (direction: string, number: number, payload: Buffer): undefined => {
      if (direction === "in" && (number === 30 || number === 34)) requests.push([number, payload.toString("hex")]);
    };
    for (const old of [false, true]) {
      const made = await securePair((c, s) => {
        c.supportedKeyExchanges = s.supportedKeyExchanges = ["diffie-hellman-group-exchange-sha256"];
        s.packetTap = heard;
        if (!old) return;
        c.rewrite((number, body) => [number === 34 ? [30, body.subarray(4, 8)] : [number, body]]);
        c.afterRequest = (exchange) => (exchange.group = new GroupExchange(Buffer.from("00000c00", "hex")));
      });
      expect([made.client.secure, made.client.sessionID]).toEqual([1, made.server.sessionID]);
    }
    expect(requests).toEqual([
      [34, "00000800" + "00000c00" + "00002000"],
      [30, "00000c00"],
    ]);
  });

  test("puts compression on each way where it was agreed upon, and nothing elsewhere", async () => {
    for (const [name, compressed] of [
      ["zlib", true],
      ["none", false],
    ] as const) {
      const made = pair((c, s) => {
        c.supportedCompressions = s.supportedCompressions = [name];
      });
      const each = () =>
        [made.client, made.server].flatMap((side) => [side.outgoingCompression, side.incomingCompression]);
      await settle(made);
      expect([new Server().outgoingCompression, new Client().incomingCompression]).toEqual([null, null]);
      expect(each().map((object) => object !== null)).toEqual(Array(4).fill(compressed));
      expect([made.client.outgoingCompressionType, made.server.incomingCompressionType]).toEqual([name, name]);
    }
  });

  test("takes the client's first common algorithm, on both sides", async () => {
    const made = await securePair((c, s) => {
      c.supportedKeyExchanges = ["curve25519-sha256@libssh.org", "curve25519-sha256"];
      s.supportedKeyExchanges = ["curve25519-sha256", "curve25519-sha256@libssh.org"];
      c.supportedCiphers = ["aes128-ctr", "aes256-ctr"];
      s.supportedCiphers = ["aes256-ctr", "aes128-ctr"];
    });
    for (const side of [made.client, made.server]) {
      expect([side.kexAlg, side.currentEncryptions.outCipType]).toEqual(["curve25519-sha256@libssh.org", "aes128-ctr"]);
    }
  });

  test("ends with code 3 on both sides where a category has nothing in common", async () => {
    for (const side of ["client", "server"] as const) {
      for (const list of [
        "supportedKeyExchanges",
        "supportedPublicKeys",
        "supportedCiphers",
        "supportedMACs",
        "supportedCompressions",
      ] as const) {
        const made = await securePair((c, s) => {
          c.supportedCiphers = s.supportedCiphers = ["aes256-ctr"]; // one that wants a MAC
          (side === "client" ? c : s)[list] = ["unheard-of"];
        });
        expect([made.client.said[0]?.[0], made.server.said[0]].includes(3)).toBe(true);
      }
    }
  });

  test("by a name that both list and nobody knows ends with code 3", async () => {
    const made = await securePair((c, s) => (c.supportedKeyExchanges = s.supportedKeyExchanges = ["unknown-kex"]));
    expect(made.server.said).toEqual([3]);
  });

  test("ends with code 2 when NEWKEYS holds data", async () => {
    const made = await securePair((c) => {
      c.rewrite((number, body) => [[number, number === 21 ? Buffer.from("x") : body]]);
    });
    expect(made.server.said).toEqual([2]);
  });
});

test("SERVICE_ACCEPT without a name is for the service that was asked for, and sends nothing", async () => {
  const made = await securePair();
  const service = new Recorder("ssh-userauth");
  made.client.requestService(service);
  made.pump.flush();
  const again = new Recorder("ssh-other");
  made.client.requestService(again);
  const before = made.client.outgoingPacketSequence;
  made.client.ssh_SERVICE_ACCEPT(Buffer.alloc(0));
  expect([again.events, made.client.outgoingPacketSequence]).toEqual([["started"], before]);
});

test("what is asked in another direction than in, out or both is a TypeError", () => {
  const { server } = fresh();
  expect([server.isEncrypted(), server.isVerified("in"), server.isEncrypted("both")]).toEqual([false, false, false]);
  expect(() => server.isEncrypted("sideways" as "in")).toThrow(TypeError);
});

test("two transports share nothing that one may change", () => {
  const [one, two] = [new Server(), new Server()];
  one.clock = two.clock = new Clock();
  expect(one.state).not.toBe(two.state);
  expect(one.peerExtensions).not.toBe(two.peerExtensions);
  one.supportedCiphers = ["aes128-ctr"];
  expect(two.supportedCiphers).not.toEqual(one.supportedCiphers);
});
