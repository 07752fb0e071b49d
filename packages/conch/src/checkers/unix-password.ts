/** Logging in with the password of a UNIX account (twisted.conch.checkers.UNIXPasswordDatabase). */
import { existsSync } from "node:fs";
import type { ICredentialsChecker } from "@strombus/cred/checkers";
import { type ICredentials, IUsernamePassword } from "@strombus/cred/credentials";
import { loadCrypt, verifyCryptedPassword } from "@strombus/cred/crypt";
import { UnauthorizedLogin } from "@strombus/cred/error";
import type { InterfaceToken } from "@strombus/reactor/components";
import { Deferred } from "@strombus/reactor/defer";
import { KeyError } from "@strombus/reactor/exceptions";
import { Logger } from "@strombus/reactor/logger";
import { runAsEffectiveUser } from "@strombus/reactor/util";
import type { MaybeLater } from "../interfaces.js";
import { type PasswdEntry, pwd } from "./passwd.js";
import { expiry, type ShadowEntry, spwd } from "./shadow.js";

/** The record of a user: an entry of passwd or shadow, or a list with the hash at index 1. */
export type PasswordRecord = PasswdEntry | ShadowEntry | { readonly 1: string };

/** Looks up a user's record; null where there is no such database. @throws KeyError for a user who is unknown. */
export type GetByName = (username: string) => MaybeLater<PasswordRecord | null>;

const log = new Logger({ namespace: "@strombus/conch/checkers" });
const MILLISECONDS_A_DAY = 86_400_000;
const UNKNOWN = Symbol("unknown");

/** What an account that is not locked has; the shortest hashes, those of DES, have 13 characters. */
const HASH = /^[$_./0-9A-Za-z].{12}/;

/** What the password of a user without one is compared with until a real hash has been seen: Debian's kind of hash. */
const DECOY = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$RvHFdjDSMFMmPbl8b4WXVkSpLH3H1H45i1EOd52ly32";

/**
 * Checks passwords against /etc/passwd and /etc/shadow, in every format that the system's crypt(3) knows. An account or a
 * password that has expired lets nobody in. To read /etc/shadow the process is root, or has been, or is of its group.
 *
 * ```ts
 * portal.registerChecker(new UNIXPasswordDatabase());
 * ```
 */
export class UNIXPasswordDatabase implements ICredentialsChecker {
  readonly credentialInterfaces: readonly InterfaceToken[] = [IUsernamePassword];
  readonly #getByNameFunctions: readonly GetByName[];
  /** A hash that a user has, so that those who have none take the time of those who do (A12). */
  #decoy = DECOY;

  /**
   * @param getByNameFunctions each in turn is asked for the user's record; by default the databases of the system.
   * @throws NotImplementedError where crypt(3) cannot be called: without the package koffi, or without libxcrypt.
   */
  constructor(getByNameFunctions: Iterable<GetByName> = [_pwdGetByName, _shadowGetByName]) {
    loadCrypt();
    this.#getByNameFunctions = [...getByNameFunctions];
  }

  /** The name as it was given; fails with UnauthorizedLogin, after logging what was in the way if it was not the password. */
  requestAvatarId(credentials: ICredentials): Deferred<string> {
    const { username, password } = credentials as IUsernamePassword;
    return Deferred.fromPromise(this.#check(username, password));
  }

  async #check(username: string, password: string): Promise<string> {
    let refusal = "unable to verify password";
    let computed = false;
    for (const getByName of this.#getByNameFunctions) {
      const record = await lookedUp(getByName, username);
      if (record === UNKNOWN) {
        refusal = "invalid username";
        break;
      }
      if (record === null || !HASH.test(hashOf(record))) continue;
      this.#decoy = hashOf(record);
      computed = true;
      if (!(await verifyCryptedPassword(hashOf(record), password))) continue;
      const expired = "sp_pwdp" in record ? expiry(record, Math.floor(Date.now() / MILLISECONDS_A_DAY)) : null;
      if (expired === null) return username;
      throw new UnauthorizedLogin(expired);
    }
    if (!computed) await verifyCryptedPassword(this.#decoy, password);
    throw new UnauthorizedLogin(refusal);
  }
}

/** The user's entry in passwd; null where there is none. */
export function _pwdGetByName(username: string): PasswdEntry | null {
  return existsSync(pwd.path) ? pwd.getpwnam(username) : null;
}

/** The user's entry in shadow, read as root where the process may be root; null where there is no shadow. */
export function _shadowGetByName(username: string): ShadowEntry | null {
  if (!existsSync(spwd.path)) return null;
  try {
    return runAsEffectiveUser(0, 0, () => spwd.getspnam(username));
  } catch (error) {
    if ((error as { code?: unknown }).code !== "EPERM") throw error;
    return spwd.getspnam(username);
  }
}

async function lookedUp(getByName: GetByName, username: string): Promise<PasswordRecord | null | typeof UNKNOWN> {
  try {
    return await getByName(username);
  } catch (error) {
    if (error instanceof KeyError) return UNKNOWN;
    log.error("the passwords of UNIX accounts cannot be read: {error}", { error });
    throw new UnauthorizedLogin("unable to verify password", { cause: error });
  }
}

function hashOf(record: PasswordRecord): string {
  if ("sp_pwdp" in record) return record.sp_pwdp;
  return "pw_passwd" in record ? record.pw_passwd : record[1];
}
