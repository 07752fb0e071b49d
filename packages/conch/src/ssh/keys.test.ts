/** Keys as Twisted has them, and what its tests pin. */
import { createHash, createPublicKey, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { RuntimeError, ValueError } from "@strombus/reactor/exceptions";
import {
  RSA,
  DSA,
  P256,
  P384,
  P521,
  ED25519,
  ED448,
  KEYS,
  MLDSA44_ED25519,
  PKCS8_KEYS,
  PEM_KEYS,
  SK_ED25519,
  SK_ECDSA,
  strings,
  numbers,
  point,
  secret,
  line,
} from "../keys/keys.test.fixtures.js";
import {
  BadFingerPrintFormat,
  BadKeyError,
  EncryptedKeyError,
  FingerprintFormats,
  Key,
  PassphraseNormalizationError,
  _getPersistentRSAKey,
} from "./keys.js";
import { Reader } from "../wire/reader.js";

const folder = mkdtempSync(join(tmpdir(), "keys-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("reading", () => {
  for (const key of KEYS) {
    const name = key.sshType();

    test(`${name}: a line, a blob and a private blob are read as they were written`, () => {
      expect(Key.fromString(key.public().toString("openssh")).equals(key.public())).toBe(true);
      expect(Key.fromString(key.blob()).equals(key.public())).toBe(true);
      expect(Key.fromString(key.privateBlob(), "private_blob").equals(key)).toBe(true);
      expect(Key.fromString(key.privateBlob(), "PRIVATE_BLOB").privateBlob()).toEqual(key.privateBlob());
    });

    test(`${name}: the v1 form is read, also with CRLF and blank space behind`, () => {
      const v1 = key.toString("openssh", { subtype: "v1", comment: "c" }).toString();
      expect(v1.split("\n")[0]).toBe("-----BEGIN OPENSSH PRIVATE KEY-----");
      for (const text of [v1, v1.trimEnd(), `${v1}\n\n`, v1.replaceAll("\n", "\r\n")]) {
        expect(Key.fromString(text).equals(key)).toBe(true);
      }
    });

    test(`${name}: a passphrase is ignored by a v1 file that is not encrypted`, () => {
      expect(Key.fromString(key.toString("openssh", { subtype: "v1" }), null, "unused").equals(key)).toBe(true);
    });
  }

  test.each(["pkcs1", "spki"] as const)(
    "a public RSA key is read from PEM as %s, which ssh-keygen -e writes",
    (type) => {
      const half = createPublicKey(RSA.toString("openssh"));
      expect(Key.fromString(half.export({ type, format: "pem" })).equals(RSA.public())).toBe(true);
    },
  );

  for (const key of PEM_KEYS) {
    test(`${key.sshType()}: PEM is read, also with CRLF, without its last newline and encrypted`, () => {
      const pem = key.toString("openssh").toString();
      const encrypted = key.toString("openssh", { passphrase: "secret" }).toString();
      for (const text of [pem, pem.trimEnd(), pem.replaceAll("\n", "\r\n")]) {
        expect(Key.fromString(text).equals(key)).toBe(true);
      }
      expect(encrypted).toContain("DEK-Info: AES-128-CBC,");
      expect(Key.fromString(encrypted, null, "secret").equals(key)).toBe(true);
      expect(Key.fromString(encrypted.replaceAll("\n", "\r\n"), null, "secret").equals(key)).toBe(true);
      expect(() => Key.fromString(encrypted)).toThrow(EncryptedKeyError);
      expect(() => Key.fromString(encrypted, null, "")).toThrow(EncryptedKeyError);
      expect(() => Key.fromString(encrypted, null, "wrong")).toThrow(BadKeyError);
      expect(() => Key.fromString(pem, null, "unused")).toThrow("key not encrypted");
    });
  }

  for (const cipher of ["des-ede3-cbc", "aes-128-cbc", "aes-192-cbc", "aes-256-cbc"]) {
    test(`PEM encrypted by ${cipher} is read`, () => {
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const pem = privateKey.export({ type: "sec1", format: "pem", cipher, passphrase: "secret" });
      expect(Key.fromString(pem, null, "secret").equals(new Key(privateKey))).toBe(true);
    });
  }

  for (const key of PKCS8_KEYS) {
    test(`${key.sshType()}: PKCS#8 is written and read, with and without a passphrase`, () => {
      const plain = key.toString("openssh", { subtype: "PKCS8" });
      expect(plain.toString()).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
      expect(Key.fromString(plain).equals(key)).toBe(true);
      const encrypted = key.toString("openssh", { subtype: "PKCS8", passphrase: "secret" });
      expect(encrypted.toString()).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
      expect(Key.fromString(encrypted, null, "secret").equals(key)).toBe(true);
      expect(() => Key.fromString(encrypted)).toThrow(EncryptedKeyError);
      expect(() => Key.fromString(encrypted, null, "wrong")).toThrow(BadKeyError);
    });
  }

  test("an encrypted v1 file opens with its passphrase only", () => {
    const file = ED25519.toString("openssh", { passphrase: "secret", rounds: 2 });
    expect(Key.fromString(file, { passphrase: "secret" }).equals(ED25519)).toBe(true);
    expect(() => Key.fromString(file)).toThrow(EncryptedKeyError);
    expect(() => Key.fromString(file, { passphrase: "wrong" })).toThrow(BadKeyError);
  });

  test("a v1 file is encrypted by aes256-ctr under 100 rounds of bcrypt, or as many as were asked for", () => {
    const headOf = (file: Buffer) => {
      const from = new Reader(Buffer.from(file.toString().replace(/-----.*-----/g, ""), "base64").subarray(15));
      const [cipher, kdf, options] = [from.text(), from.text(), new Reader(from.string())];
      return { cipher, kdf, salt: options.string().length, rounds: options.uint32() };
    };
    const usual = { cipher: "aes256-ctr", kdf: "bcrypt", salt: 16, rounds: 100 };
    expect(headOf(ED25519.toString("openssh", { passphrase: "secret" }))).toEqual(usual);
    expect(headOf(ED25519.toString("openssh", { passphrase: "secret", rounds: 3 }))).toEqual({ ...usual, rounds: 3 });
    for (const rounds of [0, -1, 1.5, 2049, NaN]) {
      expect(() => ED25519.toString("openssh", { passphrase: "secret", rounds })).toThrow(ValueError);
    }
  }, 60_000);

  test("security keys are read from a line and a blob, and keep their blob", () => {
    for (const blob of [SK_ED25519, SK_ECDSA]) {
      const key = Key.fromString(line(blob));
      expect(key.blob()).toEqual(blob);
      expect(key.isPublic()).toBe(true);
      expect(key.equals(Key.fromString(blob))).toBe(true);
    }
    expect(Key.fromString(SK_ED25519).type()).toBe("Ed25519");
    expect(Key.fromString(SK_ED25519).sshType()).toBe("sk-ssh-ed25519@openssh.com");
    expect(Key.fromString(SK_ECDSA).type()).toBe("EC");
    expect(Key.fromString(SK_ECDSA).sshType()).toBe("sk-ecdsa-sha2-nistp256@openssh.com");
  });

  test("security keys without application, or with another curve's name, are read", () => {
    for (const blob of [
      strings("sk-ssh-ed25519@openssh.com", secret(ED25519).a),
      strings("sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", point(P256)),
      strings("sk-ecdsa-sha2-nistp256@openssh.com", "ecdsa-sha2-nistp256", point(P256)),
    ]) {
      expect(Key.fromString(blob).blob()).toEqual(blob);
    }
  });

  test("LSH and agentv3 forms of RSA and DSA are read", () => {
    for (const key of [RSA, DSA]) {
      expect(Key.fromString(key.toString("lsh")).equals(key)).toBe(true);
      expect(Key.fromString(key.public().toString("lsh")).equals(key.public())).toBe(true);
      expect(Key.fromString(key.toString("agentv3")).equals(key)).toBe(true);
    }
  });

  test("fromFile passes type and passphrase on", () => {
    const file = join(folder, "private");
    writeFileSync(file, RSA.privateBlob());
    expect(Key.fromFile(file, "private_blob").equals(RSA)).toBe(true);
    writeFileSync(file, RSA.toString("openssh", { passphrase: "secret" }));
    expect(Key.fromFile(file, null, "secret").equals(RSA)).toBe(true);
    expect(Key.fromFile(file, { passphrase: "secret" }).equals(RSA)).toBe(true);
    expect(() => Key.fromFile(file)).toThrow(EncryptedKeyError);
  });

  test("a key file above 64 KiB is not even read", () => {
    const file = join(folder, "large");
    writeFileSync(file, Buffer.alloc(65_537, 65));
    expect(() => Key.fromFile(file)).toThrow(BadKeyError);
  });

  test("passphrases mean the same in every Unicode form", () => {
    const [composed, decomposed] = ["verschl\u00fcsselt", "verschlu\u0308sselt"];
    for (const [one, other] of [
      [composed, decomposed],
      [decomposed, composed],
    ] as const) {
      expect(Key.fromString(RSA.toString("openssh", { passphrase: one }), null, other).equals(RSA)).toBe(true);
    }
    expect(() => Key.fromString(RSA.toString("openssh"), null, "unassigned \uffff")).toThrow(
      PassphraseNormalizationError,
    );
    expect(() => RSA.toString("openssh", { passphrase: "unassigned \uffff" })).toThrow(PassphraseNormalizationError);
  });
});

describe("a Key of what is none", () => {
  test("null tells that there is no key", () => {
    const key = new Key(null);
    for (const ask of [
      () => key.type(),
      () => key.sshType(),
      () => key.supportedSignatureAlgorithms(),
      () => key.blob(),
      () => key.privateBlob(),
    ]) {
      expect(ask).toThrow(RuntimeError);
    }
    expect(key.size()).toBe(0);
    expect(inspect(key)).toBe("<Key without key>");
  });

  test("a foreign object has no data", () => {
    expect(() => new Key({}).data()).toThrow(RuntimeError);
    expect(() => new Key("garbage").data()).toThrow(RuntimeError);
  });
});

describe("facts about a key", () => {
  const facts = [
    [RSA, "RSA", "ssh-rsa", 2048],
    [DSA, "DSA", "ssh-dss", 1024],
    [P256, "EC", "ecdsa-sha2-nistp256", 256],
    [P384, "EC", "ecdsa-sha2-nistp384", 384],
    [P521, "EC", "ecdsa-sha2-nistp521", 521],
    [ED25519, "Ed25519", "ssh-ed25519", 256],
    [ED448, "Ed448", "ssh-ed448", 448],
    [MLDSA44_ED25519, "MLDSA44-Ed25519", "ssh-mldsa44-ed25519", 512],
  ] as const;
  for (const [key, type, sshType, size] of facts) {
    test(`${sshType}: type, name, size and algorithms`, () => {
      for (const half of [key, key.public()]) {
        expect([half.type(), half.sshType(), half.size()]).toEqual([type, sshType, size]);
        const algorithms = type === "RSA" ? ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] : [sshType];
        expect(half.supportedSignatureAlgorithms()).toEqual(algorithms);
      }
      expect(key.isPublic()).toBe(false);
      expect(key.public().isPublic()).toBe(true);
      const half = key.public();
      expect(half.public()).toBe(half);
    });
  }

  test("data has Twisted's names", () => {
    const names = (key: Key): string[] => Object.keys(key.data()).sort();
    expect(names(RSA)).toEqual(["d", "e", "n", "p", "q", "u"]);
    expect(names(RSA.public())).toEqual(["e", "n"]);
    expect(names(DSA)).toEqual(["g", "p", "q", "x", "y"]);
    expect(names(DSA.public())).toEqual(["g", "p", "q", "y"]);
    expect(names(P384)).toEqual(["curve", "privateValue", "x", "y"]);
    expect(names(P384.public())).toEqual(["curve", "x", "y"]);
    expect(P384.data()["curve"]).toBe("ecdsa-sha2-nistp384");
    expect(names(ED25519)).toEqual(["a", "k"]);
    expect(names(ED25519.public())).toEqual(["a"]);
    const { n, p, q, u } = numbers(RSA);
    expect(p! * q!).toBe(n);
    expect((u! * p!) % q!).toBe(1n);
  });

  test("equal are keys of the same numbers only", () => {
    for (const key of KEYS) {
      expect(key.equals(Key.fromString(key.privateBlob(), "private_blob"))).toBe(true);
      expect(key.public().equals(key.public())).toBe(true);
      expect(key.equals(key.public())).toBe(false);
      expect(key.public().equals(key)).toBe(false);
      for (const other of [null, undefined, "key", {}, key.blob(), new Key(null)]) {
        expect(key.equals(other)).toBe(false);
      }
      for (const other of KEYS) expect(key.equals(other)).toBe(key === other);
    }
    expect(ED25519.equals(Key.generate("ed25519"))).toBe(false);
  });

  test("fingerprints are of the public blob, MD5 by default", () => {
    const md5 = createHash("md5")
      .update(RSA.blob())
      .digest("hex")
      .replace(/..(?!$)/g, "$&:");
    const sha256 = createHash("sha256").update(RSA.blob()).digest("base64");
    expect(RSA.fingerprint()).toBe(md5);
    expect(RSA.fingerprint(FingerprintFormats.MD5_HEX)).toBe(md5);
    expect(RSA.public().fingerprint(FingerprintFormats.SHA256_BASE64)).toBe(sha256);
    expect(() => RSA.fingerprint("sha256-base" as never)).toThrow(
      new BadFingerPrintFormat("Unsupported fingerprint format: sha256-base"),
    );
  });

  test("generate refuses sizes that are of no use", () => {
    expect(() => Key.generate("rsa", 1024)).toThrow(ValueError);
    expect(() => Key.generate("ecdsa", 255)).toThrow(ValueError);
    expect(Key.generate("ecdsa").sshType()).toBe("ecdsa-sha2-nistp256");
  });
});

describe("a persistent RSA key", () => {
  test("is made once, with the size asked, in folders made for it", () => {
    const location = join(folder, "new", "folder", "key");
    const key = _getPersistentRSAKey(location, 1024);
    expect([key.type(), key.size(), key.isPublic()]).toEqual(["RSA", 1024, false]);
    expect(numbers(key)["e"]).toBe(65537n);
    expect(statSync(location).mode & 0o777).toBe(0o600);
    expect(_getPersistentRSAKey(location, 2048).equals(key)).toBe(true);
  });
});
