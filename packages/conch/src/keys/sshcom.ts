/** Private keys as ssh.com's programs keep them, and as `puttygen -O private-sshcom` writes them: RSA and DSA. */
import { createDecipheriv, createHash } from "node:crypto";
import { Reader } from "../wire/reader.js";
import { DSAMaterial } from "./dsa.js";
import { BadKeyError, EncryptedKeyError } from "./errors.js";
import type { KeyMaterial } from "./material.js";
import { toBigInt } from "./numbers.js";
import { readArmored } from "./rfc4716.js";
import { RSAMaterial } from "./rsa.js";

const MAGIC = 0x3f6ff9eb;
const RSA = "if-modn{sign{rsa-pkcs1-sha1},encrypt{rsa-pkcs1v2-oaep}}";
const DSA = "dl-modp{sign{dsa-nist-sha1},dh{plain}}";
const BLOCK = 8; // bytes, of 3DES
const WRONG = "the file was changed or the passphrase is wrong";

export function readSshCom(file: string, passphrase: Buffer | null): KeyMaterial {
  const { blob } = readArmored(file, "SSH2 ENCRYPTED PRIVATE KEY");
  const from = new Reader(blob);
  if (from.uint32() !== MAGIC || from.uint32() !== blob.length) throw new BadKeyError("malformed ssh.com key");
  const [kind, cipher, sealed] = [from.text(), from.text(), from.string()];
  from.end();
  if (cipher === "none" && passphrase) throw new BadKeyError("key not encrypted");
  const clear = new Reader(cipher === "none" ? sealed : open(cipher, sealed, passphrase));
  const length = clear.uint32();
  if (length > clear.remaining || clear.remaining - length >= BLOCK) throw new BadKeyError(WRONG);
  const numbers = new Reader(clear.raw(length));
  const key = readNumbers(kind, numbers);
  numbers.end();
  return key;
}

function readNumbers(kind: string, from: Reader): KeyMaterial {
  const number = (): bigint => toBigInt(from.raw(Math.ceil(from.uint32() / 8)));
  if (kind === RSA) {
    const [e, d, n] = [number(), number(), number()];
    number(); // u, which follows from p and q
    const [p, q] = [number(), number()];
    return RSAMaterial.fromNumbers(n, e, { d, p, q });
  }
  if (kind === DSA) {
    if (from.uint32() !== 0) throw new BadKeyError("an ssh.com key with parameters that are not in it");
    const [p, g, q, y, x] = [number(), number(), number(), number(), number()];
    return new DSAMaterial({ p, q, g, y }, x);
  }
  throw new BadKeyError(`an ssh.com key of unknown kind ${JSON.stringify(kind.slice(0, 64))}`);
}

/** The key is MD5 of the passphrase, and of the passphrase with that behind it. */
function open(cipher: string, sealed: Buffer, passphrase: Buffer | null): Buffer {
  if (cipher !== "3des-cbc") throw new BadKeyError(`unknown cipher ${JSON.stringify(cipher.slice(0, 64))}`);
  if (!passphrase) throw new EncryptedKeyError("the key is encrypted, and no passphrase was given");
  if (sealed.length % BLOCK !== 0) throw new BadKeyError("the encrypted part is not whole blocks");
  const first = createHash("md5").update(passphrase).digest();
  const second = createHash("md5").update(passphrase).update(first).digest();
  const key = Buffer.concat([first, second.subarray(0, 8)]);
  const decipher = createDecipheriv("des-ede3-cbc", key, Buffer.alloc(BLOCK)).setAutoPadding(false);
  return Buffer.concat([decipher.update(sealed), decipher.final()]);
}
