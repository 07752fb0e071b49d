/** The programs of docs/keys.md. */
import { Certificate } from "@strombus/conch/keys/certificate";
import { signMessage, verifyMessage } from "@strombus/conch/keys/sshsig";
import { BadKeyError, EncryptedKeyError, FingerprintFormats, Key } from "@strombus/conch/ssh/keys";
import { expect, test } from "vitest";

test("reading and writing", () => {
  const made = Key.generate("ed25519");
  const file = made.toString("openssh", { passphrase: "correct horse", comment: "me@here", rounds: 2 });

  function readKey(data: Buffer, passphrase: string | null): Key | null {
    try {
      return Key.fromString(data, { passphrase });
    } catch (error) {
      if (error instanceof EncryptedKeyError) return null; // ask the user, and try again
      if (error instanceof BadKeyError) throw new Error(`no key: ${error.message}`, { cause: error });
      throw error;
    }
  }
  expect(readKey(file, null)).toBe(null);
  expect(readKey(file, "correct horse")?.equals(made)).toBe(true);
  expect(() => readKey(file, "wrong")).toThrow("no key: ");

  const key = Key.generate("rsa", 3072);
  const line = key.public().toString("openssh", { comment: "me@here" }); // of an authorized_keys file
  const pkcs8 = key.toString("openssh", { subtype: "PKCS8", passphrase: "secret" });
  const v1 = key.toString("openssh", { subtype: "v1" });
  const standard = key.toString("rfc4716", { comment: "me@here" });
  for (const [data, passphrase] of [[line], [v1], [standard], [pkcs8, "secret"]] as const) {
    expect(Key.fromString(data, { passphrase: passphrase ?? null }).blob()).toEqual(key.blob());
  }

  const fingerprint = key.fingerprint(FingerprintFormats.SHA256_BASE64); // as ssh-keygen has it, with the padding "="
  expect(Buffer.from(fingerprint, "base64")).toHaveLength(32);
});

test("signing", async () => {
  const key = Key.generate("ed25519");
  const signature = key.sign("data");
  expect(key.public().verify(signature, "data")).toBe(true);

  const armored = await signMessage(key, "the text of a release", { namespace: "file" });
  const signed = verifyMessage(armored, "the text of a release", "file");
  expect(signed?.key.blob()).toEqual(key.blob());
  expect(verifyMessage(armored, "another text", "file")).toBe(null);
});

test("certificates", async () => {
  const authority = Key.generate("ed25519");
  const user = Key.generate("ecdsa", 256);
  const now = Date.now() / 1000; // seconds
  const certificate = await Certificate.issue(authority, {
    key: user.public(),
    kind: "user",
    keyId: "alice for a day",
    principals: ["alice"],
    validBefore: Math.floor(now) + 86_400,
    extensions: new Map([["permit-pty", ""]]),
  });
  certificate.check({ kind: "user", principal: "alice", now, authorities: [authority.public()] });
  expect(() => certificate.check({ kind: "user", principal: "root", now, authorities: [authority.public()] })).toThrow(
    "it does not name this principal",
  );
  expect(certificate.toString()).toMatch(/^ecdsa-sha2-nistp256-cert-v01@openssh\.com /);
});
