import { expect, test } from "vitest";
import { guessFormat } from "./guess.js";
import { DSA, ED25519, KEYS, line, numbers, P256, RSA, SK_ECDSA, SK_ED25519, strings } from "./keys.test.fixtures.js";

const guess = (data: Buffer | string): string | null => guessFormat(Buffer.from(data));

test("the format of a key is seen from how it starts", () => {
  for (const key of KEYS) {
    expect(guess(key.public().toString("openssh"))).toBe("public_openssh");
    expect(guess(key.toString("openssh"))).toBe("private_openssh");
    expect(guess(key.toString("openssh", { subtype: "v1" }))).toBe("private_openssh");
    expect(guess(key.blob())).toBe("blob");
    expect(guess(key.public().toString("rfc4716"))).toBe("public_rfc4716");
  }
  for (const blob of [SK_ED25519, SK_ECDSA])
    expect([guess(blob), guess(line(blob))]).toEqual(["blob", "public_openssh"]);
  for (const key of [RSA, DSA]) {
    expect(guess(key.public().toString("lsh"))).toBe("public_lsh");
    expect(guess(key.toString("lsh"))).toBe("private_lsh");
    expect(guess(key.toString("agentv3"))).toBe("agentv3");
  }
  expect(guess("PuTTY-User-Key-File-3: ssh-ed25519")).toBe("private_putty");
});

test("a blob of too few fields is a blob still, and one of five a private key", () => {
  expect(guess(strings("ssh-rsa", 1n))).toBe("blob");
  expect(guess(strings("ssh-dss", 1n))).toBe("blob");
  const { e, d, n, p } = numbers(RSA);
  expect(guess(strings("ssh-rsa", e!, d!, n!, p!))).toBe("blob");
  expect(guess(strings("ssh-rsa", e!, d!, n!, p!, 1n))).toBe("agentv3");
});

test("nothing is guessed of what starts like no key, with a blank or a length in front", () => {
  for (const nothing of ["", "not a key", ` ${ED25519.public().toString("openssh").toString()}`, "\0\0\0\x07rsa-key"]) {
    expect(guess(nothing)).toBe(null);
  }
  expect(guess(P256.blob().subarray(1))).toBe(null);
});
