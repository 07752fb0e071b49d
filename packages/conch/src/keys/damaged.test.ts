/** A key file that was cut or changed anywhere gives an error of the keys module, and nothing else. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BadKeyError, EncryptedKeyError, Key } from "../ssh/keys.js";
import { readPrivateBlob } from "./blob.js";
import {
  DSA,
  ED25519,
  KEYS,
  P256,
  PEM_KEYS,
  PKCS8_KEYS,
  RSA,
  SK_ECDSA,
  SK_ED25519,
  line,
} from "./keys.test.fixtures.js";
import { writeOpenSSH } from "./openssh.js";

const secret = Buffer.from("secret");
const sealed = (cipher: string): Buffer =>
  Buffer.from(writeOpenSSH(readPrivateBlob(ED25519.privateBlob()), { cipher, passphrase: secret, rounds: 1 }));

const forms: [name: string, type: string | null, passphrase: string | null, data: Buffer][] = [
  ...KEYS.flatMap((key): typeof forms => [
    [`${key.sshType()} line`, null, null, key.public().toString("openssh")],
    [`${key.sshType()} blob`, "blob", null, key.blob()],
    [`${key.sshType()} private blob`, "private_blob", null, key.privateBlob()],
    [`${key.sshType()} v1`, null, null, key.toString("openssh", { subtype: "v1" })],
  ]),
  ...PKCS8_KEYS.map((key): (typeof forms)[0] => [
    `${key.sshType()} PKCS#8`,
    null,
    null,
    key.toString("openssh", { subtype: "PKCS8" }),
  ]),
  ...PEM_KEYS.flatMap((key): typeof forms => [
    [`${key.sshType()} PEM`, null, null, key.toString("openssh")],
    [`${key.sshType()} PEM, encrypted`, null, "secret", key.toString("openssh", { passphrase: secret })],
  ]),
  ...[RSA, DSA].flatMap((key): typeof forms => [
    [`${key.sshType()} LSH`, null, null, key.toString("lsh")],
    [`${key.sshType()} public LSH`, null, null, key.public().toString("lsh")],
    [`${key.sshType()} agentv3`, "agentv3", null, key.toString("agentv3")],
  ]),
  ["sk-ssh-ed25519", null, null, Buffer.from(line(SK_ED25519))],
  ["sk-ecdsa", null, null, SK_ECDSA],
  ["aes256-ctr", null, "secret", sealed("aes256-ctr")],
  ["aes128-cbc", null, "secret", sealed("aes128-cbc")],
  ["aes256-gcm", null, "secret", sealed("aes256-gcm@openssh.com")],
  ["chacha20-poly1305", null, "secret", sealed("chacha20-poly1305@openssh.com")],
];

/** Null when it was read, else whether the error is one of ours. */
function readError(data: Buffer, type: string | null, passphrase: string | null): unknown {
  try {
    const key = Key.fromString(data, type, passphrase);
    key.blob();
    key.data();
    return null;
  } catch (error) {
    return error;
  }
}

function isOurs(error: unknown): boolean {
  return error === null || error instanceof BadKeyError || error instanceof EncryptedKeyError;
}

describe("damage", () => {
  // Each round of bcrypt and each RSA key checked takes its time.
  for (const [name, type, passphrase, data] of forms) {
    const numRuns = type === null && passphrase && !name.includes("PEM") ? 12 : 60;

    test(`${name}: cut short`, () => {
      fc.assert(
        fc.property(fc.nat(data.length - 1), (length) => {
          const error = readError(data.subarray(0, length), type, passphrase);
          // Only blank space may be missing, and what sk keys may go without.
          const mayMiss = name.startsWith("sk") || data.subarray(length).toString("latin1").trim() === "";
          expect(error !== null || mayMiss).toBe(true);
          expect(isOurs(error)).toBe(true);
        }),
        { numRuns },
      );
    });

    test(`${name}: a byte changed`, () => {
      fc.assert(
        fc.property(fc.nat(data.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
          const changed = Buffer.from(data);
          changed[at]! ^= flip;
          expect(isOurs(readError(changed, type, passphrase))).toBe(true);
        }),
        { numRuns },
      );
    });
  }

  test("any bytes under any type", () => {
    const types = ["public_openssh", "private_openssh", "public_lsh", "private_lsh", "agentv3", "blob", "private_blob"];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(null, ...types), (bytes, type) => {
        const error = readError(Buffer.from(bytes), type, null);
        expect(error !== null && isOurs(error)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test("any bytes as a signature are false", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(RSA, DSA, P256, ED25519), (bytes, key) => {
        expect(key.verify(bytes, "data")).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });
});
