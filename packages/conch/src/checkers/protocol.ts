/** Logins that take more than one proof. */
import type { AvatarId, ICredentialsChecker } from "@strombus/cred/checkers";
import { type ICredentials, ISSHPrivateKey } from "@strombus/cred/credentials";
import { UnauthorizedLogin, UnhandledCredentials } from "@strombus/cred/error";
import { declaredInterfaces, type InterfaceToken, providedBy } from "@strombus/reactor/components";
import { type Deferred, fail, maybeDeferred } from "@strombus/reactor/defer";
import { NotEnoughAuthentication } from "../error.js";
import { type LoginScope, scopeOf } from "../userauth/scope.js";

type Successes = Map<AvatarId, ICredentials[]>;

export interface SSHProtocolCheckerOptions {
  /**
   * The kinds of credentials that a login takes, each once and in this order: no other is offered at its time, and the last
   * one lets in. By default all that are registered may come in any order, and `areDone` decides.
   */
  readonly inOrder?: readonly InterfaceToken[] | null;
}

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

  readonly #inOrder: readonly InterfaceToken[] | null;
  readonly #unscoped = this.successfulCredentials;
  readonly #byLogin = new WeakMap<LoginScope, Successes>();

  constructor({ inOrder = null }: SSHProtocolCheckerOptions = {}) {
    this.#inOrder = inOrder;
  }

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
    const login = scopeOf(credentials);
    if (!kinds.some((kind) => this.interfacesLeft(login).includes(kind))) {
      return fail(new UnauthorizedLogin("not the step that is due"));
    }
    return maybeDeferred(() => checker.requestAvatarId(credentials)).addCallback((avatarId) => {
      if (isQuestion(credentials)) throw new UnauthorizedLogin("a question about a key proves nothing");
      const successes = this.#successesIn(login);
      successes.set(avatarId, [...(successes.get(avatarId) ?? []), credentials]);
      this.successfulCredentials = successes;
      if ((this.areDone(avatarId) as unknown) !== true) throw new NotEnoughAuthentication();
      successes.delete(avatarId);
      return avatarId;
    });
  }

  /** The kinds of credentials that may come next in a login; all, unless an order was given. */
  interfacesLeft(login?: LoginScope): readonly InterfaceToken[] {
    if (this.#inOrder === null) return this.credentialInterfaces;
    const shown = [...this.#successesIn(login).values()].reduce((count, each) => count + each.length, 0);
    return this.#inOrder.slice(shown, shown + 1);
  }

  /**
   * Whether this user has shown enough; by default one proof is, or all of an order. Ask for kinds of credentials, not for a number of them:
   * one password sent twice is two. At once: a Promise is not enough.
   */
  areDone(avatarId: AvatarId): boolean {
    return this.#inOrder === null || this.successfulCredentials.get(avatarId)?.length === this.#inOrder.length;
  }

  #successesIn(login: LoginScope | undefined): Successes {
    if (login === undefined) return this.#unscoped;
    let successes = this.#byLogin.get(login);
    if (successes === undefined) this.#byLogin.set(login, (successes = new Map<AvatarId, ICredentials[]>()));
    return successes;
  }
}

/** A key that is shown without a signature: whatever a checker says of it, nobody has proved to have it (A5). */
function isQuestion(credentials: ICredentials): boolean {
  return providedBy(ISSHPrivateKey, credentials) && !credentials.signature?.length;
}
