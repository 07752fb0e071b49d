import { describe, expect, test } from "vitest";
import { DEFAULT_USER_KEY_ALGORITHMS } from "../ssh/userauth.js";
import { ed25519, NS, rsa, rsaBlob } from "./fixtures.test.support.js";
import { keyFlaw } from "./key-rules.js";

const SK_ED25519 = "sk-ssh-ed25519@openssh.com";
const SK_ECDSA = "sk-ecdsa-sha2-nistp256@openssh.com";
const allowed = [...DEFAULT_USER_KEY_ALGORITHMS, SK_ED25519, SK_ECDSA];

const point = (bytes: number, first = 4) => Buffer.concat([Buffer.of(first), Buffer.alloc(2 * bytes, 1)]);
const bits = (count: number) => (1n << BigInt(count - 1)) | 1n;
const zero = Buffer.alloc(32);

describe("a sound key passes", () => {
  for (const [algorithm, blob] of [
    ["ssh-ed25519", ed25519().blob],
    ["rsa-sha2-512", rsa(2048).blob],
    ["rsa-sha2-256", rsaBlob(bits(2048), 65537n)],
    ["rsa-sha2-256", rsaBlob(bits(16384), 3n)],
    ["ecdsa-sha2-nistp256", NS("ecdsa-sha2-nistp256", "nistp256", point(32))],
    ["ecdsa-sha2-nistp384", NS("ecdsa-sha2-nistp384", "nistp384", point(48))],
    ["ecdsa-sha2-nistp521", NS("ecdsa-sha2-nistp521", "nistp521", point(66))],
    [SK_ED25519, NS(SK_ED25519, Buffer.alloc(32, 7), "ssh:")],
    [SK_ECDSA, NS(SK_ECDSA, "nistp256", point(32), "ssh:")],
  ] as const) {
    test(`${algorithm}, ${blob.length} bytes`, () => {
      expect(keyFlaw(algorithm, blob, null, allowed)).toBeNull();
      expect(keyFlaw(algorithm, blob, NS(algorithm, "signature"), allowed)).toBeNull();
    });
  }
});

describe("A7, A8: refused before a checker sees it", () => {
  const sound = ed25519().blob;
  const modulus = rsa(2048);
  for (const [what, algorithm, blob, signature] of [
    ["SHA-1", "ssh-rsa", modulus.blob, null],
    ["DSA", "ssh-dss", NS("ssh-dss"), null],
    ["a certificate", "ssh-ed25519-cert-v01@openssh.com", NS("ssh-ed25519-cert-v01@openssh.com"), null],
    ["a name that every object has", "constructor", sound, null],
    ["an algorithm of another type", "rsa-sha2-256", sound, null],
    ["a signature of another name", "ssh-ed25519", sound, NS("ssh-rsa", "x")],
    ["an RSA signature by SHA-1", "rsa-sha2-256", modulus.blob, NS("ssh-rsa", "x")],
    ["an RSA signature by the other SHA-2", "rsa-sha2-256", modulus.blob, NS("rsa-sha2-512", "x")],
    ["a cut signature", "ssh-ed25519", sound, Buffer.of(0, 0, 0, 99)],
    ["no type", "ssh-ed25519", Buffer.alloc(0), null],
    ["a tail", "ssh-ed25519", Buffer.concat([sound, Buffer.of(0)]), null],
    ["a short point", "ssh-ed25519", NS("ssh-ed25519", Buffer.alloc(31, 1)), null],
    ["RSA of 2,047 bits", "rsa-sha2-256", rsaBlob(bits(2047), 65537n), null],
    [
      "RSA of 1,024 bits behind zeros",
      "rsa-sha2-256",
      NS("ssh-rsa", Buffer.of(3), Buffer.concat([Buffer.alloc(129), Buffer.alloc(128, 0x7f)])),
      null,
    ],
    ["RSA of 16,385 bits", "rsa-sha2-256", rsaBlob(bits(16385), 65537n), null],
    ["an even exponent", "rsa-sha2-256", rsaBlob(bits(2048), 65536n), null],
    ["an exponent of 1", "rsa-sha2-256", rsaBlob(bits(2048), 1n), null],
    ["an exponent of 0", "rsa-sha2-256", NS("ssh-rsa", "", Buffer.alloc(256, 1)), null],
    ["an exponent as long as the modulus", "rsa-sha2-256", rsaBlob(bits(2048), bits(2048)), null],
    ["a negative modulus", "rsa-sha2-256", NS("ssh-rsa", Buffer.of(3), Buffer.alloc(256, 0xff)), null],
    ["another curve inside", "ecdsa-sha2-nistp256", NS("ecdsa-sha2-nistp256", "nistp384", point(48)), null],
    ["a compressed point", "ecdsa-sha2-nistp256", NS("ecdsa-sha2-nistp256", "nistp256", point(32, 2)), null],
    ["a point of another length", "ecdsa-sha2-nistp521", NS("ecdsa-sha2-nistp521", "nistp521", point(65)), null],
    ["a security key without application", SK_ED25519, NS(SK_ED25519, Buffer.alloc(32, 7)), null],
    ["a security key of small order", SK_ED25519, NS(SK_ED25519, zero, "ssh:"), null],
  ] as const) {
    test(what, () => {
      expect(keyFlaw(algorithm, blob, signature, allowed)).toEqual(expect.any(String));
    });
  }

  for (const y of [
    "00".repeat(32),
    `01${"00".repeat(31)}`,
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    `ec${"ff".repeat(30)}7f`,
    `ed${"ff".repeat(30)}7f`,
    `ee${"ff".repeat(30)}7f`,
  ]) {
    test(`Ed25519 of small order, ${y.slice(0, 8)}..., with either sign`, () => {
      for (const sign of [0, 0x80]) {
        const bytes = Buffer.from(y, "hex");
        bytes[31]! |= sign;
        expect(keyFlaw("ssh-ed25519", NS("ssh-ed25519", bytes), null, allowed)).toMatch(/small order/);
      }
    });
  }
});

test("A8: by default there is neither SHA-1 nor DSA on the list", () => {
  expect(DEFAULT_USER_KEY_ALGORITHMS).not.toContain("ssh-rsa");
  expect(DEFAULT_USER_KEY_ALGORITHMS).not.toContain("ssh-dss");
});
