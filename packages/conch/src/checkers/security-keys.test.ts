/** What a security key must prove, by the options of its line, its certificate's, or those of the line of the authority. */
import { createHash } from "node:crypto";
import { SSHPrivateKey } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { describe, expect, test } from "vitest";
import { AuthorizedKey, InMemorySSHKeyDB, SSHPublicKeyChecker } from "../checkers.js";
import { Certificate } from "../keys/certificate.js";
import { Key } from "../ssh/keys.js";
import { Reader } from "../wire/reader.js";
import { NS } from "../userauth/fixtures.test.support.js";

const authority = Key.generate("ed25519");
const data = Buffer.from("what is signed");
const lineOf = (key: Key) => key.public().toString("openssh").toString();

/** A security key that is none, and what it signs with. */
function securityKey(type: "ed25519" | "ecdsa") {
  const signer = type === "ed25519" ? Key.generate("ed25519") : Key.generate("ecdsa", 256);
  const fields = new Reader(signer.public().blob());
  const name = fields.text();
  const parts = type === "ed25519" ? [fields.string()] : [fields.string(), fields.string()];
  const sshType = `sk-${name}@openssh.com`;
  return { signer, sshType, key: Key.fromString(NS(sshType, ...parts, "ssh:"), "blob") };
}

type SecurityKey = ReturnType<typeof securityKey>;

/** Touched and verified, as its flags say (PROTOCOL.u2f). */
function sign({ signer, sshType }: SecurityKey, flags: number): Buffer {
  const tail = Buffer.of(flags, 0, 0, 0, 9);
  const hash = (text: string | Buffer) => createHash("sha256").update(text).digest();
  const signature = signer.sign(Buffer.concat([hash("ssh:"), tail, hash(data)]));
  return Buffer.concat([NS(sshType), signature.subarray(4 + signature.readUInt32BE()), tail]);
}

const [TOUCHED, VERIFIED] = [0x01, 0x04];
const ALL = [0, TOUCHED, VERIFIED, TOUCHED | VERIFIED];

/** Those of the four signatures that log in. */
async function accepted(checker: SSHPublicKeyChecker, key: SecurityKey, blob: Buffer): Promise<number[]> {
  const good: number[] = [];
  for (const flags of ALL) {
    const login = new SSHPrivateKey("alice", key.sshType, blob, data, sign(key, flags));
    const outcome = await checker.requestAvatarId(login).addErrback((reason) => reason.value);
    if (outcome === "alice") good.push(flags);
    else expect(outcome).toBeInstanceOf(UnauthorizedLogin);
  }
  return good;
}

const known = (line: string) =>
  new SSHPublicKeyChecker(new InMemorySSHKeyDB({ alice: [AuthorizedKey.fromString(line)] }));

for (const type of ["ed25519", "ecdsa"] as const) {
  const key = securityKey(type);

  describe(`a ${type} security key`, () => {
    for (const [options, good] of [
      ["", [1, 5]],
      ["no-touch-required ", [0, 1, 4, 5]],
      ["verify-required ", [5]],
      ["no-touch-required,verify-required ", [4, 5]],
    ] as const) {
      test(`with the options "${options.trim()}" logs in by what they ask for`, async () => {
        expect(await accepted(known(`${options}${lineOf(key.key)}`), key, key.key.blob())).toEqual(good);
      });
    }

    for (const [options, touchless, verified, good] of [
      ["", false, false, [1, 5]],
      ["", true, false, [1, 5]],
      [",no-touch-required", false, false, [1, 5]],
      [",no-touch-required", true, false, [0, 1, 4, 5]],
      ["", false, true, [5]],
      [",verify-required", false, false, [5]],
      [",verify-required", true, false, [5]],
      [",no-touch-required,verify-required", true, false, [4, 5]],
      [",no-touch-required", true, true, [4, 5]],
    ] as const) {
      const says = [touchless && "no-touch-required", verified && "verify-required"].filter(Boolean).join(", ");
      test(`with a certificate (${says}) by the line "cert-authority${options}" logs in by what both ask for`, async () => {
        const { blob } = await certificate(key.key, touchless, verified);
        expect(await accepted(known(`cert-authority${options} ${lineOf(authority)}`), key, blob)).toEqual(good);
      });
    }

    test("with a certificate of an authority that is trusted for all logs in by what the certificate asks for", async () => {
      const checker = new SSHPublicKeyChecker(new InMemorySSHKeyDB({}), { trustedUserCAKeys: [authority.public()] });
      for (const [touchless, verified, good] of [
        [false, false, [1, 5]],
        [true, false, [0, 1, 4, 5]],
        [false, true, [5]],
        [true, true, [4, 5]],
      ] as const) {
        const { blob } = await certificate(key.key, touchless, verified);
        expect(await accepted(checker, key, blob)).toEqual(good);
      }
    });
  });
}

test("verify-required refuses a key that can prove nothing of the kind", async () => {
  const key = Key.generate("ed25519");
  const login = new SSHPrivateKey("alice", "ssh-ed25519", key.blob(), data, key.sign(data));
  await expect(known(`verify-required ${lineOf(key)}`).requestAvatarId(login)).rejects.toThrow(UnauthorizedLogin);
  const { blob } = await certificate(key.public(), false, false);
  const certified = new SSHPrivateKey("alice", "ssh-ed25519", blob, data, key.sign(data));
  const line = `cert-authority,verify-required ${lineOf(authority)}`;
  await expect(known(line).requestAvatarId(certified)).rejects.toThrow(UnauthorizedLogin);
  expect(await known(`cert-authority ${lineOf(authority)}`).requestAvatarId(certified)).toBe("alice");
});

async function certificate(key: Key, touchless: boolean, verified: boolean): Promise<Certificate> {
  return Certificate.issue(authority, {
    kind: "user",
    keyId: "id",
    principals: ["alice"],
    validBefore: Infinity,
    key,
    extensions: new Map(touchless ? [["no-touch-required", ""]] : []),
    criticalOptions: new Map(verified ? [["verify-required", ""]] : []),
  });
}
