/** OpenSSH certificates, made here and by the machine's ssh-keygen. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { BadKeyError, CertificateError, Key } from "../ssh/keys.js";
import { Certificate, type CertificateRequest, type CertificateRules } from "./certificate.js";
import { DSA, ED25519, P256, P384, P521, RSA, SK_ECDSA, SK_ED25519, strings } from "./keys.test.fixtures.js";

const CA = Key.generate("ed25519");
const NOW = 1_700_000_000;
const REQUEST: CertificateRequest = {
  key: ED25519,
  kind: "user",
  serial: 7n,
  keyId: "key of alice",
  principals: ["alice", "root"],
  validAfter: NOW - 60,
  validBefore: NOW + 3600,
  extensions: new Map([["permit-pty", ""]]),
};
const RULES: CertificateRules = { kind: "user", principal: "alice", now: NOW, authorities: [CA.public()] };

function issue(changes: Partial<CertificateRequest> = {}, authority = CA): Promise<Certificate> {
  return Certificate.issue(authority, { ...REQUEST, ...changes });
}

/** Why it was refused, or null. */
function refusal(certificate: Certificate, changes: Partial<CertificateRules> = {}): string | null {
  try {
    certificate.check({ ...RULES, ...changes });
    return null;
  } catch (error) {
    expect(error).toBeInstanceOf(CertificateError);
    return (error as Error).message;
  }
}

describe("a certificate", () => {
  for (const key of [ED25519, P256, P384, P521, RSA, Key.fromString(SK_ED25519), Key.fromString(SK_ECDSA)]) {
    test(`for ${key.sshType()} says what it was issued with`, async () => {
      const issued = await issue({ key, criticalOptions: new Map([["force-command", "ls -l"]]) });
      for (const certificate of [issued, Certificate.fromString(issued.toString("a comment"))]) {
        expect(certificate.sshType).toBe(
          key.sshType().replace(/^((?:sk-)?[a-z0-9-]+)(@.*)?$/, "$1-cert-v01@openssh.com"),
        );
        expect(certificate.key.equals(key.public())).toBe(true);
        expect(certificate.authority.equals(CA.public())).toBe(true);
        expect(certificate).toMatchObject({
          kind: "user",
          serial: 7n,
          keyId: "key of alice",
          principals: ["alice", "root"],
          validAfter: NOW - 60,
          validBefore: NOW + 3600,
        });
        expect([...certificate.criticalOptions]).toEqual([["force-command", "ls -l"]]);
        expect([...certificate.extensions]).toEqual([["permit-pty", ""]]);
        expect(refusal(certificate)).toBe(null);
      }
    });
  }

  for (const authority of [P256, P384, P521, RSA]) {
    test(`may be signed by ${authority.sshType()}`, async () => {
      const certificate = await issue({}, authority);
      expect(refusal(certificate, { authorities: [CA, authority] })).toBe(null);
    });
  }

  test("is refused from other authorities, and with the authority's SHA-1 or DSA", async () => {
    const certificate = await issue();
    expect(refusal(certificate, { authorities: [] })).toBe("signed by an authority that we do not know");
    expect(refusal(certificate, { authorities: [RSA, ED25519] })).toBe("signed by an authority that we do not know");
    const bad = "the authority's signature is not good";
    expect(refusal(await issue({ signatureType: "ssh-rsa" }, RSA), { authorities: [RSA] })).toBe(bad);
    expect(refusal(await issue({}, DSA), { authorities: [DSA] })).toBe(bad);
    expect(refusal(certificate, { algorithms: ["rsa-sha2-512"] })).toBe(bad);
  });

  test("counts for its kind, its time and its names only", async () => {
    const certificate = await issue();
    expect(refusal(certificate, { kind: "host" })).toBe("a user certificate, where a host's is due");
    expect(refusal(certificate, { now: NOW - 61 })).toBe("not valid yet");
    expect(refusal(certificate, { now: NOW - 60 })).toBe(null);
    expect(refusal(certificate, { now: NOW + 3599.9 })).toBe(null);
    expect(refusal(certificate, { now: NOW + 3600 })).toBe("expired");
    expect(refusal(certificate, { now: NaN })).toBe("not valid yet");
    for (const principal of ["bob", "Alice", "alice,root", "", "ali"]) {
      expect(refusal(certificate, { principal })).toBe("it does not name this principal");
    }
    expect(refusal(await issue({ principals: [] }))).toBe("it does not name this principal");
    expect(refusal(await issue({ validBefore: Infinity }), { now: 1e12 })).toBe(null);
  });

  test("is refused for a critical option that nobody knows", async () => {
    const unknown = await issue({ criticalOptions: new Map([["no-such-option", ""]]) });
    expect(refusal(unknown)).toBe('unknown critical option "no-such-option"');
    const host = await issue({ kind: "host", criticalOptions: new Map([["force-command", "ls"]]) });
    expect(refusal(host, { kind: "host" })).toBe('unknown critical option "force-command"');
    const known = new Map([
      ["source-address", "10.0.0.0/8"],
      ["verify-required", ""],
    ]);
    expect(refusal(await issue({ criticalOptions: known }))).toBe(null);
    expect(refusal(await issue({ extensions: new Map([["no-such-extension", ""]]) }))).toBe(null);
  });

  test("does not certify a certificate, and is not signed by one", async () => {
    const certificate = await issue();
    const nested = {
      blob: () => certificate.blob,
      sshType: () => "ssh-ed25519",
      supportedSignatureAlgorithms: () => ["ssh-ed25519"],
      sign: (data: Uint8Array | string) => CA.sign(data),
    };
    await expect(Certificate.issue(nested, REQUEST)).rejects.toThrow(BadKeyError);
    await expect(issue({ key: DSA })).rejects.toThrow(BadKeyError);
    expect(() => Key.fromString(certificate.blob, "blob")).toThrow(BadKeyError);
    expect(() => Key.fromString(certificate.toString())).toThrow(BadKeyError);
  });

  test("may be signed by what answers later", async () => {
    const remote = {
      blob: () => CA.blob(),
      sshType: () => CA.sshType(),
      supportedSignatureAlgorithms: () => CA.supportedSignatureAlgorithms(),
      sign: (data: Uint8Array | string, type?: string | null) => Promise.resolve(CA.sign(data, type)),
    };
    expect(refusal(await Certificate.issue(remote, REQUEST))).toBe(null);
  });

  test("verifies by its key", async () => {
    const certificate = await issue();
    const signature = ED25519.sign("data");
    expect(certificate.verify(signature, "data")).toBe(true);
    expect(certificate.verify(signature, "other")).toBe(false);
    expect(certificate.verify(signature, "data", ["rsa-sha2-512"])).toBe(false);
    expect(certificate.verify("bad signature", "data")).toBe(false);
    // A key that cannot prove it verifies nobody.
    const strict = await issue({ criticalOptions: new Map([["verify-required", ""]]) });
    expect(strict.verify(signature, "data")).toBe(false);
  });

  test("any byte changed refuses it", async () => {
    const { blob } = await issue();
    fc.assert(
      fc.property(fc.nat(blob.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(blob);
        changed[at]! ^= flip;
        let certificate: Certificate;
        try {
          certificate = Certificate.fromString(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(BadKeyError);
          return;
        }
        expect(refusal(certificate)).not.toBe(null);
      }),
      { numRuns: 500 },
    );
  });

  test("is malformed when it is cut, repeats an option or is no certificate", async () => {
    const { blob } = await issue();
    for (let length = 0; length < blob.length; length++) {
      expect(() => Certificate.fromString(blob.subarray(0, length))).toThrow(BadKeyError);
    }
    expect(() => Certificate.fromString(Buffer.concat([blob, Buffer.of(0)]))).toThrow(BadKeyError);
    expect(() => Certificate.fromString(ED25519.blob())).toThrow(BadKeyError);
    expect(() => Certificate.fromString(`ssh-rsa-cert-v01@openssh.com ${blob.toString("base64")}`)).toThrow(
      BadKeyError,
    );
    const twice = strings("permit-pty", "", "permit-pty", "");
    const at = blob.indexOf(strings(strings("permit-pty", "")));
    const old = strings(strings("permit-pty", "")).length;
    const repeated = Buffer.concat([blob.subarray(0, at), strings(twice), blob.subarray(at + old)]);
    expect(() => Certificate.fromString(repeated)).toThrow("options are repeated or too many");
    const name = blob.indexOf("alice", blob.indexOf("key of alice") + 12);
    const notUtf8 = Buffer.from(blob);
    notUtf8[name] = 0xff;
    expect(() => Certificate.fromString(notUtf8)).toThrow("not UTF-8");
  });
});

describe.skipIf(spawnSync("ssh-keygen", ["-?"]).error !== undefined)("ssh-keygen's certificates", () => {
  const folder = mkdtempSync(join(tmpdir(), "certificates-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const sshKeygen = (...args: string[]): string =>
    execFileSync("ssh-keygen", args, { cwd: folder, encoding: "utf8", stdio: "pipe" });
  const authority = join(folder, "ca");
  writeFileSync(authority, RSA.toString("openssh"), { mode: 0o600 });

  for (const [index, key] of [ED25519, P256, P521, RSA, Key.fromString(SK_ED25519)].entries()) {
    test(`for ${key.sshType()} are read and good`, () => {
      const file = join(folder, `key-${index}`);
      writeFileSync(`${file}.pub`, key.public().toString("openssh"));
      const options = [
        "-O",
        "clear",
        "-O",
        "permit-pty",
        "-O",
        "force-command=ls -l",
        "-O",
        "source-address=10.0.0.0/8",
      ];
      sshKeygen(
        "-q",
        "-s",
        authority,
        "-I",
        "an id",
        "-n",
        "alice,bob",
        "-z",
        "42",
        "-V",
        "20230101Z:20330101Z",
        ...options,
        `${file}.pub`,
      );
      const certificate = Certificate.fromString(readFileSync(`${file}-cert.pub`));
      expect(refusal(certificate, { authorities: [RSA], principal: "bob" })).toBe(null);
      expect(certificate).toMatchObject({ serial: 42n, keyId: "an id", principals: ["alice", "bob"] });
      expect([certificate.validAfter, certificate.validBefore]).toEqual([1672531200, 1988150400]);
      expect(Object.fromEntries(certificate.criticalOptions)).toEqual({
        "force-command": "ls -l",
        "source-address": "10.0.0.0/8",
      });
      expect([...certificate.extensions.keys()]).toEqual(["permit-pty"]);
    });
  }

  test("for hosts are read and good", () => {
    writeFileSync(join(folder, "host.pub"), P384.public().toString("openssh"));
    sshKeygen("-q", "-h", "-s", authority, "-I", "host id", "-n", "host.example.com", "-t", "rsa-sha2-256", "host.pub");
    const certificate = Certificate.fromString(readFileSync(join(folder, "host-cert.pub")));
    const rules = { kind: "host", authorities: [RSA], principal: "host.example.com" } as const;
    expect(refusal(certificate, rules)).toBe(null);
    expect(certificate.validBefore).toBe(Infinity);
  });

  test("ours are read by ssh-keygen", async () => {
    const certificate = await issue({
      criticalOptions: new Map([
        ["source-address", "10.0.0.0/8"],
        ["force-command", "ls -l"],
      ]),
    });
    writeFileSync(join(folder, "ours-cert.pub"), `${certificate.toString("comment")}\n`);
    const text = sshKeygen("-L", "-f", "ours-cert.pub");
    expect(text).toContain("Type: ssh-ed25519-cert-v01@openssh.com user certificate");
    expect(text).toMatch(/Key ID: "key of alice"\s+Serial: 7\s/);
    expect(text).toMatch(/Principals:\s+alice\s+root\s/);
    expect(text).toMatch(/Critical Options:\s+force-command ls -l\s+source-address 10\.0\.0\.0\/8\s/);
    expect(text).toMatch(/Extensions:\s+permit-pty\s/);
  });
});
