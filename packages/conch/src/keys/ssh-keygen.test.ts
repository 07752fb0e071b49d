/** Keys of the machine's ssh-keygen are read, and it reads ours. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { FingerprintFormats, Key } from "../ssh/keys.js";
import { readPrivateBlob } from "./blob.js";
import { FILE_CIPHERS } from "./file-ciphers.js";
import { writeOpenSSH } from "./openssh.js";
import { RSA } from "./rsa.test.support.js";

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
const hasSshKeygen = spawnSync("ssh-keygen", ["-?"]).error === undefined;

describe.skipIf(!hasSshKeygen)("ssh-keygen's files are read", () => {
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
  for (const cipher of FILE_CIPHERS.keys()) {
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

describe.skipIf(!hasSshKeygen)("ssh-keygen reads our files", () => {
  const keys = [RSA, Key.generate("ecdsa", 256), Key.generate("ecdsa", 384), Key.generate("ecdsa", 521)];
  for (const key of keys) {
    for (const subtype of ["PEM", "PKCS8"]) {
      for (const passphrase of ["", "secret"]) {
        test(`${key.sshType()} as ${subtype}${passphrase && " with a passphrase"}`, () => {
          const file = join(folder, `ours-${key.sshType()}-${subtype}-${passphrase.length}`);
          writeFileSync(file, key.toString("openssh", { subtype, passphrase }), { mode: 0o600 });
          const line = sshKeygen("-y", "-P", passphrase, "-f", file);
          expect(line.trimEnd()).toBe(key.public().toString("openssh").toString());
        });
      }
    }
  }

  for (const key of [...keys, Key.generate("ed25519")]) {
    test(`${key.sshType()} as v1`, () => {
      const file = join(folder, `ours-${key.sshType()}-v1`);
      writeFileSync(file, key.toString("openssh", { subtype: "v1", comment: "made here" }), { mode: 0o600 });
      const line = key.public().toString("openssh", { comment: "made here" }).toString();
      expect(sshKeygen("-y", "-P", "", "-f", file).trimEnd()).toBe(line);
    });
  }

  for (const cipher of FILE_CIPHERS.keys()) {
    test(`v1 encrypted by ${cipher}`, () => {
      const key = Key.generate("ecdsa", 521);
      const file = join(folder, `ours-${cipher}`);
      const passphrase = Buffer.from("secret");
      const text = writeOpenSSH(readPrivateBlob(key.privateBlob()), { cipher, passphrase, rounds: 2 });
      writeFileSync(file, text, { mode: 0o600 });
      const line = key.public().toString("openssh").toString();
      expect(sshKeygen("-y", "-P", "secret", "-f", file).trimEnd()).toBe(line);
      expect(Key.fromFile(file, null, "secret").equals(key)).toBe(true);
    });
  }
});
