/** Logins that take more than one proof. */
import type { AvatarId, ICredentialsChecker } from "@strombus/cred/checkers";
import type { ICredentials } from "@strombus/cred/credentials";
import { UnhandledCredentials } from "@strombus/cred/error";
import { declaredInterfaces, type InterfaceToken } from "@strombus/reactor/components";
import { type Deferred, fail, maybeDeferred } from "@strombus/reactor/defer";
import { NotEnoughAuthentication } from "../error.js";
import { type LoginScope, scopeOf } from "../userauth/scope.js";

type Successes = Map<AvatarId, ICredentials[]>;

/**
 * Hands credentials to the checker for their kind, and lets in when {@link areDone} says that there are enough. All checkers
 * must give the same avatar id for one user.
 *
 * ```ts
 * class KeyAndPassword extends SSHProtocolChecker {
 *   override areDone(avatarId: AvatarId) {
 *     const shown = this.successfulCredentials.get(avatarId)!;
 *     return [ISSHPrivateKey, IUsernamePassword].every((kind) => shown.some((each) => providedBy(kind, each)));
 *   }
 * }
 * ```
 */
export class SSHProtocolChecker implements ICredentialsChecker {
  readonly checkers = new Map<InterfaceToken, ICredentialsChecker>();
  /**
   * The credentials accepted so far, by avatar id, in the login that is being judged. Another connection, and another user
   * or service on the same one, starts with none, so that nobody goes on with what someone else has shown. Credentials
   * that no SSH server made are all of one login.
   */
  successfulCredentials: Successes = new Map();

  readonly #unscoped = this.successfulCredentials;
  readonly #byLogin = new WeakMap<LoginScope, Successes>();

  get credentialInterfaces(): InterfaceToken[] {
    return [...this.checkers.keys()];
  }

  /** Puts a checker in charge of some kinds of credentials, by default of all it can check. */
  registerChecker(checker: ICredentialsChecker, ...credentialInterfaces: InterfaceToken[]): void {
    const kinds = credentialInterfaces.length > 0 ? credentialInterfaces : checker.credentialInterfaces;
    for (const kind of kinds) this.checkers.set(kind, checker);
  }

  /** @returns the avatar id; fails with NotEnoughAuthentication when more is needed, or as the checker in charge does */
  requestAvatarId(credentials: ICredentials): Deferred<AvatarId> {
    const kinds = declaredInterfaces(credentials);
    const checker = kinds.map((kind) => this.checkers.get(kind)).find((each) => each !== undefined);
    if (checker === undefined) {
      return fail(new UnhandledCredentials(`No checker for ${kinds.map((kind) => kind.name).join(", ")}`));
    }
    return maybeDeferred(() => checker.requestAvatarId(credentials)).addCallback((avatarId) => {
      const successes = this.#successesIn(scopeOf(credentials));
      successes.set(avatarId, [...(successes.get(avatarId) ?? []), credentials]);
      this.successfulCredentials = successes;
      if ((this.areDone(avatarId) as unknown) !== true) throw new NotEnoughAuthentication();
      successes.delete(avatarId);
      return avatarId;
    });
  }

  /**
   * Whether this user has shown enough; by default one proof is. Ask for kinds of credentials, not for a number of them:
   * one password sent twice is two. At once: a Promise is not enough.
   */
  areDone(avatarId: AvatarId): boolean {
    return true;
  }

  #successesIn(login: LoginScope | undefined): Successes {
    if (login === undefined) return this.#unscoped;
    let successes = this.#byLogin.get(login);
    if (successes === undefined) this.#byLogin.set(login, (successes = new Map<AvatarId, ICredentials[]>()));
    return successes;
  }
}
