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
        for (let at = 0; at < signature.length; at++) {
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

  test("the signatures of RFC 8032 verify", () => {
    const key = Key.fromString(
      strings("ssh-ed25519", Buffer.from("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "hex")),
    );
    const signature = strings(
      "ssh-ed25519",
      Buffer.from(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        "hex",
      ),
    );
    expect(key.verify(signature, Buffer.of(0x72))).toBe(true);
    expect(key.verify(signature, Buffer.of(0x73))).toBe(false);
  });

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
