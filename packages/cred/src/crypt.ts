/** Hashes of passwords as /etc/shadow has them, by the system's crypt(3) (twisted.plugins.cred_unix). */
import { NotImplementedError } from "@strombus/reactor/exceptions";
import { sameBytes } from "./compare.js";
import { optional } from "./optional.js";
import { hashing } from "./work.js";

/** The hash of a password, with salt and parameters as in `setting`, which may be a whole hash; null if it cannot be made. */
export type Crypt = (password: string, setting: string) => Promise<string | null>;

/** The part of koffi that is used here. */
interface Koffi {
  load(path: string): {
    func(declaration: string): {
      async(...args: [...unknown[], done: (error: unknown, value: string | null) => void]): void;
    };
  };
}

/** libxcrypt's names, and how many bytes it works in: `sizeof(struct crypt_data)`, part of its ABI. */
const LIBRARIES = ["libcrypt.so.1", "libcrypt.so.2"];
const CRYPT_DATA_SIZE = 32_768;

let loaded: Crypt | null = null;

/**
 * The system's crypt(3), on the threads of Node's pool. It knows what the system knows: on Debian yescrypt, bcrypt,
 * SHA-512, SHA-256 and older ones.
 *
 * @throws NotImplementedError without the package koffi, or without libxcrypt.
 */
export function loadCrypt(libraries: readonly string[] = LIBRARIES): Crypt {
  if (loaded !== null && libraries === LIBRARIES) return loaded;
  const koffi = optional<Koffi>("koffi", "Checking passwords with crypt(3)");
  const crypt_rn = libcrypt(koffi, libraries).func("char *crypt_rn(str phrase, str setting, void *data, int size)");
  const crypt: Crypt = (password, setting) =>
    new Promise((resolve, reject) => {
      const data = Buffer.alloc(CRYPT_DATA_SIZE);
      crypt_rn.async(password, setting, data, CRYPT_DATA_SIZE, (error, hash) => {
        data.fill(0); // it must stay in memory until here, and koffi holds no reference to it
        if (error) reject(error);
        else resolve(hash);
      });
    });
  if (libraries === LIBRARIES) loaded = crypt;
  return crypt;
}

/**
 * Whether the crypt(3) hash of the password is this one, whole. Locked accounts (`x`, `*`, `!`, nothing) and hashes that
 * crypt(3) cannot make have no right password. At most three are computed at a time, beside the event loop.
 *
 * @throws NotImplementedError without the package koffi, or without libxcrypt; UnauthorizedLogin when too many wait.
 */
export async function verifyCryptedPassword(crypted: string | Buffer, password: string | Buffer): Promise<boolean> {
  const stored = crypted.toString();
  const given = password.toString();
  const crypt = loadCrypt();
  // In C a text ends at its first NUL. No hash is shorter than 13 characters, those of DES.
  if (given.includes("\0") || stored.includes("\0") || stored.length < 13) return false;
  const hash = await hashing.run(() => crypt(given, stored));
  return hash !== null && sameBytes(hash, stored);
}

function libcrypt(koffi: Koffi, libraries: readonly string[]): ReturnType<Koffi["load"]> {
  const causes: unknown[] = [];
  for (const library of libraries) {
    try {
      return koffi.load(library);
    } catch (cause) {
      causes.push(cause);
    }
  }
  const message = `Checking passwords with crypt(3) needs ${libraries.join(" or ")} on this system`;
  throw new NotImplementedError(message, { cause: new AggregateError(causes) });
}
