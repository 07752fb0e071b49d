/** Key exchange methods by name, best first. Which of them a transport offers is its own list. */
import { curve25519 } from "./curve25519.js";
import { ecdh } from "./ecdh.js";
import { group } from "./group.js";
import type { PairMethod } from "./method.js";
import { mlkem768x25519 } from "./mlkem768x25519.js";

const rows: readonly PairMethod[] = [
  mlkem768x25519(),
  curve25519("curve25519-sha256"),
  curve25519("curve25519-sha256@libssh.org"),
  ecdh("ecdh-sha2-nistp256", "prime256v1", 32, "sha256"),
  ecdh("ecdh-sha2-nistp384", "secp384r1", 48, "sha384"),
  ecdh("ecdh-sha2-nistp521", "secp521r1", 66, "sha512"),
  group("diffie-hellman-group16-sha512", "modp16", "sha512"),
  group("diffie-hellman-group18-sha512", "modp18", "sha512"),
  group("diffie-hellman-group14-sha256", "modp14", "sha256"),
  group("diffie-hellman-group14-sha1", "modp14", "sha1"),
];

export const methods: ReadonlyMap<string, PairMethod> = new Map(rows.map((method) => [method.name, method]));
