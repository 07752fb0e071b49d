/** Ciphers and MACs by their SSH names: what each needs of key material, and the table row that the codec takes. */
import type { CipherInfo, MacInfo } from "./cipher.js";

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

/** Rows as in the table of ssh2, whose addon is told them. */
const cipherInfo: ReadonlyMap<string, CipherInfo> = new Map([
  ["chacha20-poly1305@openssh.com", { sslName: "chacha20", blockLen: 8, keyLen: 64, ivLen: 0, authLen: 16 }],
  ["aes256-gcm@openssh.com", { sslName: "aes-256-gcm", blockLen: 16, keyLen: 32, ivLen: 12, authLen: 16 }],
  ["aes128-gcm@openssh.com", { sslName: "aes-128-gcm", blockLen: 16, keyLen: 16, ivLen: 12, authLen: 16 }],
  ["aes256-ctr", { sslName: "aes-256-ctr", blockLen: 16, keyLen: 32, ivLen: 16, authLen: 0 }],
  ["aes192-ctr", { sslName: "aes-192-ctr", blockLen: 16, keyLen: 24, ivLen: 16, authLen: 0 }],
  ["aes128-ctr", { sslName: "aes-128-ctr", blockLen: 16, keyLen: 16, ivLen: 16, authLen: 0 }],
]);

const macInfo: ReadonlyMap<string, MacInfo> = new Map([
  ["hmac-sha2-256-etm@openssh.com", { sslName: "sha256", len: 32, actualLen: 32, isETM: true }],
  ["hmac-sha2-512-etm@openssh.com", { sslName: "sha512", len: 64, actualLen: 64, isETM: true }],
  ["hmac-sha2-256", { sslName: "sha256", len: 32, actualLen: 32, isETM: false }],
  ["hmac-sha2-512", { sslName: "sha512", len: 64, actualLen: 64, isETM: false }],
  ["hmac-sha2-384", { sslName: "sha384", len: 48, actualLen: 48, isETM: false }], // Twisted's
  ["hmac-sha1-etm@openssh.com", { sslName: "sha1", len: 20, actualLen: 20, isETM: true }],
  ["hmac-sha1", { sslName: "sha1", len: 20, actualLen: 20, isETM: false }],
]);

/** Ciphers in CBC mode, which the addon has not. */
const cbcInfo: ReadonlyMap<string, CipherInfo> = new Map([
  ["aes256-cbc", { sslName: "aes-256-cbc", blockLen: 16, keyLen: 32, ivLen: 16, authLen: 0 }],
  ["aes192-cbc", { sslName: "aes-192-cbc", blockLen: 16, keyLen: 24, ivLen: 16, authLen: 0 }],
  ["aes128-cbc", { sslName: "aes-128-cbc", blockLen: 16, keyLen: 16, ivLen: 16, authLen: 0 }],
  ["3des-cbc", { sslName: "des-ede3-cbc", blockLen: 8, keyLen: 24, ivLen: 8, authLen: 0 }],
]);

/** Every cipher that the transport can use; what is offered is a list of its own. */
export const ciphers: ReadonlyMap<string, CipherAlgorithm> = new Map(
  [...cipherInfo, ...cbcInfo].map(([name, info]) => [
    name,
    {
      name,
      keyLength: info.keyLen,
      ivLength: info.ivLen,
      blockSize: info.blockLen,
      aead: info.authLen > 0,
      cbc: cbcInfo.has(name),
      info,
    },
  ]),
);

/** Every MAC that the transport can use; what is offered is a list of its own. */
export const macs: ReadonlyMap<string, MacAlgorithm> = new Map(
  [...macInfo].map(([name, info]) => [name, { name, keyLength: info.len, etm: info.isETM, info }]),
);
