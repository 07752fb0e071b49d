/** What shows an object as a whole shows no password, hash or private key of it: a part of rule L2. */
import { Key } from "@strombus/conch/ssh/keys";
import { UsernameHashedPassword, UsernamePassword, UsernamePasswordChange } from "@strombus/cred/credentials";
import { expect, test } from "vitest";
import { forms, shown } from "../support/secrets.js";

const SECRET = "correct horse battery";
const NEW = "staple in the stable";

test("what looks for a secret finds it in each form", () => {
  for (const plain of [{ SECRET }, { bytes: Buffer.from(SECRET) }, SECRET, { bytes: [...Buffer.from(SECRET)] }]) {
    expect(forms(SECRET).some((form) => shown(plain).includes(form))).toBe(true);
  }
});

test.each([
  ["a password", new UsernamePassword("alice", SECRET)],
  ["a password in bytes", new UsernamePassword("alice", Buffer.from(SECRET))],
  ["a hash", new UsernameHashedPassword("alice", SECRET)],
  ["a hash in bytes", new UsernameHashedPassword("alice", Buffer.from(SECRET))],
  ["the wish to change a password", new UsernamePasswordChange("alice", SECRET, NEW)],
])("L2: %s is not shown with the credentials that hold it, whose user is", (_what, credentials) => {
  const text = shown({ credentials });
  for (const form of [...forms(SECRET), ...forms(NEW)]) expect(text).not.toContain(form);
  expect(text).toContain("alice");
});

test.each([
  ["ed25519", -64, -36], // the seed; the public half is behind it
  ["ecdsa", -27, undefined], // the private number's end
] as const)("L2: a private key of %s is shown without its private half", (kind, start, end) => {
  const key = Key.generate(kind);
  const text = shown({ key });
  for (const form of forms(key.privateBlob().subarray(start, end))) expect(text).not.toContain(form);
  expect(text).toContain("key");
});
