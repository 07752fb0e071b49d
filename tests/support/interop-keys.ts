/** The keys of the interop tests: one of each type for the host and one for the user, made anew in each run. */
import { FingerprintFormats, Key } from "@strombus/conch/ssh/keys";
import { rsaKey } from "./rsa.js";

/** By the format of the key: the RSA one signs under three names. */
export type Keys = ReadonlyMap<string, Key>;

/** Those that some peers have never heard of. */
export const NEWER = ["ssh-ed448", "ssh-mldsa44-ed25519"] as const;

export function makeKeys(whose: "host" | "user", newer: readonly string[] = NEWER): Keys {
  const keys = [
    Key.generate("ed25519"),
    ...[256, 384, 521].map((bits) => Key.generate("ecdsa", bits)),
    rsaKey(whose === "host" ? 0 : 1),
    ...(["ed448", "mldsa44-ed25519"] as const)
      .filter((type) => newer.includes(`ssh-${type}`))
      .map((type) => Key.generate(type)),
  ];
  return new Map(keys.map((key) => [key.sshType(), key]));
}

export function isNewer(sshType: string): boolean {
  return NEWER.some((type) => type === sshType);
}

/** The key that signs by `algorithm`, if there is one. */
export function keyFor(keys: Keys, algorithm: string): Key | undefined {
  return [...keys.values()].find((key) => key.supportedSignatureAlgorithms().includes(algorithm));
}

/** As a file of OpenSSH's, which every peer reads or converts; Paramiko misreads some that have no comment. */
export function privateFile(key: Key): Buffer {
  return key.toString("openssh", { subtype: "v1", comment: "interop" });
}

/** A line of an `authorized_keys` file. */
export function publicLine(key: Key): string {
  return `${key.public().toString("openssh").toString()}\n`;
}

/** As OpenSSH and PuTTY write it. */
export function fingerprint(key: Key): string {
  return `SHA256:${key.fingerprint(FingerprintFormats.SHA256_BASE64).replace(/=+$/, "")}`;
}
