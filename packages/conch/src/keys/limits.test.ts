/** What asks for too much work is refused before the work begins. */
import { expect, test } from "vitest";
import { BadKeyError, Key } from "../ssh/keys.js";
import { Writer } from "../wire/writer.js";
import { Tag, der, derInteger } from "./der.js";
import { ED25519 } from "./keys.test.fixtures.js";

/** A v1 file whose kdf asks for `rounds`. */
function v1(rounds: number): string {
  const options = new Writer();
  options.string(Buffer.alloc(16));
  options.uint32(rounds);
  const out = new Writer();
  out.raw(Buffer.from("openssh-key-v1\0"));
  for (const each of ["aes256-ctr", "bcrypt", options.payload()]) out.string(each);
  out.uint32(1);
  out.string(ED25519.blob());
  out.string(Buffer.alloc(160));
  const base64 = out.payload().toString("base64");
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${base64}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

/** An encrypted PKCS#8 file (PBES2 with PBKDF2) whose kdf asks for `iterations`. */
function pkcs8(iterations: bigint): string {
  const oid = (hex: string): Buffer => der(Tag.OID, Buffer.from(hex, "hex"));
  const pbkdf2 = der(
    Tag.SEQUENCE,
    oid("2a864886f70d01050c"),
    der(Tag.SEQUENCE, der(Tag.OCTET_STRING, Buffer.alloc(8)), derInteger(iterations)),
  );
  const cipher = der(Tag.SEQUENCE, oid("60864801650304012a"), der(Tag.OCTET_STRING, Buffer.alloc(16)));
  const algorithm = der(Tag.SEQUENCE, oid("2a864886f70d01050d"), der(Tag.SEQUENCE, pbkdf2, cipher));
  const base64 = der(Tag.SEQUENCE, algorithm, der(Tag.OCTET_STRING, Buffer.alloc(64))).toString("base64");
  return `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${base64}\n-----END ENCRYPTED PRIVATE KEY-----\n`;
}

test("2,048 rounds of bcrypt are the most", () => {
  expect(() => Key.fromString(v1(2049), null, "secret")).toThrow("2049 rounds of bcrypt are too many");
  expect(() => Key.fromString(v1(0xffffffff), null, "secret")).toThrow(BadKeyError);
  expect(() => Key.fromString(v1(2049))).toThrow(BadKeyError);
});

test("no rounds at all are refused", () => {
  expect(() => Key.fromString(v1(0), null, "secret")).toThrow(BadKeyError);
});

test("4,194,304 iterations of PBKDF2 are the most", () => {
  const tooMuch = "the key derivation of the file asks for too much work";
  expect(() => Key.fromString(pkcs8(4_194_305n), null, "secret")).toThrow(tooMuch);
  expect(() => Key.fromString(pkcs8(2n ** 70n), null, "secret")).toThrow(tooMuch);
  expect(() => Key.fromString(pkcs8(10n), null, "secret")).toThrow("wrong passphrase or malformed key");
});
