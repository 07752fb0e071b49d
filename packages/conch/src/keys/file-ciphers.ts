/** The ciphers of encrypted openssh-key-v1 files: each encrypts one message at once, under a key used for nothing else. */
import { createCipheriv, createDecipheriv, timingSafeEqual, type CipherGCMTypes } from "node:crypto";
import { BadKeyError } from "./errors.js";
import { poly1305 } from "./poly1305.js";

export interface FileCipher {
  /** Sizes in bytes; `tag` follows the encrypted string, outside of it. */
  readonly key: number;
  readonly iv: number;
  readonly block: number;
  readonly tag: number;
  seal(key: Buffer, iv: Buffer, clear: Buffer): { sealed: Buffer; tag: Buffer };
  /** @throws BadKeyError when the tag does not match. */
  open(key: Buffer, iv: Buffer, sealed: Buffer, tag: Buffer): Buffer;
}

export const FILE_CIPHERS: ReadonlyMap<string, FileCipher> = new Map([
  ["aes256-ctr", plain("aes-256-ctr", 32)],
  ["aes192-ctr", plain("aes-192-ctr", 24)],
  ["aes128-ctr", plain("aes-128-ctr", 16)],
  ["aes256-cbc", plain("aes-256-cbc", 32)],
  ["aes192-cbc", plain("aes-192-cbc", 24)],
  ["aes128-cbc", plain("aes-128-cbc", 16)],
  ["aes256-gcm@openssh.com", gcm("aes-256-gcm", 32)],
  ["aes128-gcm@openssh.com", gcm("aes-128-gcm", 16)],
  ["chacha20-poly1305@openssh.com", chachaPoly()],
]);

const NO_TAG = Buffer.alloc(0);
const WRONG_TAG = "the file was changed or the passphrase is wrong";

function plain(name: string, key: number): FileCipher {
  return {
    key,
    iv: 16,
    block: 16,
    tag: 0,
    seal(key, iv, clear) {
      const cipher = createCipheriv(name, key, iv).setAutoPadding(false);
      return { sealed: Buffer.concat([cipher.update(clear), cipher.final()]), tag: NO_TAG };
    },
    open(key, iv, sealed) {
      const decipher = createDecipheriv(name, key, iv).setAutoPadding(false);
      return Buffer.concat([decipher.update(sealed), decipher.final()]);
    },
  };
}

function gcm(name: CipherGCMTypes, key: number): FileCipher {
  return {
    key,
    iv: 12,
    block: 16,
    tag: 16,
    seal(key, iv, clear) {
      const cipher = createCipheriv(name, key, iv);
      const sealed = Buffer.concat([cipher.update(clear), cipher.final()]);
      return { sealed, tag: cipher.getAuthTag() };
    },
    open(key, iv, sealed, tag) {
      const decipher = createDecipheriv(name, key, iv, { authTagLength: 16 }).setAuthTag(tag);
      const clear = decipher.update(sealed);
      try {
        return Buffer.concat([clear, decipher.final()]);
      } catch (cause) {
        throw new BadKeyError(WRONG_TAG, { cause });
      }
    },
  };
}

/** As packet number 0 of a connection without the length field, whose key stands second and is not used. */
function chachaPoly(): FileCipher {
  const crypt = (key: Buffer, text: Buffer): Buffer => chacha20(key, 1, text);
  const tagOf = (key: Buffer, sealed: Buffer): Buffer => poly1305(chacha20(key, 0, Buffer.alloc(32)), sealed);
  return {
    key: 64,
    iv: 0,
    block: 8,
    tag: 16,
    seal(key, _iv, clear) {
      const sealed = crypt(key, clear);
      return { sealed, tag: tagOf(key, sealed) };
    },
    open(key, _iv, sealed, tag) {
      if (!timingSafeEqual(tag, tagOf(key, sealed))) throw new BadKeyError(WRONG_TAG);
      return crypt(key, sealed);
    },
  };
}

function chacha20(key: Buffer, counter: number, text: Buffer): Buffer {
  const counterAndNonce = Buffer.alloc(16);
  counterAndNonce[0] = counter;
  return createCipheriv("chacha20", key.subarray(0, 32), counterAndNonce).update(text);
}
