import { createCipheriv, createHmac } from "node:crypto";
import { KeyError, RuntimeError } from "@strombus/reactor/exceptions";
import { describe, expect, test } from "vitest";
import { SSHCiphers } from "./ciphers.js";

const KEY = Buffer.alloc(64, "key material of a test, ");
const IV = Buffer.alloc(64, "initial vector");

test("the constructor stores the four names, and nothing is keyed yet", () => {
  const ciphers = new SSHCiphers("A", "B", "C", "D");
  expect([ciphers.outCipType, ciphers.inCipType, ciphers.outMACType, ciphers.inMACType]).toEqual(["A", "B", "C", "D"]);
  expect([ciphers.encBlockSize, ciphers.decBlockSize, ciphers.verifyDigestSize]).toEqual([0, 0, 0]);
  expect([ciphers.outMAC, ciphers.inMAC]).toEqual([
    [null, "", "", 0],
    [null, "", "", 0],
  ]);
  expect(() => ciphers.encrypt(Buffer.alloc(8))).toThrow(RuntimeError);
});

test("a name that is in neither map is a KeyError", () => {
  const setKeys = (cipher: string, mac: string) => {
    new SSHCiphers(cipher, "none", mac, "none").setKeys(IV, KEY, IV, KEY, KEY, KEY);
  };
  for (const [cipher, mac] of [
    ["constructor", "none"],
    ["aes128-gcm@openssh.com", "none"],
    ["none", "hmac-none"],
  ] as const) {
    expect(() => setKeys(cipher, mac)).toThrow(KeyError);
  }
});

for (const [name, [algorithm, keyBytes, mode]] of SSHCiphers.cipherMap) {
  if (algorithm === null) continue;
  const blockSize = name.startsWith("3des") ? 8 : 16;

  describe(name, () => {
    test("has its block size, cuts key and initial vector, and runs on from packet to packet", () => {
      const ciphers = new SSHCiphers(name, name, "none", "none");
      ciphers.setKeys(IV, KEY, IV, KEY, KEY, KEY);
      expect([ciphers.encBlockSize, ciphers.decBlockSize]).toEqual([blockSize, blockSize]);
      const block = Buffer.alloc(blockSize, "b");
      const [first, second] = [ciphers.encrypt(block), ciphers.encrypt(block)];
      expect(second).not.toEqual(first);
      expect(ciphers.decrypt(first)).toEqual(block);
      expect(ciphers.decrypt(second)).toEqual(block);
      if (name === "3des-ctr") return; // OpenSSL has no such mode
      const plain = createCipheriv(`${algorithm}-${mode}`, KEY.subarray(0, keyBytes), IV.subarray(0, blockSize));
      expect(Buffer.concat([first, second])).toEqual(plain.setAutoPadding(false).update(Buffer.concat([block, block])));
    });
  });
}

test("3des-ctr encrypts a counter, which carries over its bytes", () => {
  const iv = Buffer.from("00000000ffffffff", "hex");
  const cipher = new SSHCiphers("3des-ctr", "none", "none", "none")._getCipher("3des-ctr", iv, KEY).encryptor();
  const ecb = createCipheriv("des-ede3-ecb", KEY.subarray(0, 24), null).setAutoPadding(false);
  const expected = ecb.update(Buffer.from("00000000ffffffff0000000100000000", "hex"));
  expect(Buffer.concat([cipher.update(Buffer.alloc(11)), cipher.update(Buffer.alloc(5))])).toEqual(expected);
});

test("the cipher none changes nothing and counts as 8 bytes a block", () => {
  const ciphers = new SSHCiphers("none", "none", "none", "none");
  ciphers.setKeys(IV, KEY, IV, KEY, KEY, KEY);
  expect([ciphers.encBlockSize, ciphers.decBlockSize]).toEqual([8, 8]);
  expect(ciphers.decrypt(ciphers.encrypt(Buffer.from("as it is")))).toEqual(Buffer.from("as it is"));
});

test("keys go to their directions in the order of the call", () => {
  const parts = ["oi", "ok", "ii", "ik", "om", "im"].map((text) => Buffer.alloc(64, text));
  const [outIV, outKey, inIV, inKey, outInteg, inInteg] = parts as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];
  const here = new SSHCiphers("aes128-ctr", "aes256-cbc", "hmac-sha1", "hmac-sha2-512");
  const there = new SSHCiphers("aes256-cbc", "aes128-ctr", "hmac-sha2-512", "hmac-sha1");
  here.setKeys(outIV, outKey, inIV, inKey, outInteg, inInteg);
  there.setKeys(inIV, inKey, outIV, outKey, inInteg, outInteg);
  const blocks = Buffer.alloc(32, "x");
  expect(there.decrypt(here.encrypt(blocks))).toEqual(blocks);
  expect(here.decrypt(there.encrypt(blocks))).toEqual(blocks);
  expect(there.verify(3, blocks, here.makeMAC(3, blocks))).toBe(true);
  expect(here.verify(3, blocks, there.makeMAC(3, blocks))).toBe(true);
  expect([here.verifyDigestSize, there.verifyDigestSize]).toEqual([64, 20]);
});

for (const [name, hash] of SSHCiphers.macMap) {
  test(`${name} has its parts and its digest`, () => {
    const parts = new SSHCiphers("none", "none", name, name)._getMAC(name, KEY);
    if (hash === null) {
      expect(parts).toEqual([null, "", "", 0]);
      return;
    }
    const digestSize = createHmac(hash, "").digest().length;
    const blockSize = digestSize > 32 ? 128 : 64;
    const padded = Buffer.concat([KEY.subarray(0, digestSize), Buffer.alloc(blockSize - digestSize)]);
    expect([...parts]).toEqual([
      hash,
      padded.map((byte) => byte ^ 0x36),
      padded.map((byte) => byte ^ 0x5c),
      digestSize,
    ]);
    expect(parts.key).toEqual(padded);
    const ciphers = new SSHCiphers("none", "none", name, name);
    ciphers.setKeys(IV, KEY, IV, KEY, KEY, KEY);
    expect(ciphers.verifyDigestSize).toBe(digestSize);
    const mac = ciphers.makeMAC(0xffff_ffff, Buffer.from("data"));
    expect(mac).toEqual(
      createHmac(hash, KEY.subarray(0, digestSize)).update("\xff\xff\xff\xffdata", "latin1").digest(),
    );
    expect(ciphers.verify(0xffff_ffff, Buffer.from("data"), mac)).toBe(true);
    expect(ciphers.verify(0, Buffer.from("data"), mac)).toBe(false);
    expect(ciphers.verify(0xffff_ffff, Buffer.from("data"), mac.subarray(1))).toBe(false);
  });
}

test("without a MAC only an empty one is right", () => {
  const ciphers = new SSHCiphers("none", "none", "none", "none");
  ciphers.setKeys(IV, KEY, IV, KEY, KEY, KEY);
  expect(ciphers.makeMAC(0, Buffer.from("data"))).toEqual(Buffer.alloc(0));
  expect(ciphers.verify(0, Buffer.from("data"), Buffer.alloc(0))).toBe(true);
  expect(ciphers.verify(0, Buffer.from("data"), Buffer.alloc(1))).toBe(false);
});

// RFC 2104, the appendix; the number of the packet is the text's first four bytes.
for (const [key, data, digest] of [
  [Buffer.alloc(16, 0x0b), Buffer.from("Hi There"), "9294727a3638bb1c13f48ef8158bfc9d"],
  [Buffer.from("Jefe"), Buffer.from("what do ya want for nothing?"), "750c783e6ab0b503eaa86e310a5db738"],
  [Buffer.alloc(16, 0xaa), Buffer.alloc(50, 0xdd), "56be34521d144c88dbb8c733f0e8b3f6"],
] as const) {
  test(`HMAC-MD5 of ${data.toString("latin1").slice(0, 10)} is that of RFC 2104`, () => {
    const ciphers = new SSHCiphers("none", "none", "hmac-md5", "none");
    ciphers.outMAC = ciphers._getMAC("hmac-md5", key);
    expect(ciphers.makeMAC(data.readUInt32BE(0), data.subarray(4)).toString("hex")).toBe(digest);
  });
}
