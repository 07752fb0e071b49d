/** Logging in by an SSH key, or by a certificate of one. */
import type { ICredentialsChecker } from "@strombus/cred/checkers";
import { type ICredentials, ISSHPrivateKey } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import type { InterfaceToken } from "@strombus/reactor/components";
import { type Deferred, maybeDeferred } from "@strombus/reactor/defer";
import { ValidPublicKey } from "../error.js";
import { Certificate } from "../keys/certificate.js";
import type { RevocationList } from "../keys/krl.js";
import type { SecurityKeyProof } from "../keys/sk.js";
import { type Permissions, restrict } from "../permissions.js";
import { Key } from "../ssh/keys.js";
import { addressOf } from "../userauth/scope.js";
import type { AuthorizedKeys, IAuthorizedKeysDB } from "./authorized-keys.js";
import { AuthorizedKey } from "./authorized-key.js";
import { certified } from "./certificates.js";
import { type KeyOptions, parseKeyOptions } from "./key-options.js";

/** A value, or a function of the user that gives it, at once or later. */
type PerUser<T> = T | ((username: string) => T | PromiseLike<T>);

export interface SSHPublicKeyCheckerOptions {
  /**
   * Answer every question whether a key would do with yes, as Twisted does: which keys are authorized stays hidden, and
   * clients sign with keys that are refused afterwards. Default false.
   */
  readonly answersEveryQuery?: boolean;
  /** Authorities whose certificates let in the users that they name; default none. */
  readonly trustedUserCAKeys?: readonly Key[];
  /** The names of which such a certificate must bear one to let a user in; default the user's own name. */
  readonly authorizedPrincipals?: (username: string) => readonly string[] | PromiseLike<readonly string[]>;
  /** Keys, certificates and authorities that let nobody in any more; a function is asked anew for each login. */
  readonly revoked?: PerUser<RevocationList | null>;
  /** Seconds since 1970; the system's clock by default. */
  readonly now?: () => number;
}

/** A key or a certificate that was found to be authorized: what it permits, and what its signature must prove. */
interface Authorization {
  readonly permissions: readonly Permissions[];
  readonly isSigned: (credentials: ISSHPrivateKey) => boolean;
}

/**
 * Lets in who signs with a key that a database holds for the user, within the options that stand beside the key there, or
 * with a key that a trusted authority has certified for the user.
 *
 * ```ts
 * new SSHPublicKeyChecker(new UNIXAuthorizedKeysFiles());
 * new SSHPublicKeyChecker(new InMemorySSHKeyDB({}), { trustedUserCAKeys: [Key.fromFile("users_ca.pub")] });
 * ```
 */
export class SSHPublicKeyChecker implements ICredentialsChecker {
  readonly credentialInterfaces: readonly InterfaceToken[] = [ISSHPrivateKey];
  readonly #keydb: IAuthorizedKeysDB;
  readonly #options: SSHPublicKeyCheckerOptions;

  constructor(keydb: IAuthorizedKeysDB, options: SSHPublicKeyCheckerOptions = {}) {
    this.#keydb = keydb;
    this.#options = options;
  }

  /**
   * @returns the user name; fails with ValidPublicKey when there is no signature and one would do, with BadKeyError when
   *   the blob is no key, with UnauthorizedLogin when key or signature is refused
   */
  requestAvatarId(credentials: ICredentials): Deferred<string> {
    const given = credentials as ISSHPrivateKey;
    const isQuery = given.signature === null || given.signature.length === 0;
    return maybeDeferred(() => {
      if (isQuery && this.#options.answersEveryQuery === true) throw new ValidPublicKey("a signature is needed");
      const shown = isCertificate(given.blob) ? Certificate.fromString(given.blob) : Key.fromString(given.blob);
      return this.#authorize(shown, given).addCallback((authorization) => {
        if (isQuery) throw new ValidPublicKey("a signature is needed");
        if (!isSigned(authorization, given)) throw new UnauthorizedLogin("Key signature invalid.");
        for (const permissions of authorization.permissions) restrict(given, permissions);
        return given.username;
      });
    });
  }

  /** Fails with UnauthorizedLogin unless what is shown is authorized for the user, here and now. */
  #authorize(shown: Key | Certificate, given: ISSHPrivateKey): Deferred<Authorization> {
    const { revoked, trustedUserCAKeys = [], authorizedPrincipals = own, now = systemTime } = this.#options;
    const { username } = given;
    const here = { now: now(), address: addressOf(given) };
    return maybeDeferred(() => (typeof revoked === "function" ? revoked(username) : revoked))
      .addCallback((list: RevocationList | null | undefined) => {
        if (list?.isRevoked(shown) === true) throw new UnauthorizedLogin("Key revoked");
      })
      .addCallback(() => this.#keydb.getAuthorizedKeys(username))
      .addCallback((keys) => listOf(keys))
      .addCallback((keys) => {
        const search = new Search(shown, here);
        for (const each of keys) search.consider(each, [username]);
        if (search.found !== null || trustedUserCAKeys.length === 0) return search;
        return maybeDeferred(() => authorizedPrincipals(username)).addCallback((principals: readonly string[]) => {
          for (const key of trustedUserCAKeys) search.consider(new AuthorizedKey(key, TRUSTED), principals);
          return search;
        });
      })
      .addCallback((search: Search) => {
        if (search.found === null) throw search.refusal ?? new UnauthorizedLogin("Key not authorized");
        return search.found;
      });
  }
}

/** Whether somebody must touch a security key is then the certificate's to say. */
const TRUSTED: KeyOptions = parseKeyOptions("cert-authority,no-touch-required");
const own = (username: string): readonly string[] => [username];
const systemTime = (): number => Date.now() / 1000;

/** Goes through the authorized keys until one of them lets in what is shown. */
class Search {
  found: Authorization | null = null;
  /** Why one that would have fitted did not. */
  refusal: UnauthorizedLogin | null = null;

  constructor(
    readonly shown: Key | Certificate,
    readonly here: { readonly now: number; readonly address: string | null },
  ) {}

  /** @param principals for an authority whose line names none */
  consider(each: Key | AuthorizedKey, principals: readonly string[]): void {
    if (this.found !== null) return;
    const { key, options } = each instanceof AuthorizedKey ? each : { key: each, options: null };
    try {
      if (this.shown instanceof Key) this.#considerKey(this.shown, key, options);
      else if (options?.certAuthority === true) this.#considerAuthority(this.shown, key, options, principals);
    } catch (error) {
      if (!(error instanceof UnauthorizedLogin)) throw error;
      this.refusal ??= error;
    }
  }

  #considerKey(shown: Key, key: Key, options: KeyOptions | null): void {
    if (options?.certAuthority === true || !key.public().equals(shown)) return;
    this.#isUsable(options);
    this.found = {
      permissions: options === null ? [] : [options.permissions],
      isSigned: ({ signature, sigData }) => isSignedBy(shown, signature!, sigData!, options),
    };
  }

  #considerAuthority(shown: Certificate, key: Key, options: KeyOptions, principals: readonly string[]): void {
    if (!key.public().equals(shown.authority)) return;
    this.#isUsable(options);
    const demand = { ...this.here, authorities: [key], principals: options.principals ?? principals };
    this.found = {
      permissions: [options.permissions, certified(shown, demand)],
      isSigned: ({ signature, sigData }) =>
        isProven(shown.key.verifySecurityKey(signature!, sigData!), options) && shown.verify(signature!, sigData!),
    };
  }

  #isUsable(options: KeyOptions | null): void {
    if (options === null) return;
    const { now, address } = this.here;
    if (!(now < options.expires)) throw new UnauthorizedLogin("Key expired");
    if (options.from !== null && (address === null || !options.from.matches(address))) {
      throw new UnauthorizedLogin("Key not authorized from this address");
    }
  }
}

function isCertificate(blob: Buffer): boolean {
  if (blob.length < 4) return false;
  return /-cert-v0\d@openssh\.com$/.test(blob.toString("latin1", 4, 4 + Math.min(64, blob.readUInt32BE(0))));
}

function listOf(keys: AuthorizedKeys): readonly (Key | AuthorizedKey)[] | Promise<readonly (Key | AuthorizedKey)[]> {
  return Symbol.asyncIterator in keys ? listOfLater(keys) : [...keys];
}

async function listOfLater(keys: AsyncIterable<Key | AuthorizedKey>): Promise<readonly (Key | AuthorizedKey)[]> {
  const list: (Key | AuthorizedKey)[] = [];
  for await (const each of keys) list.push(each);
  return list;
}

function isSigned(authorization: Authorization, given: ISSHPrivateKey): boolean {
  try {
    const answer: unknown = authorization.isSigned(given);
    return answer === true;
  } catch (cause) {
    throw new UnauthorizedLogin("Error while verifying key", { cause });
  }
}

/** Of a security key somebody's touch is part of it, unless the options say otherwise. */
export function isSignedBy(key: Key, signature: Buffer, data: Buffer, options: KeyOptions | null): boolean {
  const proof = key.verifySecurityKey(signature, data);
  return isProven(proof, options) && (proof !== null || key.verify(signature, data));
}

/**
 * Of a security key a touch is due unless the line says otherwise, and a PIN or finger when it does; that of an authority
 * adds to what the certificate says. Other keys prove neither.
 */
function isProven(proof: SecurityKeyProof | null, options: KeyOptions | null): boolean {
  const { touchRequired = true, verifyRequired = false } = options ?? {};
  if (proof === null) return !verifyRequired;
  return (proof.userPresent || !touchRequired) && (proof.userVerified || !verifyRequired);
}
