/** What is no key is a BadKeyError. */
import { describe, expect, test } from "vitest";
import { BadKeyError, Key } from "../ssh/keys.js";
import { pack } from "../ssh/sexpy.js";
import { mpintBytes, type BytesLike } from "../wire/writer.js";
import { RSA, P256, ED25519, strings, numbers, point, secret, line } from "./keys.test.fixtures.js";

/** RSA's numbers but for n, which is p times q no more. */
function otherModulus(): Buffer {
  const { n, e, d, p, q } = numbers(RSA);
  return strings("ssh-rsa", n! + 2n, e!, d!, 1n, p!, q!);
}

describe("what is no key", () => {
  const cases: [string, BytesLike, string | null, string | null][] = [
    ["empty data", "", null, null],
    ["text that nothing starts like", "not a key", null, null],
    ["a blank space in front", ` ${RSA.public().toString("openssh").toString()}`, null, null],
    ["an unknown type", RSA.public().toString("openssh"), "bad_type", null],
    ["a type of Object's prototype", RSA.blob(), "constructor", null],
    ["a passphrase for a public LSH key", RSA.public().toString("lsh"), "public_lsh", "unused"],
    ["a passphrase for a private LSH key", RSA.toString("lsh"), "private_lsh", "unused"],
    ["a passphrase for a line", RSA.public().toString("openssh"), null, "unused"],
    ["an unknown PEM kind", RSA.toString("openssh").toString().replaceAll("RSA", "FOO"), null, null],
    ["a PEM kind that is not the key's", RSA.toString("openssh").toString().replaceAll("RSA", "EC"), null, null],
    ["BEGIN RSA KEY", RSA.toString("openssh").toString().replaceAll("RSA PRIVATE", "RSA"), null, null],
    [
      "an unknown kind of LSH key",
      `{${pack([["public-key", ["bad-key", ["p", "1"]]]]).toString("base64")}}`,
      null,
      null,
    ],
    ["an unknown kind of private LSH key", pack([["private-key", ["bad-key", ["p", "1"]]]]), null, null],
    ["an unknown blob", strings("ssh-bad", "12345"), null, null],
    ["an unknown private blob", strings("ssh-bad", "12345"), "private_blob", null],
    ["an unknown agentv3 blob", strings("ssh-bad", "1", "2", "3", "4", "5", "6"), "agentv3", null],
    ["a forged RSA blob", strings("ssh-rsa", 1n), null, null],
    ["a forged DSA blob", strings("ssh-dss", 1n), null, null],
    ["bad base64", "ssh-rsa not-base64!", null, null],
    ["a line of one word", "ssh-rsa", null, null],
    ["a line that names another type", line(ED25519.blob(), "ssh-rsa"), null, null],
    ["a certificate", line(strings("ssh-ed25519-cert-v01@openssh.com", "nonce", secret(ED25519).a)), null, null],
    ["an sk certificate", line(strings("sk-ssh-ed25519-cert-v01@openssh.com", "nonce")), null, null],
    ["an sk certificate's blob", strings("sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "nonce"), "blob", null],
    ["bytes behind a blob", Buffer.concat([ED25519.blob(), Buffer.of(0)]), null, null],
    ["a blob of another curve", strings("ecdsa-sha2-nistp384", "nistp256", point(P256)), null, null],
    [
      "a private blob of another curve",
      strings("ecdsa-sha2-nistp384", "nistp256", point(P256), 1n),
      "private_blob",
      null,
    ],
    ["a point off its curve", strings("ecdsa-sha2-nistp256", "nistp256", Buffer.alloc(65, 4)), null, null],
    ["a point of P-384 off its curve", strings("ecdsa-sha2-nistp384", "nistp384", Buffer.alloc(97, 4)), null, null],
    ["an even RSA exponent", strings("ssh-rsa", 4n, numbers(RSA)["n"]!), null, null],
    ["an RSA exponent of 1", strings("ssh-rsa", 1n, numbers(RSA)["n"]!), null, null],
    ["an RSA exponent above 64 bits", strings("ssh-rsa", (1n << 64n) + 1n, numbers(RSA)["n"]!), null, null],
    ["an RSA modulus above 16,384 bits", strings("ssh-rsa", 65537n, (1n << 16384n) + 1n), null, null],
    ["a negative RSA modulus", strings("ssh-rsa", 65537n, -numbers(RSA)["n"]!), null, null],
    [
      "an RSA modulus with a zero too many",
      strings("ssh-rsa", 65537n, Buffer.concat([Buffer.of(0), mpintBytes(numbers(RSA)["n"]!)])),
      null,
      null,
    ],
    ["an RSA key of another modulus", otherModulus(), "private_blob", null],
    ["a short Ed25519 key", strings("ssh-ed25519", Buffer.alloc(31, 1)), null, null],
    [
      "halves of two Ed25519 keys",
      strings("ssh-ed25519", secret(ED25519).a, Buffer.concat([Buffer.alloc(32, 1), secret(ED25519).a])),
      "private_blob",
      null,
    ],
    ["halves of two ECDSA keys", strings("ecdsa-sha2-nistp256", "nistp256", point(P256), 7n), "private_blob", null],
    [
      "an ECDSA key in PEM whose private number is a byte too long, at which Node 20 would abort",
      `-----BEGIN EC PRIVATE KEY-----
MHgCAQEEISCd3eWXuSi3/xX5Q1yT4F1S1gmuEPpVzLpI7/upDeL94qAKBggqhkjO
PQMBB6FEA0IABHxu6alVyE81lpce/Uv5oA8g/+pjniW8bBU6BToUsWIhQzGCki3e
NLbB1kVoZVLJYe+xejNnRjdfkziKW9hdfv8=
-----END EC PRIVATE KEY-----
`,
      null,
      null,
    ],
    ["more than 64 KiB", Buffer.concat([RSA.blob(), Buffer.alloc(65_536)]), null, null],
  ];
  for (const [what, data, type, passphrase] of cases) {
    test(`${what} is a BadKeyError`, () => expect(() => Key.fromString(data, type, passphrase)).toThrow(BadKeyError));
  }

  test("a security key's private file leads to its public one", () => {
    const fields = strings("sk-ssh-ed25519@openssh.com", secret(ED25519).a, "ssh:", Buffer.of(1), "handle", "");
    expect(() => Key.fromString(fields, "private_blob")).toThrow("the public half is in the .pub file");
  });

  const P = 2n ** 255n - 19n;
  const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;
  const power = (base: bigint, exponent: bigint): bigint => {
    let result = 1n;
    for (let square = base, left = exponent; left > 0n; left >>= 1n, square = (square * square) % P) {
      if (left & 1n) result = (result * square) % P;
    }
    return result;
  };
  const isOnCurve = (y: bigint): boolean => {
    const xx = ((y * y - 1n) * power(D * y * y + 1n, P - 2n)) % P;
    return power(((xx % P) + P) % P, (P - 1n) / 2n) <= 1n;
  };
  const SMALL = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  ];
  for (const hex of SMALL) {
    test(`an Ed25519 key of small order, ${hex.slice(0, 8)}, is a BadKeyError with either sign`, () => {
      const y = Buffer.from(hex, "hex");
      expect(isOnCurve(BigInt(`0x${Buffer.from(y).reverse().toString("hex")}`))).toBe(true);
      expect(() => Key.fromString(strings("ssh-ed25519", y))).toThrow(BadKeyError);
      y[31]! |= 0x80;
      expect(() => Key.fromString(strings("ssh-ed25519", y))).toThrow(BadKeyError);
      expect(() => Key.fromString(strings("sk-ssh-ed25519@openssh.com", y, "ssh:"))).toThrow(BadKeyError);
    });
  }
});
