/** Ciphers and MACs by their SSH names: what each needs of key material, and the table row that the codec takes. */
import { cbcInfo } from "./cbc.js";
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
  /** For peers that have nothing better: our own codec's, in no list by default (rule D2). */
  readonly cbc: boolean;
  readonly info: CipherInfo;
}

export interface MacAlgorithm {
  readonly name: string;
  readonly keyLength: number;
  /** Encrypt-then-MAC: the packet length travels in the clear and is not part of the encrypted blocks. */
  readonly etm: boolean;
  readonly info: MacInfo;
}

/** Every cipher that the transport can use; what is offered is a list of its own. */
export const ciphers: ReadonlyMap<string, CipherAlgorithm> = rows(
  [
    "chacha20-poly1305@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
    ...cbcInfo.keys(),
  ],
  new Map([...cipherInfo, ...cbcInfo]),
  (name, info) => ({
    name,
    keyLength: info.keyLen,
    ivLength: info.ivLen,
    blockSize: info.blockLen,
    aead: info.authLen > 0,
    cbc: cbcInfo.has(name),
    info,
  }),
);

/** Every MAC that the transport can use; what is offered is a list of its own. */
export const macs: ReadonlyMap<string, MacAlgorithm> = rows(
  [
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-sha2-384", // Twisted's
    "hmac-sha1-etm@openssh.com",
    "hmac-sha1",
  ],
  new Map([...macInfo, ["hmac-sha2-384", { sslName: "sha384", len: 48, actualLen: 48, isETM: false }]]),
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
