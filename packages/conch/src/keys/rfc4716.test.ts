import { describe, expect, test } from "vitest";
import { BadKeyError, Key } from "../ssh/keys.js";
import { ED25519, KEYS, RSA } from "./keys.test.fixtures.js";
import { readRfc4716, writeRfc4716 } from "./rfc4716.js";

/** The first example of RFC 4716 section 3.6, whose key has the fingerprint of a 1024 bit RSA key. */
const EXAMPLE = `---- BEGIN SSH2 PUBLIC KEY ----
Comment: "1024-bit RSA, converted from OpenSSH by me@example.com"
x-command: /home/me/bin/lock-in-guest.sh
AAAAB3NzaC1yc2EAAAABIwAAAIEA1on8gxCGJJWSRT4uOrR13mUaUk0hRf4RzxSZ1zRb
YYFw8pfGesIFoEuVth4HKyF8k1y4mRUnYHP1XNMNMJl1JcEArC2asV8sHf6zSPVffozZ
5TT4SfsUu/iKy9lUcCfXzwre4WWZSXXcPff+EHtWshahu3WzBdnGxm5Xoi89zcE=
---- END SSH2 PUBLIC KEY ----
`;

describe("RFC 4716", () => {
  test("the example of the standard is read", () => {
    const { headers } = readRfc4716(EXAMPLE);
    expect([...headers]).toEqual([
      ["comment", "1024-bit RSA, converted from OpenSSH by me@example.com"],
      ["x-command", "/home/me/bin/lock-in-guest.sh"],
    ]);
    const key = Key.fromString(EXAMPLE);
    expect([key.sshType(), key.size()]).toEqual(["ssh-rsa", 1024]);
    expect(Key.fromString(EXAMPLE.replaceAll("\n", "\r\n")).equals(key)).toBe(true);
    expect(Key.fromString(EXAMPLE.replaceAll("\n", "\r")).equals(key)).toBe(true);
  });

  for (const key of KEYS) {
    test(`${key.sshType()} goes both ways, private keys give their public half`, () => {
      const text = key.toString("rfc4716", { comment: "made here" });
      expect(text.toString()).toContain('\nComment: "made here"\n');
      expect(Key.fromString(text).equals(key.public())).toBe(true);
    });
  }

  test("lines stay below 72 bytes, and a long comment goes on behind a backslash", () => {
    const comment = "a comment with \u00fcml\u00e4uts ".repeat(12).trim();
    const text = writeRfc4716(RSA.blob(), comment);
    for (const line of text.split("\n")) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(72);
    expect(readRfc4716(text).headers.get("comment")).toBe(comment);
    expect(writeRfc4716(RSA.blob(), "two\nlines")).toContain('Comment: "two lines"\n');
    expect(writeRfc4716(RSA.blob(), "")).not.toContain("Comment");
  });

  test("what is malformed is a BadKeyError", () => {
    const text = writeRfc4716(ED25519.blob(), "c");
    for (let length = 0; length < text.length - 1; length++) {
      expect(() => Key.fromString(text.slice(0, length), "public_rfc4716")).toThrow(BadKeyError);
    }
    expect(() => Key.fromString(text, null, "unused")).toThrow("key not encrypted");
  });
});
