/** Key exchange methods by name, best first. Which of them a transport offers is its own list. */
import { curve25519 } from "./curve25519.js";
import { ecdh } from "./ecdh.js";
import { fixedGroup } from "./group.js";
import type { GroupExchangeMethod, HashName, Method } from "./method.js";
import { mlkem768x25519 } from "./mlkem768x25519.js";

const groupExchange = (name: string, hash: HashName): GroupExchangeMethod => ({ kind: "groupExchange", name, hash });

const rows: readonly Method[] = [
  mlkem768x25519(),
  curve25519("curve25519-sha256"),
  curve25519("curve25519-sha256@libssh.org"),
  ecdh("ecdh-sha2-nistp256", "prime256v1", 32, "sha256"),
  ecdh("ecdh-sha2-nistp384", "secp384r1", 48, "sha384"),
  ecdh("ecdh-sha2-nistp521", "secp521r1", 66, "sha512"),
  groupExchange("diffie-hellman-group-exchange-sha256", "sha256"),
  fixedGroup("diffie-hellman-group16-sha512", "modp16", "sha512"),
  fixedGroup("diffie-hellman-group18-sha512", "modp18", "sha512"),
  fixedGroup("diffie-hellman-group14-sha256", "modp14", "sha256"),
  groupExchange("diffie-hellman-group-exchange-sha1", "sha1"),
  fixedGroup("diffie-hellman-group14-sha1", "modp14", "sha1"),
];

export const methods: ReadonlyMap<string, Method> = new Map(rows.map((method) => [method.name, method]));
