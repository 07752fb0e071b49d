/** Published signatures, good and forged: those of Wycheproof for each type of key. */
import { describe, expect, test } from "vitest";
import { BadKeyError, Key } from "../ssh/keys.js";
import { fromHex, vectors } from "../vectors.test.support.js";
import { strings } from "./keys.test.fixtures.js";

/** Whether the signature is good; a key that is refused has none. */
function verifies(blob: Buffer, signature: Buffer, message: string): boolean {
  let key: Key;
  try {
    key = Key.fromString(blob);
  } catch (error) {
    expect(error).toBeInstanceOf(BadKeyError);
    return false;
  }
  return key.verify(signature, fromHex(message));
}

const number = (hex: string): bigint => BigInt(`0x${hex}`);
const file = (name: string): URL => new URL(`vectors/${name}.txt`, import.meta.url);

describe("Wycheproof's signatures hold, and its forgeries do not:", () => {
  test("ssh-ed25519", () => {
    for (const [result, flags, a, message, value] of vectors(file("ed25519")) as readonly string[][]) {
      const good = verifies(strings("ssh-ed25519", fromHex(a!)), strings("ssh-ed25519", fromHex(value!)), message!);
      expect([flags, value, good]).toEqual([flags, value, result === "valid"]);
    }
  });

  test.each(["nistp256", "nistp384", "nistp521"])("ecdsa-sha2-%s", (curve) => {
    const name = `ecdsa-sha2-${curve}`;
    for (const [result, flags, point, message, value] of vectors(file(`ecdsa-${curve}`)) as readonly string[][]) {
      const [r, s] = [value!.slice(0, value!.length / 2), value!.slice(value!.length / 2)];
      const signature = strings(name, strings(number(r), number(s)));
      const good = verifies(strings(name, curve, fromHex(point!)), signature, message!);
      expect([flags, value, good]).toEqual([flags, value, result === "valid"]);
    }
  });

  test.each(["rsa-sha2-256", "rsa-sha2-512"])("%s", (name) => {
    for (const [result, flags, n, e, message, value] of vectors(file(name)) as readonly string[][]) {
      const blob = strings("ssh-rsa", number(e!), number(n!));
      const good = verifies(blob, strings(name, fromHex(value!)), message!);
      // "acceptable" is a padding without its NULL, which RFC 8017 lets one take.
      if (result !== "acceptable") expect([flags, value, good]).toEqual([flags, value, result === "valid"]);
    }
  });
});
