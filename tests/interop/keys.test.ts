/** Key files go both ways between Strombus, ssh-keygen and puttygen: what they write is read, with their fingerprints. */
import { Certificate } from "@strombus/conch/keys/certificate";
import { signMessage, verifyMessage } from "@strombus/conch/keys/sshsig";
import { BadKeyError, EncryptedKeyError, FingerprintFormats, Key } from "@strombus/conch/ssh/keys";
import { afterAll, describe, expect, test, vi } from "vitest";
import { PeerFolder } from "../support/interop-folder.js";
import { fingerprint } from "../support/interop-keys.js";
import { peers } from "../support/peers.js";

const SECRET = "correct horse";

const there = peers();

/** The errors that reading may give. */
const isOurs = (error: unknown): boolean => error instanceof BadKeyError || error instanceof EncryptedKeyError;

/** What is wrong with how a private file is read, whole and as it is; null when nothing is. */
function misreading(file: Buffer, passphrase: string, theirs: string): string | null {
  const key = Key.fromString(file, { passphrase });
  if (fingerprint(key) !== theirs) return `it has the fingerprint ${fingerprint(key)} instead of ${theirs}`;
  return key.isPublic() ? "only its public half was read" : null;
}

/** What is wrong with how a private file is read, under any passphrase and damaged too; null when nothing is. */
function flawOf(file: Buffer, passphrase: string, theirs: string): string | null {
  const flaw = misreading(file, passphrase, theirs);
  if (flaw !== null) return flaw;
  if (passphrase !== "") {
    if (!(failure(file, "wrong") instanceof BadKeyError)) return "a wrong passphrase is no BadKeyError";
    if (!(failure(file, "") instanceof EncryptedKeyError)) return "no passphrase is no EncryptedKeyError";
  }
  return damageOf(file, passphrase);
}

/** Cut short and with bytes changed, in a dozen places; in three where each takes a key derivation. */
function damageOf(file: Buffer, passphrase: string): string | null {
  const length = passphrase === "" ? 12 : 3;
  const places = Array.from({ length }, (_, index) => Math.floor(((index + 0.5) * file.length) / length));
  for (const at of places) {
    if (!isOurs(failure(file.subarray(0, at), passphrase))) return `cut at ${at} it gives no error of ours`;
    const changed = Buffer.from(file);
    changed[at]! ^= 0x15;
    const error = failure(changed, passphrase);
    if (error !== null && !isOurs(error)) return `changed at ${at} it gives ${(error as Error).stack}`;
  }
  return null;
}

function failure(file: Buffer, passphrase: string): unknown {
  try {
    Key.fromString(file, { passphrase });
    return null;
  } catch (error) {
    return error;
  }
}

const TYPES = [
  ["ed25519", "256"],
  ["ecdsa", "256"],
  ["ecdsa", "384"],
  ["ecdsa", "521"],
  ["rsa", "2048"],
] as const;

/** What has one form of its private file, openssh-key-v1. */
const ONE_FORM = new Set(["ed25519", "mldsa44-ed25519"]);

const OURS = TYPES.map(([type, bits]) => Key.generate(type, type === "ed25519" ? undefined : Number(bits)));

/** What we write of each private key; bcrypt's usual rounds, which take their time, for one of them alone. */
const FILES = OURS.flatMap((key, index) =>
  (key.type() === "Ed25519" ? ["v1", "PKCS8"] : ["v1", "PEM", "PKCS8"]).flatMap((subtype) =>
    ["", SECRET].map((passphrase) => ({
      key,
      subtype,
      passphrase,
      file: key.toString("openssh", { subtype, passphrase, rounds: index === 0 ? null : 2 }),
    })),
  ),
);

vi.setConfig({ testTimeout: 180_000 }); // each file is read two dozen times

for (const [name, prefix, more, readsEd25519InPkcs8] of [
  ["OpenSSH 10", there, [["mldsa44-ed25519", "512"]], true],
  ["OpenSSH here", [], [["dsa", "1024"]], false], // since 9.6
] as const) {
  describe(`ssh-keygen of ${name}`, () => {
    const folder = new PeerFolder(prefix);
    afterAll(() => folder.remove());
    const keygen = (...args: string[]) => folder.run("ssh-keygen", ...args);
    const fingerprintOf = (path: string, ...args: string[]) => keygen("-l", ...args, "-f", path).split(" ")[1]!;

    for (const [type, bits] of [...TYPES, ...more]) {
      test(`writes no file of ${type} ${bits} that we misread`, () => {
        // There is one form of it.
        for (const format of ONE_FORM.has(type) ? ["RFC4716"] : ["RFC4716", "PEM", "PKCS8"]) {
          for (const passphrase of ["", SECRET]) {
            const path = `${folder.path}/${type}-${bits}-${format}-${passphrase.length}`;
            keygen("-q", "-t", type, "-b", bits, "-m", format, "-N", passphrase, "-a", "1", "-C", "a key", "-f", path);
            const theirs = fingerprintOf(`${path}.pub`);
            expect(flawOf(folder.read(path), passphrase, theirs), `${format} ${passphrase}`).toBe(null);
            const line = Key.fromString(folder.read(`${path}.pub`));
            expect(fingerprint(line)).toBe(theirs);
            expect(`MD5:${line.fingerprint(FingerprintFormats.MD5_HEX)}`).toBe(
              fingerprintOf(`${path}.pub`, "-E", "md5"),
            );
          }
        }
        const path = `${folder.path}/${type}-${bits}-RFC4716-0`;
        for (const format of ONE_FORM.has(type) ? ["RFC4716"] : ["RFC4716", "PKCS8", "PEM"]) {
          const exported = Buffer.from(keygen("-e", "-m", format, "-f", path));
          expect(fingerprint(Key.fromString(exported)), exported.toString()).toBe(fingerprintOf(`${path}.pub`));
        }
      });
    }

    test("reads each file that we write", () => {
      for (const [index, key] of OURS.entries()) {
        const line = key.public().toString("openssh").toString();
        const publicFile = folder.put(`ours-${index}.pub`, `${line}\n`);
        expect(fingerprintOf(publicFile)).toBe(fingerprint(key));
        const standard = folder.put(`ours-${index}.rfc4716`, key.toString("rfc4716", { comment: "from us" }));
        expect(keygen("-i", "-m", "RFC4716", "-f", standard).trim()).toBe(line);
      }
      for (const [index, { key, subtype, passphrase, file }] of FILES.entries()) {
        if (key.type() === "Ed25519" && subtype === "PKCS8" && !readsEd25519InPkcs8) continue;
        const path = folder.put(`ours-${index}`, file);
        const line = key.public().toString("openssh").toString();
        expect(keygen("-y", "-P", passphrase, "-f", path).trim(), `${key.sshType()} ${subtype}`).toBe(line);
      }
    });

    test("draws the same pictures", () => {
      for (const [index, key] of OURS.entries()) {
        const path = folder.put(`art-${index}.pub`, `${key.public().toString("openssh").toString()}\n`);
        expect(keygen("-l", "-v", "-f", path)).toContain(key.randomArt());
      }
    });
  });
}

describe("puttygen", () => {
  const folder = new PeerFolder(there);
  afterAll(() => folder.remove());
  const puttygen = (...args: string[]) => folder.run("puttygen", ...args);
  const secretFile = folder.put("secret", SECRET);
  const none = folder.put("none", "");
  const newPassphrase = (passphrase: string) => ["--new-passphrase", passphrase === "" ? none : secretFile];

  // Key derivations as cheap as puttygen makes them; as it does by itself, which it takes a tenth of a second for, once.
  const PRIVATE = [
    ["private", ["--ppk-param", "kdf=argon2id,passes=2,memory=1024"]],
    ["private", ["--ppk-param", "version=2"]],
    ["private", ["--ppk-param", "kdf=argon2i,passes=2,memory=1024"]],
    ["private", ["--ppk-param", "kdf=argon2d,passes=2,memory=1024,parallelism=2"]],
    ["private-openssh", []],
    ["private-openssh-new", []],
    ["private-sshcom", []],
  ] as const;

  for (const [type, bits] of [...TYPES, ["ed448", "448"], ["dsa", "1024"]] as const) {
    test(`writes no file of ${type} ${bits} that we misread`, () => {
      const made = `${folder.path}/${type}-${bits}`;
      const size = type.startsWith("ed") ? [] : ["-b", bits];
      puttygen("-q", "-t", type, ...size, "-C", "a key", ...newPassphrase(""), "-o", made);
      const theirs = /SHA256:\S+/.exec(puttygen("-l", "-E", "sha256", made))![0];
      const md5 = /(?:[0-9a-f]{2}:){15}[0-9a-f]{2}/.exec(puttygen("-l", "-E", "md5", made))![0];
      expect(Key.fromString(folder.read(made)).fingerprint(FingerprintFormats.MD5_HEX)).toBe(md5);
      for (const [form, options] of PRIVATE) {
        if (form === "private-sshcom" && type !== "rsa" && type !== "dsa") continue;
        for (const passphrase of ["", SECRET]) {
          puttygen(made, "-P", "-O", form, ...options, ...newPassphrase(passphrase), "-o", `${made}.out`);
          const file = folder.read(`${made}.out`);
          // Its rounds of bcrypt are not ours to choose; damage to such a file is tried for one type.
          const isSlow = form === "private-openssh-new" && passphrase !== "" && type !== "ed25519";
          const flaw = isSlow ? misreading(file, passphrase, theirs) : flawOf(file, passphrase, theirs);
          expect(flaw, [form, ...options].join(" ")).toBe(null);
        }
      }
      for (const form of ["public", "public-openssh"]) {
        puttygen(made, "-O", form, "-o", `${made}.pub`);
        expect(fingerprint(Key.fromString(folder.read(`${made}.pub`)))).toBe(theirs);
      }
    });
  }

  test("writes a file that we read when nobody chooses its parameters", () => {
    const made = `${folder.path}/usual`;
    puttygen("-q", "-t", "ed25519", ...newPassphrase(SECRET), "-o", made);
    const theirs = /SHA256:\S+/.exec(puttygen("-l", "-E", "sha256", made))![0];
    expect(flawOf(folder.read(made), SECRET, theirs)).toBe(null);
  });

  test("reads each private file that we write but PKCS#8, which it does not know", () => {
    for (const [index, { key, subtype, passphrase, file }] of FILES.entries()) {
      const path = folder.put(`ours-${index}`, file);
      const old = passphrase === "" ? [] : ["--old-passphrase", secretFile];
      const convert = () => puttygen(path, ...old, "-P", ...newPassphrase(""), "-o", `${path}.ppk`);
      if (subtype === "PKCS8") {
        expect(convert).toThrow("unrecognised key type");
        continue;
      }
      convert();
      expect(puttygen("-l", "-E", "sha256", `${path}.ppk`)).toContain(fingerprint(key));
    }
    for (const [index, key] of OURS.entries()) {
      const standard = folder.put(`ours-${index}.pub`, key.toString("rfc4716", { comment: "from us" }));
      expect(puttygen("-l", "-E", "sha256", standard)).toContain(fingerprint(key));
      const line = folder.put(`ours-${index}.line`, key.public().toString("openssh", { comment: "from us" }));
      expect(puttygen("-l", "-E", "sha256", line)).toContain(fingerprint(key));
    }
  });

  test("reads a private key of Ed448 that we write", () => {
    const key = Key.generate("ed448");
    for (const passphrase of ["", SECRET]) {
      const path = folder.put("our-ed448", key.toString("openssh", { passphrase, rounds: 2 }));
      const old = passphrase === "" ? [] : ["--old-passphrase", secretFile];
      puttygen(path, ...old, "-P", ...newPassphrase(""), "-o", `${path}.ppk`);
      expect(Key.fromString(folder.read(`${path}.ppk`)).equals(key)).toBe(true);
    }
  });

  test("writes keys of SSH 1, which we refuse by an error of the sheet", () => {
    const made = `${folder.path}/rsa1`;
    puttygen("-q", "-t", "rsa1", "-b", "1024", ...newPassphrase(""), "-o", made);
    expect(() => Key.fromString(folder.read(made))).toThrow(BadKeyError);
  });
});

describe("ML-DSA-44 with Ed25519, and OpenSSH 10", () => {
  const folder = new PeerFolder(there);
  afterAll(() => folder.remove());
  const keygen = (...args: string[]) => folder.run("ssh-keygen", ...args);
  const key = Key.generate("mldsa44-ed25519");
  const line = key.public().toString("openssh").toString();

  test("it reads our file, and draws the same picture", () => {
    for (const passphrase of ["", SECRET]) {
      const path = folder.put("ours", key.toString("openssh", { passphrase, rounds: 2 }));
      expect(keygen("-y", "-P", passphrase, "-f", path).trim()).toBe(line);
    }
    expect(keygen("-l", "-v", "-f", folder.put("ours.pub", `${line}\n`))).toContain(key.randomArt());
  });

  test("each verifies what the other has signed", async () => {
    const signed = folder.put("ours.sig", await signMessage(key, "a text", { namespace: "file" }));
    const allowed = folder.put("allowed", `me ${line}\n`);
    const verify = `ssh-keygen -Y verify -f ${allowed} -I me -n file -s ${signed}`;
    expect(folder.run("sh", "-c", `printf 'a text' | ${verify}`)).toContain("Good");
    expect(() => folder.run("sh", "-c", `printf 'another' | ${verify}`)).toThrow();
    const path = folder.put("signer", key.toString("openssh"));
    const theirs = folder.run("sh", "-c", `printf 'a text' | ssh-keygen -q -Y sign -f ${path} -n file`);
    expect(verifyMessage(theirs, "a text", "file")?.key.equals(key.public())).toBe(true);
    expect(verifyMessage(theirs, "another", "file")).toBe(null);
  });

  test("each takes the other's certificates of it", async () => {
    const authority = Key.generate("mldsa44-ed25519");
    const ca = folder.put("ca", authority.toString("openssh"));
    const subject = folder.put("subject.pub", `${line}\n`);
    keygen("-q", "-s", ca, "-I", "theirs", "-n", "alice", subject);
    const theirs = Certificate.fromString(folder.read(subject.replace(".pub", "-cert.pub")));
    expect(theirs.sshType).toBe("ssh-mldsa44-ed25519-cert");
    const rules = {
      kind: "user",
      principal: "alice",
      now: Date.now() / 1000,
      authorities: [authority.public()],
    } as const;
    expect(() => theirs.check(rules)).not.toThrow();
    expect(() => theirs.check({ ...rules, authorities: [key.public()] })).toThrow();
    const ours = await Certificate.issue(authority, {
      key: key.public(),
      kind: "user",
      keyId: "ours",
      principals: ["alice"],
      validBefore: Infinity,
    });
    const text = keygen("-L", "-f", folder.put("ours-cert.pub", `${ours.toString()}\n`));
    expect(text).toContain("ssh-mldsa44-ed25519-cert");
    expect(text).toContain(`Signing CA: MLDSA44-ED25519 ${fingerprint(authority)}`);
  });
});
