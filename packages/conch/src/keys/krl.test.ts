/** Revocation lists, made by hand and by the machine's ssh-keygen. */
import { createHash } from "node:crypto";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { BadKeyError, Key } from "../ssh/keys.js";
import { Writer } from "../wire/writer.js";
import { Certificate } from "./certificate.js";
import { ED25519, P256, P384, RSA, strings } from "./keys.test.fixtures.js";
import { RevocationList } from "./krl.js";

const CA = Key.generate("ed25519");
const OTHER_CA = Key.generate("ed25519");

function certificate(serial: bigint, keyId = "id", authority = CA): Promise<Certificate> {
  const validBefore = Infinity;
  return Certificate.issue(authority, {
    key: ED25519,
    kind: "user",
    serial,
    keyId,
    principals: ["alice"],
    validBefore,
  });
}

function u64(...values: bigint[]): Buffer {
  const out = new Writer();
  for (const each of values) out.uint64(each);
  return out.payload();
}

/** A list of sections, each a type and its body. */
function list(...sections: readonly (readonly [type: number, body: Uint8Array])[]): Buffer {
  const out = new Writer();
  out.raw(Buffer.from("SSHKRL\n\0"));
  out.uint32(1);
  out.raw(u64(5n, 1_700_000_000n, 0n));
  out.raw(strings("", "a comment"));
  for (const [type, body] of sections) {
    out.byte(type);
    out.string(body);
  }
  return out.payload();
}

function ofAuthority(authority: Uint8Array, type: number, body: Uint8Array): Buffer {
  return Buffer.concat([strings(authority, ""), Buffer.of(type), strings(body)]);
}

describe("a revocation list", () => {
  test("has a version, a time and a comment", () => {
    expect(RevocationList.fromString(list())).toMatchObject({
      version: 5n,
      generated: 1_700_000_000,
      comment: "a comment",
    });
  });

  for (const [name, section] of [
    ["themselves", [2, strings(ED25519.blob(), P256.blob())]],
    ["SHA-1", [3, strings(createHash("sha1").update(ED25519.blob()).digest())]],
    ["SHA-256", [5, strings(createHash("sha256").update(ED25519.blob()).digest())]],
  ] as const) {
    test(`revokes keys by ${name}, with all their certificates`, async () => {
      const revoked = RevocationList.fromString(list(section));
      expect(revoked.isRevoked(ED25519)).toBe(true);
      expect(revoked.isRevoked(ED25519.public())).toBe(true);
      expect(revoked.isRevoked(P384)).toBe(false);
      expect(revoked.isRevoked(await certificate(1n))).toBe(true);
    });
  }

  test("revokes what an authority has signed that is revoked itself", async () => {
    const revoked = RevocationList.fromString(list([2, strings(CA.blob())]));
    expect(revoked.isRevoked(await certificate(1n))).toBe(true);
    expect(revoked.isRevoked(await certificate(1n, "id", RSA))).toBe(false);
  });

  for (const [name, type, body, inside, outside] of [
    ["a list", 0x20, u64(5n, 7n), [5n, 7n], [0n, 1n, 6n, 8n]],
    ["a range", 0x21, u64(5n, 7n), [5n, 6n, 7n], [0n, 4n, 8n]],
    ["a bitmap", 0x22, Buffer.concat([u64(100n), strings(0x8005n)]), [100n, 102n, 115n], [99n, 101n, 116n, 200n]],
  ] as const) {
    test(`revokes serial numbers by ${name}`, async () => {
      for (const authority of [CA.blob(), Buffer.alloc(0)]) {
        const revoked = RevocationList.fromString(list([1, ofAuthority(authority, type, body)]));
        for (const serial of inside) expect(revoked.isRevoked(await certificate(serial))).toBe(true);
        for (const serial of outside) expect(revoked.isRevoked(await certificate(serial))).toBe(false);
        const ofAll = authority.length === 0;
        expect(revoked.isRevoked(await certificate(inside[0], "id", RSA))).toBe(ofAll);
        expect(revoked.isRevoked(ED25519)).toBe(false);
      }
    });
  }

  test("never revokes the serial number 0, which does not count", async () => {
    const revoked = RevocationList.fromString(list([1, ofAuthority(CA.blob(), 0x21, u64(0n, 9n))]));
    expect(revoked.isRevoked(await certificate(0n))).toBe(false);
    expect(revoked.isRevoked(await certificate(1n))).toBe(true);
  });

  test("revokes by key id", async () => {
    const revoked = RevocationList.fromString(list([1, ofAuthority(CA.blob(), 0x23, strings("lost", "stolen"))]));
    expect(revoked.isRevoked(await certificate(0n, "stolen"))).toBe(true);
    expect(revoked.isRevoked(await certificate(0n, "kept"))).toBe(false);
  });

  test("is refused when it holds what we do not understand", () => {
    const extension = (critical: number): Buffer => Buffer.concat([strings("new"), Buffer.of(critical), strings("")]);
    expect(() => RevocationList.fromString(list([255, extension(0)]))).not.toThrow();
    expect(() => RevocationList.fromString(list([255, extension(1)]))).toThrow(BadKeyError);
    expect(() => RevocationList.fromString(list([9, Buffer.alloc(0)]))).toThrow(BadKeyError);
    expect(() => RevocationList.fromString(list([1, ofAuthority(CA.blob(), 0x39, extension(0))]))).not.toThrow();
    expect(() => RevocationList.fromString(list([1, ofAuthority(CA.blob(), 0x39, extension(1))]))).toThrow(BadKeyError);
    expect(() => RevocationList.fromString(list([1, ofAuthority(CA.blob(), 0x30, u64())]))).toThrow(BadKeyError);
    expect(() => RevocationList.fromString(list([1, ofAuthority(CA.blob(), 0x21, u64(1n, 2n, 3n))]))).toThrow(
      BadKeyError,
    );
  });

  test("is malformed when it is cut", () => {
    const whole = list([2, strings(ED25519.blob())], [1, ofAuthority(CA.blob(), 0x21, u64(1n, 2n))]);
    const fits = [list(), list([2, strings(ED25519.blob())])].map((each) => each.length);
    for (let length = 0; length < whole.length; length++) {
      if (fits.includes(length)) continue;
      expect(() => RevocationList.fromString(whole.subarray(0, length))).toThrow(BadKeyError);
    }
    expect(() => RevocationList.fromString(Buffer.alloc(16 * 1024 * 1024 + 1))).toThrow(BadKeyError);
  });
});

describe.skipIf(spawnSync("ssh-keygen", ["-?"]).error !== undefined)("ssh-keygen -k", () => {
  const folder = mkdtempSync(join(tmpdir(), "krl-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  test("writes lists that we read", async () => {
    writeFileSync(join(folder, "ca.pub"), CA.public().toString("openssh"));
    const line = (key: Key): string => key.public().toString("openssh").toString();
    const serials = Array.from({ length: 40 }, (_, index) => `serial: ${1000 + 2 * index}`);
    const specification = [
      "serial: 1-100",
      ...serials,
      "serial: 18446744073709551615",
      "id: stolen",
      `key: ${line(P256)}`,
      `sha1: ${line(P384)}`,
      `sha256: ${line(RSA)}`,
    ];
    writeFileSync(join(folder, "spec"), specification.join("\n"));
    execFileSync("ssh-keygen", ["-q", "-k", "-f", "krl", "-s", "ca.pub", "-z", "3", "spec"], { cwd: folder });
    const revoked = RevocationList.fromString(readFileSync(join(folder, "krl")));
    expect(revoked.version).toBe(3n);
    for (const key of [P256, P384, RSA]) expect(revoked.isRevoked(key)).toBe(true);
    expect(revoked.isRevoked(ED25519)).toBe(false);
    for (const serial of [1n, 50n, 100n, 1000n, 1002n, 1078n, 2n ** 64n - 1n]) {
      expect(revoked.isRevoked(await certificate(serial))).toBe(true);
    }
    for (const serial of [0n, 101n, 999n, 1001n, 1080n, 2n ** 63n]) {
      expect(revoked.isRevoked(await certificate(serial))).toBe(false);
    }
    expect(revoked.isRevoked(await certificate(0n, "stolen"))).toBe(true);
    expect(revoked.isRevoked(await certificate(0n, "kept"))).toBe(false);
    expect(revoked.isRevoked(await certificate(50n, "id", OTHER_CA))).toBe(false);
  });
});
