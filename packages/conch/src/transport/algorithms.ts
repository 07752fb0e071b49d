/** What a transport offers when the application says nothing: the default profile. All lists are best first. */
import { ciphers, macs } from "../codec/algorithms.js";
import { methods } from "../kex/methods.js";

const known = (names: readonly string[], table: ReadonlyMap<string, unknown>): readonly string[] =>
  names.filter((name) => table.has(name));

export const DEFAULT_KEY_EXCHANGES = known(
  ["mlkem768x25519-sha256", "curve25519-sha256", "curve25519-sha256@libssh.org"],
  methods,
);

/** Host key algorithms; a server offers those of its keys. ECDSA serves keys that the application gives by itself. */
export const DEFAULT_HOST_KEY_ALGORITHMS: readonly string[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
];

export const DEFAULT_CIPHERS = known(
  ["chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr", "aes128-ctr"],
  ciphers,
);

export const DEFAULT_MACS = known(
  ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512"],
  macs,
);

/** Signature algorithms that a server takes from users, as its `server-sig-algs` tells them (RFC 8308 section 3.1). */
export const DEFAULT_USER_KEY_ALGORITHMS: readonly string[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
];
