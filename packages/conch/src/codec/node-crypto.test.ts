import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { ciphers, macs } from "./algorithms.js";
import type { Cipher, Decipher, Keys } from "./cipher.js";
import { nodeCipher, nodeDecipher } from "./node-crypto.js";
import { createCipher, createDecipher, loadPoly1305 } from "./ssh2.js";
import { ssh2Cipher, ssh2Decipher } from "./ssh2.test.support.js";

const poly1305 = await loadPoly1305();

interface Suite extends Pick<Keys, "cipher" | "mac"> {
  readonly title: string;
}

/** Every cipher but those in CBC mode, which have another decipher, alone or with every MAC. */
const suites = [...ciphers.values()]
  .filter(({ cbc }) => !cbc)
  .flatMap(({ name, aead, info: cipher }): Suite[] =>
    aead
      ? [{ title: name, cipher, mac: null }]
      : [...macs.values()].map((mac) => ({ title: `${name} with ${mac.name}`, cipher, mac: mac.info })),
  );

function keysOf({ cipher, mac }: Suite, change: Partial<Keys> = {}): () => Keys {
  const [key, iv, macKey] = [randomBytes(cipher.keyLen), randomBytes(cipher.ivLen), randomBytes(mac?.len ?? 0)];
  const keys = { cipher, mac, key, iv, macKey, ...change };
  return () => ({ ...keys, key: Buffer.from(keys.key), iv: Buffer.from(keys.iv), macKey: Buffer.from(keys.macKey) });
}

/** A packet before it is sealed, in whole blocks whatever the cipher counts, with room for its tag. */
function packetOf(text: Buffer, { cipher, mac }: Suite, tagRoom: number): Buffer {
  const counted = cipher.authLen > 0 || mac?.isETM === true ? 0 : 4;
  const padding = 4 + ((16 - ((counted + 1 + text.length + 4) % 16)) % 16);
  const packet = Buffer.alloc(5 + text.length + padding + tagRoom, 7);
  packet.writeUInt32BE(1 + text.length + padding, 0);
  packet[4] = padding;
  packet.set(text, 5);
  return packet;
}

function ssh2Seals(suite: Suite, keys: Keys, sequence: number): (text: Buffer) => Buffer {
  let chunks: Buffer[] = [];
  const cipher = ssh2Cipher(keys, sequence, (chunk) => chunks.push(Buffer.from(chunk)));
  return (text) => {
    chunks = [];
    cipher.encrypt(packetOf(text, suite, 0));
    return Buffer.concat(chunks);
  };
}

function ssh2Opens(keys: Keys, sequence: number): (sealed: Buffer) => Buffer | null {
  let found: Buffer | null = null;
  const decipher = ssh2Decipher(keys, sequence, (payload) => (found = Buffer.from(payload)));
  return (sealed) => {
    decipher.decrypt(Buffer.from(sealed), 0, sealed.length);
    return found;
  };
}

function seals(suite: Suite, cipher: Cipher): (text: Buffer) => Buffer {
  return (text) => Buffer.from(cipher.encrypt(packetOf(text, suite, cipher.tagRoom)));
}

function opens(decipher: Decipher): (sealed: Buffer) => Buffer | null {
  return (sealed) => {
    const input = Buffer.from(sealed);
    decipher.decrypt(input, 0, input.length);
    return decipher.payload;
  };
}

const LAST = 2 ** 32 - 2; // packets: its number turns over on the way

for (const suite of suites) {
  describe(suite.title, () => {
    const texts = [0, 1, 15, 16, 100, 32_768].map((size) => randomBytes(size + 1));

    test("is what ssh2 makes of it, both ways, and what is made of it here by default", () => {
      const keys = keysOf(suite, suite.mac === null && suite.cipher.ivLen > 0 ? { iv: Buffer.alloc(12, 0xff) } : {});
      const ours = () => seals(suite, nodeCipher(keys(), LAST, poly1305));
      for (const [seal, open] of [
        [ours(), ssh2Opens(keys(), LAST)],
        [ssh2Seals(suite, keys(), LAST), opens(nodeDecipher(keys(), LAST, poly1305))],
        [ours(), opens(createDecipher(keys(), LAST))],
        [seals(suite, createCipher(keys(), LAST)), opens(nodeDecipher(keys(), LAST, poly1305))],
      ] as const) {
        expect(texts.map((text) => open(seal(text))?.toString("hex"))).toEqual(
          texts.map((text) => text.toString("hex")),
        );
      }
    });

    test("is refused where one bit of it is another", () => {
      const keys = keysOf(suite);
      const sealed = seals(suite, nodeCipher(keys(), 0, poly1305))(Buffer.from("text"));
      for (let at = 0; at < sealed.length * 8; at++) {
        const damaged = Buffer.from(sealed);
        damaged[at >> 3]! ^= 1 << (at & 7);
        let payload: Buffer | null = null;
        try {
          payload = opens(nodeDecipher(keys(), 0, poly1305))(Buffer.concat([damaged, Buffer.alloc(40_000)]));
        } catch {
          // as it must be
        }
        expect(payload).toBeNull();
      }
    });
  });
}

test("ChaCha20-Poly1305 is not begun before Poly1305 is there", () => {
  const suite = suites.find(({ title }) => title.startsWith("chacha20"))!;
  expect(() => nodeCipher(keysOf(suite)(), 0, null)).toThrow("Poly1305");
});
