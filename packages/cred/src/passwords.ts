/** Hashes of passwords for a database of one's own: scrypt and Argon2 in PHC string format, and those of crypt(3). */
import { randomBytes, scrypt, type ScryptOptions } from "node:crypto";
import { ValueError } from "@strombus/reactor/exceptions";
import { sameBytes } from "./compare.js";
import { verifyCryptedPassword } from "./crypt.js";
import { optional } from "./optional.js";
import { hashing } from "./work.js";

/** How new passwords are hashed: `scrypt` is Node's own, `argon2id` needs the package @node-rs/argon2. */
export type PasswordHashing = "scrypt" | "argon2id";

/** The part of @node-rs/argon2 that is used here. Its calls run on the threads of Node's pool. */
interface Argon2 {
  hash(this: void, password: string, options: typeof ARGON2ID): Promise<string>;
  verify(this: void, hashed: string, password: string): Promise<boolean>;
}

/** What OWASP's Password Storage Cheat Sheet names for each: 19 MiB and 2 rounds; 16 MiB and 5 lanes. */
const ARGON2ID = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const SCRYPT: ScryptCost = { ln: 14, r: 8, p: 5 };
const SALT_LENGTH = 16;
const KEY_LENGTH = 32;

/** The base 2 logarithm of the cost, the block size, and how many times it is done. */
interface ScryptCost {
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** As passlib writes it too: base 64 without padding. The bounds keep the memory under 1 GiB. */
const SCRYPT_HASH = /^\$scrypt\$ln=(1?\d),r=(\d),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]{22,86})$/;

/**
 * A hash for the database, with a salt of its own.
 *
 * ```ts
 * await hashPassword("correct horse"); // "$scrypt$ln=14,r=8,p=5$..."
 * ```
 *
 * @throws ValueError for a password with a NUL, which the formats do not tell from one without; NotImplementedError for
 *   `argon2id` without the package @node-rs/argon2.
 */
export async function hashPassword(password: string, how: PasswordHashing = "scrypt"): Promise<string> {
  if (password.includes("\0")) throw new ValueError("a password cannot have a NUL");
  if (how === "argon2id") {
    const { hash } = loadArgon2();
    return hashing.run(async () => hash(password, ARGON2ID));
  }
  const salt = randomBytes(SALT_LENGTH);
  const key = await hashing.run(async () => scryptKey(password, salt, KEY_LENGTH, SCRYPT));
  return `$scrypt$ln=${SCRYPT.ln},r=${SCRYPT.r},p=${SCRYPT.p}$${base64(salt)}$${base64(key)}`;
}

/**
 * Whether a hash from the database is one of this password. They are computed beside the event loop, at most three at a time, and
 * one fewer than there are processors.
 *
 * @throws ValueError for what is no hash of a format that is known here; NotImplementedError where the package for its
 *   format is missing; UnauthorizedLogin when too many wait.
 */
export async function verifyPassword(stored: string, password: string): Promise<boolean> {
  if (password.includes("\0")) return false;
  const match = SCRYPT_HASH.exec(stored);
  if (match) {
    const [ln = "", r = "", p = "", salt = "", key = ""] = match.slice(1);
    const expected = Buffer.from(key, "base64");
    const cost = { ln: Number(ln), r: Number(r), p: Number(p) };
    const computed = await hashing.run(async () =>
      scryptKey(password, Buffer.from(salt, "base64"), expected.length, cost),
    );
    return sameBytes(computed, expected);
  }
  if (/^\$argon2(id|i|d)\$/.test(stored)) {
    const { verify } = loadArgon2();
    return hashing.run(async () => await verify(stored, password));
  }
  if (/^\$(y|gy|7|2[aby]|6|5)\$/.test(stored)) return verifyCryptedPassword(stored, password);
  throw new ValueError("what is stored as a password is no hash of a format that is known here");
}

function loadArgon2(): Argon2 {
  return optional<Argon2>("@node-rs/argon2", "Hashing passwords by Argon2");
}

async function scryptKey(password: string, salt: Buffer, length: number, { ln, r, p }: ScryptCost): Promise<Buffer> {
  const N = 2 ** ln;
  const options: ScryptOptions = { N, r, p, maxmem: 256 * N * r };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, options, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}

function base64(bytes: Buffer): string {
  return bytes.toString("base64").replace(/=+$/, "");
}
