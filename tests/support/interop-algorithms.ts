/** What the tables of the interop tests have a row for: every algorithm that Strombus lists. */
import { ciphers, macs } from "../../packages/conch/src/codec/algorithms.js";
import { compressions } from "../../packages/conch/src/codec/compression.js";
import { methods } from "../../packages/conch/src/kex/methods.js";
import {
  DEFAULT_HOST_KEY_ALGORITHMS,
  DEFAULT_USER_KEY_ALGORITHMS,
} from "../../packages/conch/src/transport/algorithms.js";

/** Each is a category of algorithms; a login is by `password` or by a signature algorithm of user keys. */
export const KINDS = ["kex", "hostKey", "cipher", "mac", "compression", "login"] as const;
export type Kind = (typeof KINDS)[number];

/** Names by kind, best first. */
export type Lists = Readonly<Record<Kind, readonly string[]>>;

export interface Row {
  readonly kind: Kind;
  readonly name: string;
}

/** Those that no list of ours names: an application asks for them. */
const BY_NAME = {
  hostKey: ["ssh-rsa"],
  login: ["sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", "ssh-rsa"],
};

export const STROMBUS: Lists = {
  kex: [...methods.keys()],
  hostKey: [...DEFAULT_HOST_KEY_ALGORITHMS, ...BY_NAME.hostKey],
  cipher: [...ciphers.keys()],
  mac: [...macs.keys()],
  compression: compressions,
  login: ["password", ...new Set([...DEFAULT_USER_KEY_ALGORITHMS, ...BY_NAME.login])],
};

/** In use where a row says nothing else: every peer has these. */
export const COMMON: Lists = {
  kex: ["curve25519-sha256", "curve25519-sha256@libssh.org"],
  hostKey: ["ssh-ed25519"],
  cipher: ["aes256-ctr"],
  mac: ["hmac-sha2-256"],
  compression: ["none"],
  login: ["ssh-ed25519"],
};

export const ROWS: readonly Row[] = KINDS.flatMap((kind) => STROMBUS[kind].map((name) => ({ kind, name })));

/** The lists of a connection that has no choice about this algorithm. */
export function alone({ kind, name }: Row): Lists {
  return { ...COMMON, [kind]: [name] };
}
