/** Revocation lists, signatures of files and certificates go both ways between Strombus and ssh-keygen. */
import { Certificate } from "@strombus/conch/keys/certificate";
import { RevocationList } from "@strombus/conch/keys/krl";
import { signMessage, verifyMessage } from "@strombus/conch/keys/sshsig";
import { Key } from "@strombus/conch/ssh/keys";
import { afterAll, describe, expect, test } from "vitest";
import { Reader } from "../../packages/conch/src/wire/reader.js";
import { PeerFolder } from "../support/interop-folder.js";
import { fingerprint } from "../support/interop-keys.js";
import { peers } from "../support/peers.js";

const KEYS = [
  Key.generate("ed25519"),
  ...[256, 384, 521].map((bits) => Key.generate("ecdsa", bits)),
  Key.generate("rsa", 2048),
];
const [user, ...others] = KEYS as [Key, Key, Key, Key, Key];
const authority = Key.generate("ed25519");
const otherAuthority = Key.generate("ecdsa", 256);
const line = (key: Key): string => key.public().toString("openssh").toString();
const certificateLine = ({ sshType, blob }: Certificate): string => `${sshType} ${blob.toString("base64")}`;

function issue(serial: bigint, keyId = "kept", by = authority, key = user): Promise<Certificate> {
  return Certificate.issue(by, {
    key,
    kind: "user",
    serial,
    keyId,
    principals: ["alice"],
    validBefore: Infinity,
  });
}

const SERIALS = [0n, 1n, 5n, 6n, 100n, 101n, 999n, 1000n, 1001n, 1078n, 1080n, 1000000n, 2n ** 63n, 2n ** 64n - 1n];

/** Which of them are revoked. */
async function everything(): Promise<(Key | Certificate)[]> {
  const certificates = await Promise.all([
    ...SERIALS.map((serial) => issue(serial)),
    issue(0n, "stolen"),
    issue(5n, "kept", otherAuthority),
    issue(0n, "stolen", otherAuthority),
    issue(0n, "kept", otherAuthority, others[3]),
  ]);
  return [...KEYS, authority, otherAuthority, ...certificates];
}
const asked = everything();

/** The types of a list's sections, and of what stands in those of certificates (PROTOCOL.krl). */
function sectionTypes(krl: Buffer): number[] {
  const from = new Reader(krl.subarray(36)); // magic, format, version, time and flags
  from.string(); // reserved
  from.string(); // the comment
  const types: number[] = [];
  while (from.remaining > 0) {
    const type = from.byte();
    const body = new Reader(from.string());
    types.push(type);
    if (type !== 1) continue;
    body.string(); // the authority
    body.string(); // reserved
    while (body.remaining > 0) {
      types.push(body.byte());
      body.string();
    }
  }
  return types;
}

for (const [name, prefix] of [
  ["OpenSSH 10", peers()],
  ["OpenSSH here", []],
] as const) {
  describe(`ssh-keygen of ${name}`, () => {
    const folder = new PeerFolder(prefix);
    afterAll(() => folder.remove());
    const keygen = (...args: string[]) => folder.run("ssh-keygen", ...args);

    /** Is each of {@link asked} revoked, in the words of ssh-keygen? */
    async function theirVerdicts(krl: string): Promise<boolean[]> {
      const lines = (await asked).map((each) => (each instanceof Key ? line(each) : certificateLine(each)));
      files ??= lines.map((each, index) => folder.put(`asked-${index}.pub`, `${each}\n`));
      const script = 'krl=$1; shift; for file; do ssh-keygen -Q -f "$krl" "$file" || true; done';
      const answers = folder
        .run("sh", "-c", script, "sh", krl, ...files)
        .trim()
        .split("\n");
      return answers.map((answer) => answer.endsWith("REVOKED"));
    }
    let files: string[] | undefined;

    // What the section of each type makes ssh-keygen write, by the words of its specification.
    const SECTIONS: readonly (readonly [what: string, type: number, specification: readonly string[]])[] = [
      ["keys by themselves", 2, [`key: ${line(others[0])}`, `key: ${line(others[3])}`]],
      ["keys by SHA-1", 3, [`sha1: ${line(others[0])}`]],
      ["keys by SHA-256", 5, [`sha256: ${line(others[1])}`]],
      ["keys by their fingerprint", 5, [`hash: ${fingerprint(user)}`]],
      ["an authority", 2, [`key: ${line(authority)}`]],
      ["serial numbers, a list", 0x20, ["serial: 5", "serial: 1000000", "serial: 18446744073709551615"]],
      ["serial numbers, a range", 0x21, ["serial: 1-100"]],
      ["serial numbers, a bitmap", 0x22, Array.from({ length: 40 }, (_, index) => `serial: ${1000 + 2 * index}`)],
      ["key ids", 0x23, ["id: stolen", "id: lost"]],
    ];

    /** Makes a list of what one authority has signed, and compares our verdicts with ssh-keygen's. */
    async function compare(specification: readonly string[]): Promise<{ krl: Buffer; verdicts: boolean[] }> {
      const path = `${folder.path}/krl`;
      const ca = folder.put("ca.pub", `${line(authority)}\n`);
      keygen("-q", "-k", "-f", path, "-s", ca, "-z", "3", folder.put("spec", `${specification.join("\n")}\n`));
      const krl = folder.read(path);
      const list = RevocationList.fromString(krl);
      expect(list.version).toBe(3n);
      const verdicts = (await asked).map((each) => list.isRevoked(each));
      expect(verdicts).toEqual(await theirVerdicts(path));
      return { krl, verdicts };
    }

    for (const [what, type, specification] of SECTIONS) {
      test(`revokes ${what} for us as for itself`, async () => {
        const { krl, verdicts } = await compare(specification);
        expect(sectionTypes(krl)).toContain(type);
        expect(new Set(verdicts), "some and not all").toEqual(new Set([true, false]));
      });
    }

    test("revokes all of that in one list for us as for itself", async () => {
      const { krl } = await compare(SECTIONS.flatMap(([, , specification]) => specification));
      expect(new Set(sectionTypes(krl))).toEqual(new Set([1, ...SECTIONS.map(([, type]) => type)]));
    });

    test("has its lists added to", async () => {
      const krl = `${folder.path}/grown`;
      keygen("-q", "-k", "-f", krl, folder.put("first.pub", `${line(others[0])}\n`));
      keygen(
        "-q",
        "-k",
        "-u",
        "-f",
        krl,
        "-s",
        folder.put("ca.pub", line(authority)),
        folder.put("spec", "serial: 7\n"),
      );
      const list = RevocationList.fromString(folder.read(krl));
      expect([list.isRevoked(others[0]), list.isRevoked(await issue(7n))]).toEqual([true, true]);
      expect([list.isRevoked(user), list.isRevoked(await issue(8n))]).toEqual([false, false]);
    });

    for (const [index, key] of KEYS.entries()) {
      test(`-Y verifies what ${key.sshType()} of ours signs, and signs what we verify`, async () => {
        const file = folder.put(`key-${index}`, key.toString("openssh", { subtype: "v1" }));
        folder.put(`key-${index}.pub`, `${line(key)}\n`);
        const signers = folder.put(`signers-${index}`, `alice ${line(key)}\n`);
        const message = folder.put(`message-${index}`, "message\n");
        const verify = 'ssh-keygen -Y verify -n file -I alice -f "$1" -s "$2" <"$3" 2>&1 || true';
        for (const hash of ["sha256", "sha512"] as const) {
          const signature = folder.put("signature", await signMessage(key, "message\n", { namespace: "file", hash }));
          expect(folder.run("sh", "-c", verify, "sh", signers, signature, message)).toContain('Good "file" signature');
          const other = folder.put("other", "another message\n");
          expect(folder.run("sh", "-c", verify, "sh", signers, signature, other)).not.toContain("Good");

          folder.run("sh", "-c", 'rm -f "$0"', `${message}.sig`);
          keygen("-q", "-Y", "sign", "-O", `hashalg=${hash}`, "-n", "file", "-f", file, message);
          const theirs = folder.read(`${message}.sig`);
          expect(verifyMessage(theirs, "message\n", "file")?.key.equals(key.public())).toBe(true);
          expect(verifyMessage(theirs, "message\n", "git")).toBe(null);
          expect(verifyMessage(theirs, "another message\n", "file")).toBe(null);
        }
      });
    }

    test("-Y verifies what a certificate of ours signs for a principal, and signs by one what we verify", async () => {
      const certificate = await issue(1n);
      const file = folder.put("certified", user.toString("openssh", { subtype: "v1" }));
      folder.put("certified.pub", `${line(user)}\n`);
      const shown = folder.put("certified-cert.pub", `${certificateLine(certificate)}\n`);
      const signer = {
        sshType: () => certificate.sshType,
        blob: () => certificate.blob,
        supportedSignatureAlgorithms: () => user.supportedSignatureAlgorithms(),
        sign: (data: Uint8Array | string) => user.sign(data),
      };
      const signers = folder.put("authorities", `* cert-authority ${line(authority)}\n`);
      const signature = folder.put("signature", await signMessage(signer, "message\n", { namespace: "file" }));
      const message = folder.put("message", "message\n");
      const verify = 'ssh-keygen -Y verify -n file -I alice -f "$1" -s "$2" <"$3" 2>&1 || true';
      expect(folder.run("sh", "-c", verify, "sh", signers, signature, message)).toContain("Good");
      keygen("-q", "-Y", "sign", "-n", "file", "-f", shown, message);
      expect(file).toBe(shown.replace("-cert.pub", ""));
      const theirs = verifyMessage(folder.read(`${message}.sig`), "message\n", "file");
      expect(theirs?.certificate?.authority.equals(authority.public())).toBe(true);
    });
  });
}
