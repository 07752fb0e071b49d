/** Keys of the machine's ssh-keygen are read, and it reads ours. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { FingerprintFormats, Key } from "../ssh/keys.js";

const folder = mkdtempSync(join(tmpdir(), "keys-"));
afterAll(() => rmSync(folder, { recursive: true }));

function sshKeygen(...args: string[]): string {
  return execFileSync("ssh-keygen", args, { cwd: folder, encoding: "utf8", stdio: "pipe" });
}

/** What ssh-keygen prints without its "SHA256:" and the padding that it leaves out. */
function theirFingerprint(file: string): string {
  return `${/SHA256:(\S+)/.exec(sshKeygen("-l", "-f", file))![1]!}=`;
}

const TYPES = [
  ["rsa", "2048"],
  ["ecdsa", "256"],
  ["ecdsa", "384"],
  ["ecdsa", "521"],
  ["ed25519", "256"],
  ["dsa", "1024"],
] as const;
const CIPHERS = [
  "aes128-ctr",
  "aes192-ctr",
  "aes256-ctr",
  "aes128-cbc",
  "aes192-cbc",
  "aes256-cbc",
  "aes128-gcm@openssh.com",
  "aes256-gcm@openssh.com",
  "chacha20-poly1305@openssh.com",
];

describe("ssh-keygen's files are read", () => {
  for (const [type, bits] of TYPES) {
    for (const format of ["RFC4716", "PEM", "PKCS8"]) {
      for (const passphrase of ["", "correct horse"]) {
        test(`${type} ${bits} as ${format}${passphrase && " with a passphrase"}`, () => {
          const file = join(folder, `${type}-${bits}-${format}-${passphrase.length}`);
          sshKeygen(
            "-q",
            "-t",
            type,
            "-b",
            bits,
            "-m",
            format,
            "-N",
            passphrase,
            "-Z",
            "aes256-ctr",
            "-a",
            "1",
            "-f",
            file,
          );
          const key = Key.fromFile(file, null, passphrase);
          expect(key.isPublic()).toBe(false);
          expect(key.size()).toBe(Number(bits));
          expect(key.fingerprint(FingerprintFormats.SHA256_BASE64)).toBe(theirFingerprint(file));
          const publicKey = Key.fromFile(`${file}.pub`);
          expect(key.public().equals(publicKey)).toBe(true);
          expect(key.equals(publicKey)).toBe(false);
        });
      }
    }
  }
  for (const cipher of CIPHERS) {
    test(`encrypted by ${cipher}`, () => {
      const file = join(folder, cipher);
      sshKeygen("-q", "-t", "ed25519", "-Z", cipher, "-N", "secret", "-a", "2", "-f", file);
      expect(
        Key.fromFile(file, { passphrase: "secret" })
          .public()
          .equals(Key.fromFile(`${file}.pub`)),
      ).toBe(true);
      expect(() => Key.fromFile(file, { passphrase: "wrong" })).toThrow(
        expect.objectContaining({ name: "BadKeyError" }),
      );
      expect(() => Key.fromFile(file)).toThrow(expect.objectContaining({ name: "EncryptedKeyError" }));
    });
  }
});

describe("ssh-keygen reads our files", () => {
  const keys = [
    Key.generate("rsa", 2048),
    Key.generate("ecdsa", 256),
    Key.generate("ecdsa", 384),
    Key.generate("ecdsa", 521),
    Key.generate("ed25519"),
  ];
  for (const key of keys) {
    for (const subtype of ["v1", "PEM", "PKCS8"]) {
      if (key.type() === "Ed25519" && subtype !== "v1") continue; // OpenSSH 9.2 reads no other
      for (const passphrase of ["", "secret"]) {
        test(`${key.sshType()} as ${subtype}${passphrase && " with a passphrase"}`, () => {
          const file = join(folder, `ours-${key.sshType()}-${subtype}-${passphrase.length}`);
          const comment = "made here";
          writeFileSync(file, key.toString("openssh", { subtype, passphrase, comment }), { mode: 0o600 });
          const line = sshKeygen("-y", "-P", passphrase, "-f", file);
          const ours = key.public().toString("openssh", subtype === "v1" ? { comment } : {});
          expect(line.trimEnd()).toBe(ours.toString());
          const again = Key.fromFile(file, null, passphrase);
          expect(again.equals(key)).toBe(true);
          expect(readFileSync(file, "latin1")).toContain("-----BEGIN ");
        });
      }
    }
  }
});
