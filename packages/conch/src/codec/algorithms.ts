/** Ciphers and MACs by their SSH names: what each needs of key material, and the table row that ssh2's codec takes. */
import { cipherInfo, macInfo, type CipherInfo, type MacInfo } from "./ssh2.js";

export interface CipherAlgorithm {
  readonly name: string;
  /** Bytes of key and of initial IV to derive. */
  readonly keyLength: number;
  readonly ivLength: number;
  /** What a packet's length is a multiple of. */
  readonly blockSize: number;
  /** Authenticates by itself: the MAC lists are not read (OpenSSH's PROTOCOL 1.6). */
  readonly aead: boolean;
  readonly info: CipherInfo;
}

export interface MacAlgorithm {
  readonly name: string;
  readonly keyLength: number;
  /** Encrypt-then-MAC: the packet length travels in the clear and is not part of the encrypted blocks. */
  readonly etm: boolean;
  readonly info: MacInfo;
}

/** Every cipher that the transport can use, best first. */
export const ciphers: ReadonlyMap<string, CipherAlgorithm> = rows(
  [
    "chacha20-poly1305@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
  ],
  cipherInfo,
  (name, info) => ({
    name,
    keyLength: info.keyLen,
    ivLength: info.ivLen,
    blockSize: info.blockLen,
    aead: info.authLen > 0,
    info,
  }),
);

/** Every MAC that the transport can use, best first. */
export const macs: ReadonlyMap<string, MacAlgorithm> = rows(
  ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512"],
  macInfo,
  (name, info) => ({ name, keyLength: info.len, etm: info.isETM, info }),
);

function rows<I, R>(names: string[], table: ReadonlyMap<string, I>, row: (name: string, info: I) => R): Map<string, R> {
  const found = new Map<string, R>();
  for (const name of names) {
    const info = table.get(name);
    if (info !== undefined) found.set(name, row(name, info));
  }
  return found;
}
