/** Signatures of every type of key, and what is none. */
import { createHash, generateKeyPairSync, sign as nodeSign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { RuntimeError } from "@strombus/reactor/exceptions";
import { BadSignatureAlgorithmError, Key } from "../ssh/keys.js";
import { type BytesLike } from "../wire/writer.js";
import { RSA, DSA, P256, ED25519, KEYS, SK_ED25519, SK_ECDSA, strings, secret } from "./keys.test.fixtures.js";

describe("signatures", () => {
  const DATA = Buffer.from("some data");
  for (const key of KEYS) {
    for (const algorithm of key.supportedSignatureAlgorithms()) {
      test(`${algorithm}: signed by the private half, verified by both`, () => {
        const signature = key.sign(DATA, algorithm);
        expect(signature.subarray(0, 4 + algorithm.length)).toEqual(strings(algorithm));
        for (const half of [key, key.public()]) {
          expect(half.verify(signature, DATA)).toBe(true);
          expect(half.verify(signature, "some data")).toBe(true);
          expect(half.verify(signature, "other data")).toBe(false);
          expect(half.verify(signature, DATA, [algorithm])).toBe(true);
          expect(half.verify(signature, DATA, ["another"])).toBe(false);
        }
        for (const other of KEYS) if (other !== key) expect(other.verify(signature, DATA)).toBe(false);
        for (let length = 0; length < signature.length; length++) {
          expect(key.verify(signature.subarray(0, length), DATA)).toBe(false);
        }
        expect(key.verify(Buffer.concat([signature, Buffer.of(0)]), DATA)).toBe(false);
        // Each byte of the short ones; of ML-DSA, which takes its time, some of either half.
        for (let at = 0; at < signature.length; at += signature.length > 1000 ? 61 : 1) {
          const changed = Buffer.from(signature);
          changed[at]! ^= 1;
          expect(key.verify(changed, DATA)).toBe(false);
        }
      });
    }

    test(`${key.sshType()}: the default is the name of the type; algorithms of others are refused`, () => {
      expect(key.sign(DATA).subarray(0, 4 + key.sshType().length)).toEqual(strings(key.sshType()));
      expect(() => key.sign(DATA, "unknown")).toThrow(BadSignatureAlgorithmError);
      expect(() => key.public().sign(DATA)).toThrow(RuntimeError);
      expect(key.verify("bad signature", DATA)).toBe(false);
      expect(key.verify("", DATA)).toBe(false);
    });
  }

  test("40 bytes are r and s of DSA, and nothing to other keys", () => {
    const signature = DSA.sign(DATA).subarray(-40);
    expect(DSA.verify(signature, DATA)).toBe(true);
    expect(DSA.verify(signature, "other")).toBe(false);
    expect(DSA.verify(signature, DATA, [])).toBe(false);
    expect(RSA.verify(signature, DATA)).toBe(false);
  });

  // RFC 8032 section 7.1: seed, public key, message, signature
  for (const [name, k, a, message, value] of [
    [
      "1",
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
      "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
      "2",
      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
      "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
      "3",
      "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
      "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
    [
      "SHA(abc)",
      "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
      "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
      createHash("sha512").update("abc").digest("hex"),
      "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ],
  ] as const) {
    test(`test ${name} of RFC 8032 is signed and verified`, () => {
      const hex = (text: string) => Buffer.from(text, "hex");
      const signature = strings("ssh-ed25519", hex(value));
      const blob = strings("ssh-ed25519", hex(a), Buffer.concat([hex(k), hex(a)]));
      expect(Key.fromString(blob, "private_blob").sign(hex(message))).toEqual(signature);
      const half = Key.fromString(strings("ssh-ed25519", hex(a)));
      expect(half.verify(signature, hex(message))).toBe(true);
      expect(half.verify(signature, Buffer.concat([hex(message), Buffer.of(0)]))).toBe(false);
    });
  }

  test("an RSA value shorter than the modulus is no signature", () => {
    for (let round = 0; ; round++) {
      const value = RSA.sign(`data ${round}`, "rsa-sha2-256").subarray(-256);
      if (value[0] !== 0) continue;
      expect(RSA.verify(strings("rsa-sha2-256", value), `data ${round}`)).toBe(true);
      expect(RSA.verify(strings("rsa-sha2-256", value.subarray(1)), `data ${round}`)).toBe(false);
      break;
    }
  }, 120_000);

  test("r and s of ECDSA are shortest mpints between 0 and the order", () => {
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const value = P256.sign(DATA).subarray(strings("ecdsa-sha2-nistp256").length + 4);
    const r = value.subarray(4, 4 + value.readUInt32BE());
    const s = value.subarray(4 + r.length + 4);
    const verify = (...parts: (Buffer | bigint)[]): boolean =>
      P256.verify(strings("ecdsa-sha2-nistp256", strings(...parts)), DATA);
    expect(verify(r, s)).toBe(true);
    expect(verify(Buffer.concat([Buffer.of(0), r]), s)).toBe(false);
    expect(verify(r, Buffer.concat([Buffer.of(0), s]))).toBe(false);
    const number = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString("hex")}`);
    expect(verify(number(r), order - number(s))).toBe(true); // ECDSA has two s for each r
    expect(verify(number(r) + order, s)).toBe(false);
    expect(verify(r, number(s) + order)).toBe(false);
    for (const bad of [0n, -1n, order, order + 1n]) {
      expect(verify(bad, s)).toBe(false);
      expect(verify(r, bad)).toBe(false);
    }
    expect(verify(r, s, Buffer.alloc(0))).toBe(false);
  });

  test("a security key's signature covers application, flags and counter", () => {
    const signed = (application: string, flags: number, counter: number): Buffer => {
      const tail = Buffer.alloc(5);
      tail[0] = flags;
      tail.writeUInt32BE(counter, 1);
      const hash = (data: BytesLike): Buffer => createHash("sha256").update(data).digest();
      return Buffer.concat([hash(application), tail, hash(DATA)]);
    };
    const signature = (signer: Key, sshType: string, flags: number, counter: number, application = "ssh:"): Buffer => {
      const value = signer.sign(signed(application, flags, counter));
      const inner = value.subarray(4 + value.readUInt32BE());
      const tail = Buffer.alloc(5);
      tail[0] = flags;
      tail.writeUInt32BE(counter, 1);
      return Buffer.concat([strings(sshType), inner, tail]);
    };
    for (const [blob, signer] of [
      [SK_ED25519, ED25519],
      [SK_ECDSA, P256],
    ] as const) {
      const key = Key.fromString(blob);
      const sshType = key.sshType();
      const good = signature(signer, sshType, 0x05, 7);
      expect(key.verify(good, DATA)).toBe(true);
      expect(key.verifySecurityKey(good, DATA)).toEqual({ userPresent: true, userVerified: true, counter: 7 });
      expect(key.verify(good, "other")).toBe(false);
      expect(key.verifySecurityKey(good, "other")).toBe(null);
      expect(key.verify(signature(signer, sshType, 0x01, 7, "other:"), DATA)).toBe(false);
      const untouched = signature(signer, sshType, 0x00, 8);
      expect(key.verify(untouched, DATA)).toBe(false);
      expect(key.verifySecurityKey(untouched, DATA)).toEqual({ userPresent: false, userVerified: false, counter: 8 });
      const lied = Buffer.from(untouched);
      lied[lied.length - 5] = 1;
      expect(key.verify(lied, DATA)).toBe(false);
      expect(key.verify(Buffer.concat([good, Buffer.of(0)]), DATA)).toBe(false);
      expect(key.verify(good.subarray(0, -5), DATA)).toBe(false);
      expect(key.verify(signer.sign(DATA), DATA)).toBe(false);
    }
    const without = Key.fromString(strings("sk-ssh-ed25519@openssh.com", secret(ED25519).a));
    expect(without.verify(signature(ED25519, "sk-ssh-ed25519@openssh.com", 1, 1, ""), DATA)).toBe(false);
    expect(ED25519.verifySecurityKey(ED25519.sign(DATA), DATA)).toBe(null);
  });

  test("node's own signatures verify", () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
    const raw = nodeSign("sha384", DATA, { key: privateKey, dsaEncoding: "ieee-p1363" });
    const number = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString("hex")}`);
    const value = strings(number(raw.subarray(0, 48)), number(raw.subarray(48)));
    expect(new Key(privateKey).verify(strings("ecdsa-sha2-nistp384", value), DATA)).toBe(true);
  });
});
