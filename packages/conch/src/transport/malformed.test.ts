import { capturedLogs } from "@strombus/reactor/logger";
import { FakeTransport } from "@strombus/reactor/testing";
import { Clock } from "@strombus/reactor/testing";
import { describe, expect, test } from "vitest";
import { Disconnect, ExtInfo, KexInit } from "../messages/transport.js";
import { Writer } from "../wire/writer.js";
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

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
const strings = (...values: (string | Buffer)[]): Buffer => {
  const out = new Writer();
  for (const value of values) out.string(value);
  return out.payload();
};

/** The reasons that were logged while `run` ran. */
function reasonsLogged(run: () => void): unknown[] {
  const ends = capturedLogs(run).filter(({ log_format }) => String(log_format).startsWith("disconnecting"));
  return ends.map(({ reason }) => reason);
}

/** A server that has sent what it sends at once, and the reason of the DISCONNECT that came after. */
function alone(): { readonly server: Server; readonly io: FakeTransport } {
  const server = new Server();
  server.clock = new Clock();
  const io = new FakeTransport(server, true);
  io.begin();
  io.getOutBuffer();
  return { server, io };
}

describe("input that is malformed before keys are on ends with a DISCONNECT of the right reason, and a log line:", () => {
  const version = Buffer.from("SSH-2.0-x\r\n");
  for (const [what, input, reason] of [
    ["another protocol", Buffer.from("GET / HTTP/1.0\r\n\r\n"), 2],
    ["a line before the version", Buffer.from("hello\r\nSSH-2.0-x\r\n"), 2],
    ["a NUL byte in the version", Buffer.from("SSH-2.0-a\0b\r\n"), 2],
    ["a version line of 256 bytes", Buffer.from(`SSH-2.0-${"x".repeat(246)}\r\n`), 2],
    ["a version of the protocol that is too old", Buffer.from("SSH-1.5-old\r\n"), 8],
    ["a version line without a version", Buffer.from("SSH-\r\n"), 8],
    ["a packet length of 4 GiB", Buffer.concat([version, hex("ffffffff 00000000")]), 2],
    ["a packet length of 0", Buffer.concat([version, hex("00000000 00000000")]), 2],
    ["a packet of no payload", Buffer.concat([version, hex("0000000c 0b 00000000 00000000 000000")]), 2],
    ["a padding longer than its packet", Buffer.concat([version, hex("0000000c ff 14000000 00000000 000000")]), 2],
    ["a padding of 3 bytes", Buffer.concat([version, hex("0000000c 03 02000000 00000000 000000")]), 2],
    ["a packet that is no multiple of 8", Buffer.concat([version, hex("0000000d 04 02000000 00000000 00000000")]), 2],
  ] as const) {
    test(what, () => {
      const { server, io } = alone();
      const reasons = reasonsLogged(() => io.bufferReceived(input));
      expect(server.said).toEqual([reason]);
      expect(reasons).toEqual([reason]);
      const sent = io.getOutBuffer(); // in the clear
      expect(Disconnect.decode(sent.subarray(6, sent.length - sent[4]!)).reason).toBe(reason);
      expect(io.disconnecting).toBe(true);
    });
  }

  const offer = (change: Partial<Parameters<typeof KexInit.encode>[0]> | null): Buffer => {
    const client = new Client();
    const full = {
      cookie: Buffer.alloc(16),
      keyExchanges: client.supportedKeyExchanges,
      hostKeys: ["ssh-ed25519"],
      ciphersToServer: client.supportedCiphers,
      ciphersToClient: client.supportedCiphers,
      macsToServer: client.supportedMACs,
      macsToClient: client.supportedMACs,
      compressionsToServer: ["none"],
      compressionsToClient: ["none"],
      languagesToServer: [],
      languagesToClient: [],
      firstKexPacketFollows: false,
      reserved: 0,
    };
    return KexInit.encode({ ...full, ...change });
  };
  const good = offer(null);
  const point = strings(Buffer.alloc(32, 9));

  for (const [what, packets, reason] of [
    ["a KEXINIT cut short", [[20, good.subarray(0, -1)]], 2],
    ["a KEXINIT with more behind it", [[20, Buffer.concat([good, Buffer.of(0)])]], 2],
    ["an empty name in a list", [[20, offer({ hostKeys: ["ssh-ed25519", "", "ssh-rsa"] })]], 2],
    ["a name with a blank", [[20, offer({ macsToClient: ["hmac sha2"] })]], 2],
    ["a name of 65 characters", [[20, offer({ ciphersToClient: ["x".repeat(65)] })]], 2],
    ["a list over 8 KiB", [[20, offer({ ciphersToClient: Array<string>(200).fill("y".repeat(60)) })]], 2],
    ["a marker alone as the key exchange", [[20, offer({ keyExchanges: ["ext-info-c"] })]], 3],
    ["no common cipher in one direction", [[20, offer({ ciphersToClient: ["rot13"] })]], 3],
    [
      "a second KEXINIT",
      [
        [20, good],
        [20, good],
      ],
      2,
    ],
    [
      "NEWKEYS out of turn",
      [
        [20, good],
        [21, Buffer.alloc(0)],
      ],
      2,
    ],
    ["a method's message before KEXINIT", [[30, point]], 2],
    [
      "a method's message of another method",
      [
        [20, good],
        [34, hex("00000400 00000800 00002000")],
      ],
      2,
    ],
    [
      "a value cut short",
      [
        [20, offer({ keyExchanges: ["curve25519-sha256"] })],
        [30, point.subarray(0, 20)],
      ],
      2,
    ],
    [
      "a value of the wrong length",
      [
        [20, offer({ keyExchanges: ["curve25519-sha256"] })],
        [30, strings("short")],
      ],
      3,
    ],
    [
      "a value of small order",
      [
        [20, offer({ keyExchanges: ["curve25519-sha256"] })],
        [30, strings(Buffer.alloc(32))],
      ],
      3,
    ],
    [
      "a service request",
      [
        [20, good],
        [5, strings("ssh-userauth")],
      ],
      2,
    ],
    ["a login", [[50, strings("user", "ssh-connection", "none")]], 2],
    ["a global request", [[80, strings("x")]], 2],
    ["an IGNORE cut short", [[2, hex("00000005 61")]], 2],
    ["a DEBUG cut short", [[4, hex("01")]], 2],
    ["an UNIMPLEMENTED of five bytes", [[3, Buffer.alloc(5)]], 2],
    ["a DISCONNECT cut short", [[1, hex("0000")]], 2],
    ["EXT_INFO before keys", [[7, hex("00000000")]], 2],
  ] as [string, [number, Buffer][], number][]) {
    test(what, () => {
      const { server, io } = alone();
      const client = new Client();
      client.clock = new Clock();
      client.kexInitMoment = "kexInitReceived";
      client.makeConnection(new FakeTransport(client, false));
      const out = client.transport as FakeTransport;
      for (const [number, body] of packets) client.force(number, body);
      const reasons = reasonsLogged(() => io.bufferReceived(out.getOutBuffer()));
      expect(server.said).toEqual([reason]);
      expect(reasons).toEqual([reason]);
      expect(io.disconnecting).toBe(true);
    });
  }
});

type Stage = "secured" | "userauth" | "loggedIn" | "rekey";

const at: Record<Stage, () => Promise<Pair>> = {
  secured: () => securePair(),
  async userauth() {
    const made = await securePair();
    made.client.requestService(new Recorder("ssh-userauth"));
    made.pump.flush();
    return made;
  },
  loggedIn: () => loggedInPair(),
  async rekey() {
    const made = await loggedInPair();
    made.client.sendKexInit();
    return made;
  },
};

describe("input that is malformed under keys ends with a DISCONNECT of the right reason, and a log line:", () => {
  for (const [stage, what, number, body, reason] of [
    ["secured", "SERVICE_REQUEST cut short", 5, hex("0000000c 7373"), 2],
    ["secured", "SERVICE_REQUEST with more behind it", 5, Buffer.concat([strings("ssh-userauth"), Buffer.of(0)]), 2],
    ["secured", "a service that nobody runs", 5, strings("ssh-nothing"), 7],
    ["secured", "EXT_INFO with a count that lies", 7, hex("ffffffff"), 2],
    ["secured", "a login before its service", 50, strings("user"), 2],
    ["secured", "NEWKEYS", 21, Buffer.alloc(0), 2],
    ["userauth", "a channel", 90, strings("session"), 2],
    ["userauth", "SUCCESS from a client", 52, Buffer.alloc(0), 2],
    ["userauth", "FAILURE from a client", 51, strings(""), 2],
    ["userauth", "a ping", 192, strings(""), 2],
    ["loggedIn", "a ping cut short", 192, hex("000000ff"), 2],
    ["loggedIn", "SERVICE_ACCEPT from a client", 6, strings("ssh-connection"), 2],
    ["loggedIn", "a method's message without a KEXINIT", 30, strings(Buffer.alloc(32, 9)), 2],
    ["loggedIn", "NEWKEYS", 21, Buffer.alloc(0), 2],
    ["loggedIn", "KEXINIT cut short", 20, Buffer.alloc(20), 2],
    ["rekey", "channel data", 94, strings(""), 2],
    ["rekey", "a second KEXINIT", 20, Buffer.alloc(60), 2],
    ["rekey", "a service request", 5, strings("ssh-connection"), 2],
  ] as [Stage, string, number, Buffer, number][]) {
    test(`${stage}: ${what}`, async () => {
      const made = await at[stage]();
      made.client.force(number, body);
      const reasons = reasonsLogged(() => void made.pump.flush());
      expect(made.server.said).toEqual([reason]);
      expect(made.client.ended.map(([code]) => code)).toEqual([reason]);
      expect(reasons).toEqual([reason]);
    });
  }

  test("EXT_INFO with 65 extensions", async () => {
    const extensions = Array.from({ length: 65 }, (_, n) => ({ name: `x${n}`, value: "" }));
    const made = pair((c) => {
      c.rewrite((number, body) => [[number, number === 7 ? ExtInfo.encode({ extensions }) : body]]);
    });
    await settle(made);
    expect(made.client.ended).toEqual([[2, "EXT_INFO with 65 entries"]]);
  });

  test("a packet that was changed on its way", async () => {
    const made = await loggedInPair();
    made.client.sendPacket(80, "hello");
    const packet = made.clientIO.getOutBuffer();
    packet[packet.length - 1]! ^= 1;
    const reasons = reasonsLogged(() => made.serverIO.bufferReceived(packet));
    expect([made.server.said, reasons, made.there.got]).toEqual([[5], [5], []]);
  });

  test("SERVICE_ACCEPT for another service, from a server", async () => {
    const made = await securePair();
    made.server.sendPacket(6, strings("ssh-other"));
    made.pump.flush();
    expect(made.server.ended).toEqual([[2, "received accept for service we did not request"]]);
  });

  test("what a handler of ours throws says nothing to the peer, and all to the log", async () => {
    const made = await loggedInPair();
    made.there.packetReceived = () => {
      throw new TypeError("our fault");
    };
    made.client.sendPacket(80, "");
    const events = capturedLogs(() => void made.pump.flush());
    expect(made.client.ended).toEqual([[11, "internal error"]]);
    expect(events.some(({ log_failure }) => String(log_failure).includes("our fault"))).toBe(true);
  });
});

describe("a server that closes without a word", () => {
  test("sends no DISCONNECT for malformed input, and logs", async () => {
    const made = await loggedInPair();
    made.server.disconnectOnError = false;
    made.client.force(6, Buffer.alloc(0));
    const events = capturedLogs(() => void made.pump.flush());
    expect(made.client.ended).toEqual([]);
    expect(made.serverIO.disconnecting).toBe(true);
    expect(events.map(({ log_format }) => log_format)).toContain(
      "closing without a word, code {reason}, reason: {desc}",
    );
  });

  test("still tells why it ends for another reason", async () => {
    const made = await loggedInPair();
    made.server.disconnectOnError = false;
    made.server.loseConnection();
    made.pump.flush();
    expect(made.client.ended).toEqual([[10, "user closed connection"]]);
  });
});
