import { describe, expect, test } from "vitest";
import { BadKeyError } from "./errors.js";
import { FILE_CIPHERS } from "./file-ciphers.js";

describe("ciphers of key files", () => {
  for (const [name, cipher] of FILE_CIPHERS) {
    const [key, iv] = [Buffer.alloc(cipher.key, 1), Buffer.alloc(cipher.iv, 2)];
    const clear = Buffer.alloc(6 * cipher.block, "text");

    test(`${name} opens what it sealed`, () => {
      const { sealed, tag } = cipher.seal(key, iv, clear);
      expect([sealed.length, tag.length]).toEqual([clear.length, cipher.tag]);
      expect(sealed).not.toEqual(clear);
      expect(cipher.open(key, iv, sealed, tag)).toEqual(clear);
    });

    test.runIf(cipher.tag > 0)(`${name} opens nothing that was changed`, () => {
      const { sealed, tag } = cipher.seal(key, iv, clear);
      const flipped = (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte, at) => (at === 3 ? byte ^ 1 : byte)));
      expect(() => cipher.open(key, iv, flipped(sealed), tag)).toThrow(BadKeyError);
      expect(() => cipher.open(key, iv, sealed, flipped(tag))).toThrow(BadKeyError);
    });
  }
});
