import { randomBytes } from "node:crypto";
import codec from "ssh2/lib/protocol/crypto.js";
import { describe, expect, test } from "vitest";
import { MACError, ProtocolError } from "../error.js";
import { ciphers, macs, type CipherAlgorithm, type MacAlgorithm } from "./algorithms.js";
import { IncomingPackets, MAX_PAYLOAD, OutgoingPackets, type DirectionKeys } from "./packets.js";
import { nativeCiphers } from "./ssh2.js";
import { ssh2Cipher } from "./ssh2.test.support.js";

interface Suite {
  readonly title: string;
  readonly cipher: CipherAlgorithm;
  readonly mac: MacAlgorithm | null;
}

const suites: Suite[] = [...ciphers.values()].flatMap((cipher): Suite[] =>
  cipher.aead
    ? [{ title: cipher.name, cipher, mac: null }]
    : [...macs.values()].map((mac) => ({ title: `${cipher.name} with ${mac.name}`, cipher, mac })),
);

function freshKeys({ cipher, mac }: Suite): DirectionKeys {
  return {
    cipher,
    mac,
    key: randomBytes(cipher.keyLength),
    iv: randomBytes(cipher.ivLength),
    macKey: randomBytes(mac?.keyLength ?? 0),
  };
}

/** Keys are wiped once they are set: each side gets its own. */
function copyOf(keys: DirectionKeys): DirectionKeys {
  return { ...keys, key: Buffer.from(keys.key), iv: Buffer.from(keys.iv), macKey: Buffer.from(keys.macKey) };
}

function pair(suite: Suite): { out: OutgoingPackets; wire: Buffer[]; incoming: IncomingPackets } {
  const wire: Buffer[] = [];
  const out = new OutgoingPackets({ writePacket: (chunk) => wire.push(Buffer.from(chunk)) });
  const incoming = new IncomingPackets();
  const keys = freshKeys(suite);
  out.setKeys(copyOf(keys), false);
  incoming.setKeys(copyOf(keys), false);
  return { out, wire, incoming };
}

function hex(bytes: Buffer): string {
  return bytes.toString("hex");
}

function drain(incoming: IncomingPackets): Buffer[] {
  const payloads: Buffer[] = [];
  for (let payload = incoming.next(); payload !== null; payload = incoming.next()) payloads.push(Buffer.from(payload));
  return payloads;
}

for (const suite of suites) {
  describe(suite.title, () => {
    test("payloads of every size come out as they went in, whole and byte by byte", () => {
      for (const cut of [1, 7, 1 << 20]) {
        const { out, wire, incoming } = pair(suite);
        const sizes = [0, 1, 2, 10, 15, 16, 17, 31, 32, 100, 1000, cut === 1 ? 2000 : MAX_PAYLOAD - 1];
        const bodies = sizes.map((size) => randomBytes(size));
        for (const body of bodies) out.send(94, body);
        const stream = Buffer.concat(wire);
        const got: Buffer[] = [];
        for (let at = 0; at < stream.length; at += cut) {
          incoming.feed(Buffer.from(stream.subarray(at, at + cut)));
          got.push(...drain(incoming));
        }
        expect(got.map(hex)).toEqual(bodies.map((body) => `5e${hex(body)}`)); // text is compared at once, bytes one by one
        expect(incoming.sequence).toBe(bodies.length);
        expect(out.sequence).toBe(bodies.length);
      }
    });

    test("of what was borrowed a reader keeps what it wants to keep", () => {
      for (const [keepsNothing, cut] of [
        [false, 5000],
        [true, 5000],
        [false, 7],
        [true, 7],
      ] as const) {
        const { out, wire, incoming } = pair(suite);
        const bodies = Array.from({ length: 20 }, (_, at) => randomBytes(at * 400));
        for (const body of bodies) out.send(94, body);
        const stream = Buffer.concat(wire);
        const got: { hex: string; payload: Buffer; isLent: boolean }[] = [];
        for (let at = 0; at < stream.length; at += cut) {
          const memory = new Uint8Array(stream.subarray(at, at + cut));
          incoming.borrow(Buffer.from(memory.buffer));
          const reader = { keepsNothingOf: () => keepsNothing };
          for (let payload = incoming.next(reader); payload !== null; payload = incoming.next(reader)) {
            got.push({ hex: hex(payload), payload, isLent: payload.buffer === memory.buffer });
            if (got.length % 5 === 0) break; // as a transport that waits; the rest is copied
          }
          incoming.giveBack();
          const isLeft = (body: Buffer): boolean => body.length > 16 && Buffer.from(memory).includes(body);
          if (!keepsNothing && cut > 7) expect(bodies.some(isLeft)).toBe(false); // no body fits into 7 bytes
          memory.fill(0xdd);
        }
        for (let payload = incoming.next(); payload !== null; payload = incoming.next()) {
          got.push({ hex: hex(payload), payload, isLent: false });
        }
        expect(got.map((each) => each.hex)).toEqual(bodies.map((body) => `5e${hex(body)}`));
        if (!keepsNothing) expect(got.map(({ payload }) => hex(payload))).toEqual(got.map((each) => each.hex));
        if (!suite.cipher.cbc && cut > 7) expect(got.some(({ isLent }) => isLent)).toBe(keepsNothing);
      }
    });

    test("channel data is framed like any message", () => {
      const { out, wire, incoming } = pair(suite);
      out.sendChannelData(7, Buffer.from("hello"));
      incoming.feed(Buffer.concat(wire));
      expect(drain(incoming)).toEqual([
        Buffer.from("5e0000000700000005" + Buffer.from("hello").toString("hex"), "hex"),
      ]);
    });

    test("a changed byte anywhere is an error, and the last one", () => {
      const { out, wire } = pair(suite);
      out.send(94, Buffer.alloc(40));
      const length = Buffer.concat(wire).length;
      for (let at = 0; at < length; at++) {
        const damaged = pair(suite);
        damaged.out.send(94, Buffer.alloc(40));
        const stream = Buffer.concat(damaged.wire);
        stream[at]! ^= 1;
        damaged.incoming.feed(Buffer.concat([stream, Buffer.alloc(40_000)]));
        let error: unknown;
        try {
          drain(damaged.incoming);
        } catch (thrown) {
          error = thrown;
        }
        expect(error instanceof ProtocolError || error instanceof MACError).toBe(true);
        damaged.incoming.feed(Buffer.from(stream));
        expect(damaged.incoming.next()).toBeNull();
      }
    });

    test("what is freed seals nothing more", () => {
      const { out, wire } = pair(suite);
      out.free();
      out.send(94, Buffer.alloc(40));
      expect(wire).toEqual([]);
    });

    // A sealed packet with the padding of our choice, by ssh2's own codec.
    for (const [title, padding, payload] of [
      ["padding under 4", 3, 12],
      ["an empty payload", 15, 0],
      ["padding longer than the packet", 255, 4],
    ] as const) {
      test(`${title} closes`, () => {
        const keys = freshKeys(suite);
        const chunks: Buffer[] = [];
        const told = { ...copyOf(keys), cipher: suite.cipher.info, mac: suite.mac?.info ?? null };
        const cipher = ssh2Cipher(told, 0, (chunk) => chunks.push(Buffer.from(chunk)));
        const packet = cipher.allocPacket(payload);
        packet[4] = payload === 12 || padding === 255 ? padding : packet.readUInt32BE(0) - 1;
        cipher.encrypt(packet);
        const incoming = new IncomingPackets();
        incoming.setKeys(copyOf(keys), false);
        incoming.feed(Buffer.concat(chunks));
        expect(() => incoming.next()).toThrow(ProtocolError);
      });
    }
  });
}

describe("the clear packets before the first keys", () => {
  test("have whole blocks of 8 and random padding of 4 bytes or more", () => {
    const wire: Buffer[] = [];
    const out = new OutgoingPackets({ writePacket: (chunk) => wire.push(Buffer.from(chunk)) });
    out.send(20, Buffer.alloc(10));
    const packet = wire[0]!;
    expect(packet.length % 8).toBe(0);
    expect(packet.readUInt32BE(0)).toBe(packet.length - 4);
    expect(packet[4]).toBeGreaterThanOrEqual(4);
  });

  test("an overlong packet is refused before anything is awaited", () => {
    const incoming = new IncomingPackets();
    incoming.feed(Buffer.from("7fffffff", "hex"));
    expect(() => incoming.next()).toThrow(ProtocolError);
  });
});

test("a length that the cipher's blocks do not allow is refused before the packet has come", () => {
  const clear = new IncomingPackets();
  clear.feed(Buffer.from("0000000d", "hex")); // with its own four bytes it is 17
  expect(() => clear.next()).toThrow(ProtocolError);
  for (const suite of suites.filter(({ cipher, mac }) => cipher.name.includes("gcm") || (mac?.etm && !cipher.cbc))) {
    const { incoming } = pair(suite);
    incoming.feed(Buffer.from("00000011", "hex"));
    expect(() => incoming.next()).toThrow(ProtocolError);
  }
});

test("keys that change begin counting anew, and restart the numbers when strict", () => {
  const suite = suites[0]!;
  for (const strict of [false, true]) {
    const { out, wire, incoming } = pair(suite);
    out.send(2, Buffer.alloc(4));
    incoming.feed(Buffer.concat(wire.splice(0)));
    expect(drain(incoming)).toHaveLength(1);
    const keys = freshKeys(suite);
    out.setKeys(copyOf(keys), strict);
    incoming.setKeys(copyOf(keys), strict);
    expect([out.bytes, out.packets, incoming.bytes, incoming.packets]).toEqual([0, 0, 0, 0]);
    expect([out.sequence, incoming.sequence]).toEqual(strict ? [0, 0] : [1, 1]);
    out.send(2, Buffer.alloc(4));
    incoming.feed(Buffer.concat(wire));
    expect(drain(incoming)).toHaveLength(1);
  }
});

test("a payload that no peer need take is not sent", () => {
  const out = new OutgoingPackets({ writePacket: () => undefined });
  expect(() => out.send(94, Buffer.alloc(MAX_PAYLOAD + 1))).toThrow(RangeError);
});

// Holds our tables to ssh2's; a new version must be looked at.
test("ciphers and MACs are told of as ssh2's addon wants it", () => {
  if (!codec.bindingAvailable) expect(nativeCiphers()).toBe(false);
  for (const { name, info } of ciphers.values()) expect(codec.CIPHER_INFO[name]).toMatchObject(info);
  for (const { name, info } of macs.values()) {
    if (name !== "hmac-sha2-384") expect(codec.MAC_INFO[name]).toEqual(info); // that is Twisted's alone
  }
  expect(ciphers.size).toBe(10);
  expect(macs.size).toBe(7);
});
