/** Signatures of files, checked against the machine's ssh-keygen both ways. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { BadKeyError } from "../ssh/keys.js";
import { Certificate } from "./certificate.js";
import { DSA, ED25519, P256, P384, P521, RSA, strings } from "./keys.test.fixtures.js";
import { signMessage, verifyMessage } from "./sshsig.js";

const SIGNERS = [ED25519, P256, P384, P521, RSA];

function armor(blob: Buffer): string {
  return `-----BEGIN SSH SIGNATURE-----\n${blob.toString("base64")}\n-----END SSH SIGNATURE-----\n`;
}

function unarmor(signature: string): Buffer {
  return Buffer.from(signature.split("\n").slice(1, -2).join(""), "base64");
}

describe("a signature of a file", () => {
  for (const key of SIGNERS) {
    test(`by ${key.sshType()} tells who made it`, async () => {
      const signature = await signMessage(key, "message", { namespace: "file" });
      expect(verifyMessage(signature, "message", "file")?.key.equals(key.public())).toBe(true);
      expect(verifyMessage(signature, "message", "file")?.certificate).toBe(null);
      expect(verifyMessage(signature.replaceAll("\n", "\r\n"), "message", "file")).not.toBe(null);
      expect(verifyMessage(signature, "other", "file")).toBe(null);
      expect(verifyMessage(signature, "message", "email")).toBe(null);
    });
  }

  test("is by SHA-512 or SHA-256, and never by SHA-1 or DSA", async () => {
    for (const hash of ["sha256", "sha512"] as const) {
      const signature = await signMessage(RSA, "m", { namespace: "file", hash, signatureType: "rsa-sha2-256" });
      expect(verifyMessage(signature, "m", "file")).not.toBe(null);
    }
    await expect(signMessage(RSA, "m", { namespace: "file", signatureType: "ssh-rsa" })).rejects.toThrow(BadKeyError);
    await expect(signMessage(DSA, "m", { namespace: "file" })).rejects.toThrow(BadKeyError);
    await expect(signMessage(RSA, "m", { namespace: "" })).rejects.toThrow(BadKeyError);
    const blob = unarmor(await signMessage(RSA, "m", { namespace: "file" }));
    const at = blob.lastIndexOf(strings("rsa-sha2-512"));
    const sha1 = Buffer.concat([blob.subarray(0, at - 4), strings(RSA.sign("m", "ssh-rsa"))]);
    expect(verifyMessage(armor(sha1), "m", "file")).toBe(null);
  });

  test("may show a certificate", async () => {
    const certificate = await Certificate.issue(P256, {
      key: ED25519,
      kind: "user",
      keyId: "id",
      principals: ["alice"],
      validBefore: Infinity,
    });
    const signer = {
      sshType: () => certificate.sshType,
      blob: () => certificate.blob,
      supportedSignatureAlgorithms: () => ED25519.supportedSignatureAlgorithms(),
      sign: (data: Uint8Array | string) => ED25519.sign(data),
    };
    const signedBy = verifyMessage(await signMessage(signer, "m", { namespace: "file" }), "m", "file");
    expect(signedBy?.certificate?.keyId).toBe("id");
    expect(signedBy?.key.equals(ED25519.public())).toBe(true);
  });

  test("with a byte changed is malformed or not good, and never good", async () => {
    const blob = unarmor(await signMessage(ED25519, "m", { namespace: "file" }));
    expect(verifyMessage(armor(blob), "m", "file")).not.toBe(null);
    for (let at = 0; at < blob.length; at++) {
      const changed = Buffer.from(blob);
      changed[at]! ^= 1;
      try {
        expect(verifyMessage(armor(changed), "m", "file")).toBe(null);
      } catch (error) {
        expect(error).toBeInstanceOf(BadKeyError);
      }
      expect(() => verifyMessage(armor(blob.subarray(0, at)), "m", "file")).toThrow(BadKeyError);
    }
    for (const text of ["", "-----BEGIN SSH SIGNATURE-----", armor(Buffer.alloc(100_000))]) {
      expect(() => verifyMessage(text, "m", "file")).toThrow(BadKeyError);
    }
  });
});

describe.skipIf(spawnSync("ssh-keygen", ["-?"]).error !== undefined)("ssh-keygen -Y", () => {
  const folder = mkdtempSync(join(tmpdir(), "sshsig-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const sshKeygen = (input: string, ...args: string[]): string =>
    execFileSync("ssh-keygen", args, { cwd: folder, encoding: "utf8", stdio: "pipe", input });

  for (const [index, key] of SIGNERS.entries()) {
    test(`${key.sshType()}: verifies what we sign, and signs what we verify`, async () => {
      const file = join(folder, `key-${index}`);
      writeFileSync(`${file}.sig`, await signMessage(key, "message", { namespace: "file" }));
      writeFileSync(`${file}.allowed`, `alice ${key.public().toString("openssh").toString()}\n`);
      const args = ["-n", "file", "-I", "alice", "-f", `${file}.allowed`, "-s", `${file}.sig`];
      expect(sshKeygen("message", "-Y", "verify", ...args)).toContain("Good");
      writeFileSync(file, key.toString("openssh"), { mode: 0o600 });
      writeFileSync(`${file}.pub`, key.public().toString("openssh"));
      writeFileSync(`${file}.txt`, "message");
      sshKeygen("", "-Y", "sign", "-n", "file", "-f", file, `${file}.txt`);
      const signature = readFileSync(`${file}.txt.sig`);
      expect(verifyMessage(signature, "message", "file")?.key.equals(key.public())).toBe(true);
      expect(verifyMessage(signature, "message", "git")).toBe(null);
    });
  }
});
