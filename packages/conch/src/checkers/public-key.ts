/** Logging in by an SSH key. */
import type { ICredentialsChecker } from "@strombus/cred/checkers";
import { type ICredentials, ISSHPrivateKey } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import type { InterfaceToken } from "@strombus/reactor/components";
import { type Deferred, maybeDeferred } from "@strombus/reactor/defer";
import { ValidPublicKey } from "../error.js";
import { Key } from "../ssh/keys.js";
import type { IAuthorizedKeysDB } from "./authorized-keys.js";

export interface SSHPublicKeyCheckerOptions {
  /**
   * Answer every question whether a key would do with yes, as Twisted does: which keys are authorized stays hidden, and
   * clients sign with keys that are refused afterwards. Default false.
   */
  readonly answersEveryQuery?: boolean;
}

/** Lets in who signs with a key that a database holds for the user. */
export class SSHPublicKeyChecker implements ICredentialsChecker {
  readonly credentialInterfaces: readonly InterfaceToken[] = [ISSHPrivateKey];
  readonly #keydb: IAuthorizedKeysDB;
  readonly #answersEveryQuery: boolean;

  constructor(keydb: IAuthorizedKeysDB, options: SSHPublicKeyCheckerOptions = {}) {
    this.#keydb = keydb;
    this.#answersEveryQuery = options.answersEveryQuery ?? false;
  }

  /**
   * @returns the user name; fails with ValidPublicKey when there is no signature and one would do, with BadKeyError when
   *   the blob is no key, with UnauthorizedLogin when key or signature is refused
   */
  requestAvatarId(credentials: ICredentials): Deferred<string> {
    const { username, blob, sigData, signature } = credentials as ISSHPrivateKey;
    const isQuery = signature === null || signature.length === 0;
    return maybeDeferred(() => {
      if (isQuery && this.#answersEveryQuery) throw new ValidPublicKey("a signature is needed");
      const key = Key.fromString(blob);
      return maybeDeferred(() => this.#keydb.getAuthorizedKeys(username))
        .addCallback((keys) => isAmong(key, keys))
        .addCallback((authorized) => {
          if (!authorized) throw new UnauthorizedLogin("Key not authorized");
          if (isQuery) throw new ValidPublicKey("a signature is needed");
          if (!isSignedBy(key, signature, sigData!)) throw new UnauthorizedLogin("Key signature invalid.");
          return username;
        });
    });
  }
}

/** Whether one of `keys` is this key; at once where the keys are at hand. */
function isAmong(key: Key, keys: Iterable<Key> | AsyncIterable<Key>): boolean | Promise<boolean> {
  if (Symbol.asyncIterator in keys) return isAmongAsync(key, keys);
  for (const each of keys) if (each.equals(key)) return true;
  return false;
}

async function isAmongAsync(key: Key, keys: AsyncIterable<Key>): Promise<boolean> {
  for await (const each of keys) if (each.equals(key)) return true;
  return false;
}

function isSignedBy(key: Key, signature: Buffer, data: Buffer): boolean {
  try {
    const answer: unknown = key.verify(signature, data);
    return answer === true;
  } catch (cause) {
    throw new UnauthorizedLogin("Error while verifying key", { cause });
  }
}
