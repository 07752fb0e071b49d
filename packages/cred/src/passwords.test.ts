import { ValueError } from "@strombus/reactor/exceptions";
import { describe, expect, test } from "vitest";
import { hashPassword, verifyPassword } from "./passwords.js";

/** Made by other programs. */
const FOREIGN = [
  // Python's hashlib.scrypt, in the form of passlib
  ["strombus", "$scrypt$ln=10,r=8,p=1$c2l4dGVlbiBieXRlIHNhbA$t9Mpx8hPKbe4E3/PVRV33nodymqNcahaeBg0oDON2kA"],
  // the test vectors of the reference implementation
  ["password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"],
  // crypt(3)
  ["strombus", "$y$j9T$abcdefgh$fhBA2fFlWQQP4CJ3ycA6ZG4aOCvyWz8/OVNB2RhA9LA"],
  ["strombus", "$5$shell$RjUvf2lpWK8fqkToCXcBSBX1Czux6aTYLF/a9vsA7d0"],
] as const;

for (const [password, hash] of FOREIGN) {
  test(`${hash.slice(0, 20)}... is verified`, async () => {
    expect(await verifyPassword(hash, password)).toBe(true);
    expect(await verifyPassword(hash, "other")).toBe(false);
    expect(await verifyPassword(hash, "")).toBe(false);
    expect(await verifyPassword(hash, `${password}\0`)).toBe(false);
  });
}

for (const how of ["scrypt", "argon2id"] as const) {
  describe(`a hash by ${how}`, () => {
    test("is verified with the password it was made of, and with no other", async () => {
      const hash = await hashPassword("correct horse", how);
      expect(hash).toMatch(new RegExp(`^\\$${how}\\$`));
      expect(await verifyPassword(hash, "correct horse")).toBe(true);
      for (const wrong of ["correct horsf", "correct horse ", "", hash]) {
        expect(await verifyPassword(hash, wrong)).toBe(false);
      }
    });

    test("has a salt of its own", async () => {
      expect(await hashPassword("x", how)).not.toBe(await hashPassword("x", how));
    });

    test("may be of any text, and of a long one to its end", async () => {
      const long = "päss\u{1f41a}".repeat(100);
      const hash = await hashPassword(long, how);
      expect(await verifyPassword(hash, long)).toBe(true);
      expect(await verifyPassword(hash, `${long}x`)).toBe(false);
    });
  });
}

test("a password has no NUL", async () => {
  await expect(hashPassword("x\0")).rejects.toThrow(ValueError);
});

test("scrypt is the default, which needs no package", async () => {
  expect(await hashPassword("x")).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$/);
});

test("what is no hash that is known verifies nothing: above all a password in the clear is no hash", async () => {
  for (const stored of [
    "",
    "password",
    "x",
    "*",
    "$scrypt$",
    "$scrypt$ln=14,r=8,p=5$$",
    "$scrypt$ln=30,r=8,p=5$pO75dSQRUnao6LWwfN4nfg$bymnvsvYW5jCzKj49QjBcYMeiEKO4Pak1bubIXsAaMI",
    "$scrypt$ln=14,r=8,p=5$pO75dSQRUnao6LWwfN4nfg$bymn",
    "$1$shell$edT6vDsuGULJMMgHjyt/b0",
  ]) {
    await expect(verifyPassword(stored, stored)).rejects.toThrow(ValueError);
  }
  await expect(verifyPassword("$argon2id$v=19$m=8", "x")).rejects.toThrow();
});
