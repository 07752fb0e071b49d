import { createCipheriv, createHmac, randomBytes } from "node:crypto";
import codec from "ssh2/lib/protocol/crypto.js";
import { describe, expect, test } from "vitest";
import { MACError } from "../error.js";
import { DEFAULT_CIPHERS, DEFAULT_MACS } from "../transport/algorithms.js";
import { ciphers, macs } from "./algorithms.js";
import { MAX_PACKET } from "./framed.js";
import { IncomingPackets, OutgoingPackets, type DirectionKeys } from "./packets.js";

const cbc = [...ciphers.values()].filter((cipher) => cipher.cbc);

function keysOf(cipherName: string, macName: string): DirectionKeys {
  const [cipher, mac] = [ciphers.get(cipherName)!, macs.get(macName)!];
  return {
    cipher,
    mac,
    key: Buffer.alloc(cipher.keyLength, "0123456789"),
    iv: Buffer.alloc(cipher.ivLength, "i"),
    macKey: Buffer.alloc(mac.keyLength, "m"),
  };
}

/** A packet under the keys of `keysOf`, its parts by choice. */
function sealed(keys: DirectionKeys, length: number, clear: Buffer): Buffer {
  const packet = Buffer.alloc(4 + clear.length);
  packet.writeUInt32BE(length, 0);
  packet.set(clear, 4);
  const cipher = createCipheriv(keys.cipher.info.sslName, keys.key, keys.iv).setAutoPadding(false);
  const hmac = createHmac(keys.mac!.info.sslName, keys.macKey).update(Buffer.alloc(4));
  if (!keys.mac!.etm) return Buffer.concat([cipher.update(packet), hmac.update(packet).digest()]);
  const out = Buffer.concat([packet.subarray(0, 4), cipher.update(clear)]);
  return Buffer.concat([out, hmac.update(out).digest()]);
}

test("no cipher in CBC mode and no SHA-1 is in a default list", () => {
  expect(cbc.map(({ name }) => name).sort()).toEqual(["3des-cbc", "aes128-cbc", "aes192-cbc", "aes256-cbc"]);
  expect(DEFAULT_CIPHERS.filter((name) => name.includes("cbc"))).toEqual([]);
  expect(DEFAULT_MACS.filter((name) => name.includes("sha1"))).toEqual([]);
});

for (const { name } of cbc) {
  for (const macName of ["hmac-sha1", "hmac-sha1-etm@openssh.com"]) {
    describe(`${name} with ${macName}`, () => {
      test("makes what ssh2 reads", () => {
        const keys = keysOf(name, macName);
        const wire: Buffer[] = [];
        const out = new OutgoingPackets({ writePacket: (chunk) => wire.push(chunk) });
        out.setKeys(keys, false);
        for (const size of [0, 1, 30, 30_000]) out.send(94, Buffer.alloc(size, "x"));
        const got: string[] = [];
        const fresh = keysOf(name, macName);
        const decipher = codec.createDecipher({
          inbound: {
            seqno: 0,
            onPayload: (payload: Buffer) => void got.push(payload.toString("latin1")),
            decipherInfo: codec.CIPHER_INFO[name],
            decipherKey: fresh.key,
            decipherIV: fresh.iv,
            macInfo: codec.MAC_INFO[macName],
            macKey: fresh.macKey,
          },
        });
        const stream = Buffer.concat(wire);
        decipher.decrypt(stream, 0, stream.length);
        expect(got).toEqual([0, 1, 30, 30_000].map((size) => `^${"x".repeat(size)}`));
      });

      // Whoever sees after how many bytes a connection ends must not learn what a block decrypts to.
      const block = ciphers.get(name)!.blockSize;
      const etm = macName.includes("etm");
      const body = Buffer.alloc(etm ? 4 * block : 4 * block - 4, 4);
      for (const [title, length, damage] of [
        ["an unaligned length", body.length + 1, false],
        ["a length of nothing", 0, false],
        ["a length that is too long", 0x7fff_ffff, false],
        ["a wrong MAC", body.length, true],
      ] as const) {
        test(`${title} is an error of the MAC, after as many bytes as the longest packet has`, () => {
          const packet = sealed(keysOf(name, macName), length, body);
          if (damage) packet[packet.length - 1]! ^= 1;
          const longest = 4 + MAX_PACKET + 20;
          for (const cut of [longest, 1000]) {
            const incoming = new IncomingPackets();
            incoming.setKeys(keysOf(name, macName), false);
            const stream = Buffer.concat([packet, randomBytes(longest)]).subarray(0, longest);
            for (let at = 0; at < longest - 1; at += cut) {
              incoming.feed(Buffer.from(stream.subarray(at, Math.min(at + cut, longest - 1))));
              expect(incoming.next()).toBeNull();
            }
            incoming.feed(Buffer.from(stream.subarray(longest - 1)));
            expect(() => incoming.next()).toThrow(MACError);
          }
        });
      }
    });
  }
}
