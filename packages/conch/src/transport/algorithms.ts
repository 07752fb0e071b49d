/** Which algorithms a transport offers: profiles, and lists of an application's own. All lists are best first. */
import { ValueError } from "@strombus/reactor/exceptions";
import { ciphers, macs } from "../codec/algorithms.js";
import { compressions } from "../codec/compression.js";
import { methods } from "../kex/methods.js";
import { certifiedName } from "../keys/certificate-names.js";

/** Names by category. */
export interface AlgorithmLists {
  readonly keyExchanges: readonly string[];
  /** Host key algorithms: a server offers those of its keys, a client takes no others. */
  readonly hostKeys: readonly string[];
  readonly ciphers: readonly string[];
  readonly macs: readonly string[];
  readonly compressions: readonly string[];
  /** Signature algorithms that a server takes from users, as its `server-sig-algs` tells them (RFC 8308 section 3.1). */
  readonly userKeys: readonly string[];
}

/**
 * - `default`: what is beyond doubt, and post-quantum where the peer can;
 * - `pq`: the same, but no key exchange that a quantum computer could break;
 * - `compat`: beside the default what is sound and older: NIST curves, the groups of RFC 3526, group exchange, MACs beside
 *   the cipher's text, compression after login;
 * - `legacy`: beside that SHA-1, CBC and compression before login, for peers that have nothing else.
 */
export type Profile = "default" | "pq" | "compat" | "legacy";

/** A profile, or lists; those that are left out are of the default profile. */
export type AlgorithmChoice = Profile | Partial<AlgorithmLists>;

/** Post-quantum too: ML-KEM with curves of NIST's, and what OpenSSH has had since 8.5, before there was ML-KEM. */
const OTHER_HYBRIDS = [
  "mlkem1024nistp384-sha384",
  "mlkem768nistp256-sha256",
  "sntrup761x25519-sha512",
  "sntrup761x25519-sha512@openssh.com",
];

export const DEFAULT_KEY_EXCHANGES: readonly string[] = [
  "mlkem768x25519-sha256",
  "curve25519-sha256",
  "curve25519-sha256@libssh.org",
];

/** ECDSA serves keys that the application gives by itself. */
export const DEFAULT_HOST_KEY_ALGORITHMS: readonly string[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
  "ssh-mldsa44-ed25519",
  "ssh-ed448",
];

export const DEFAULT_CIPHERS: readonly string[] = [
  "chacha20-poly1305@openssh.com",
  "aes256-gcm@openssh.com",
  "aes128-gcm@openssh.com",
  "aes256-ctr",
  "aes128-ctr",
];

export const DEFAULT_MACS: readonly string[] = ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"];

/** A client lists these last: some servers, Twisted's among them, have no others, and no AEAD cipher. */
const PLAIN_MACS = ["hmac-sha2-256", "hmac-sha2-512"];
export const DEFAULT_CLIENT_MACS: readonly string[] = [...DEFAULT_MACS, ...PLAIN_MACS];

/** Signatures that users log in with, best first. */
export const DEFAULT_USER_KEY_ALGORITHMS: readonly string[] = [
  "ssh-ed25519",
  "sk-ssh-ed25519@openssh.com",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "sk-ecdsa-sha2-nistp256@openssh.com",
  "rsa-sha2-512",
  "rsa-sha2-256",
  "ssh-mldsa44-ed25519",
  "ssh-ed448",
];

const byDefault: AlgorithmLists = {
  keyExchanges: DEFAULT_KEY_EXCHANGES,
  hostKeys: DEFAULT_HOST_KEY_ALGORITHMS,
  ciphers: DEFAULT_CIPHERS,
  macs: DEFAULT_MACS,
  compressions: ["none"],
  userKeys: DEFAULT_USER_KEY_ALGORITHMS,
};

const compat: AlgorithmLists = {
  ...byDefault,
  keyExchanges: [
    "mlkem768x25519-sha256",
    ...OTHER_HYBRIDS,
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group14-sha256",
  ],
  ciphers: [...DEFAULT_CIPHERS, "aes192-ctr"],
  macs: [...DEFAULT_MACS, ...PLAIN_MACS, "hmac-sha2-384"],
  compressions: ["none", "zlib@openssh.com"],
};

/** The lists of each profile, to be used as they are or changed in part. */
export const PROFILES: Readonly<Record<Profile, AlgorithmLists>> = {
  default: byDefault,
  pq: { ...byDefault, keyExchanges: ["mlkem768x25519-sha256", ...OTHER_HYBRIDS] },
  compat,
  legacy: {
    keyExchanges: [...compat.keyExchanges, "diffie-hellman-group-exchange-sha1", "diffie-hellman-group14-sha1"],
    hostKeys: [...compat.hostKeys, "ssh-rsa"],
    ciphers: [...compat.ciphers, "aes256-cbc", "aes192-cbc", "aes128-cbc", "3des-cbc"],
    macs: [...compat.macs, "hmac-sha1-etm@openssh.com", "hmac-sha1"],
    compressions: [...compat.compressions, "zlib"],
    userKeys: [...compat.userKeys, "ssh-rsa"],
  },
};

const SIGNATURES = PROFILES.legacy.userKeys;
const KNOWN: Readonly<Record<keyof AlgorithmLists, ReadonlySet<string>>> = {
  keyExchanges: new Set(methods.keys()),
  hostKeys: new Set([...SIGNATURES, ...SIGNATURES.map(certifiedName)]),
  ciphers: new Set(ciphers.keys()),
  macs: new Set(macs.keys()),
  compressions: new Set(compressions),
  userKeys: new Set([...SIGNATURES, ...SIGNATURES.map(certifiedName)]),
};

/** @throws ValueError for a profile that there is none of, a name that we do not know, and a list with nothing in it. */
export function algorithmLists(choice: AlgorithmChoice, isClient: boolean): AlgorithmLists {
  const lists = typeof choice === "string" ? profile(choice) : { ...byDefault, ...checked(choice) };
  return isClient && lists.macs === DEFAULT_MACS ? { ...lists, macs: DEFAULT_CLIENT_MACS } : lists;
}

function profile(name: Profile): AlgorithmLists {
  if (!Object.hasOwn(PROFILES, name)) {
    throw new ValueError(`there is no profile ${JSON.stringify(name)}; known: ${Object.keys(PROFILES).join(", ")}`);
  }
  return PROFILES[name];
}

function checked(lists: Partial<AlgorithmLists>): Partial<AlgorithmLists> {
  for (const [category, names] of Object.entries(lists) as [keyof AlgorithmLists, readonly string[]][]) {
    if (!Object.hasOwn(KNOWN, category)) throw new ValueError(`there are no algorithms ${JSON.stringify(category)}`);
    if (names.length === 0) throw new ValueError(`no ${category} are listed`);
    for (const name of names) {
      if (KNOWN[category].has(name)) continue;
      throw new ValueError(
        `unknown name ${JSON.stringify(name)} in ${category}; known: ${[...KNOWN[category]].join(", ")}`,
      );
    }
  }
  return lists;
}
