/** The portal, where checkers and a realm meet (twisted.cred.portal). */
import { type InterfaceToken, declaredInterfaces, interfaceToken, providedBy } from "@strombus/reactor/components";
import { type Awaitable, type Deferred, fail, maybeDeferred } from "@strombus/reactor/defer";
import { Logger } from "@strombus/reactor/logger";
import { ANONYMOUS, type AvatarId, type ICredentialsChecker } from "./checkers.js";
import type { ICredentials } from "./credentials.js";
import { UnauthorizedLogin, UnhandledCredentials } from "./error.js";

export type { AvatarId } from "./checkers.js";

const log = new Logger({ namespace: "@strombus/cred/portal" });

/** A login that succeeded: which interface, the avatar providing it, and what to call once when the user is gone. */
export type PortalLogin<T = unknown> = readonly [iface: InterfaceToken<T>, avatar: T, logout: () => void];

/** What an avatar is when one of these interfaces was asked for; unknown when none was named. */
export type AvatarOf<I extends readonly InterfaceToken[]> = I extends readonly []
  ? unknown
  : I[number] extends InterfaceToken<infer T>
    ? T
    : unknown;

/** What an application gives to users who have proved who they are. */
export interface IRealm {
  /**
   * The avatar of an authenticated user, made on demand.
   *
   * @param avatarId what the checker answered: a user name, or `ANONYMOUS`.
   * @param mind handed through from the caller of `login`, often null.
   * @param interfaces what the caller can use, the preferred one first; the realm picks one.
   * @throws LoginDenied to keep this user out; NotImplementedError if it supports none of the interfaces.
   */
  requestAvatar(avatarId: AvatarId, mind: unknown, ...interfaces: InterfaceToken[]): Awaitable<PortalLogin>;
}
export const IRealm: InterfaceToken<IRealm> = interfaceToken("IRealm", [], ["requestAvatar"]);

/**
 * Lets users in: asks the checker for their kind of credentials who they are, and the realm for their avatar.
 *
 * ```ts
 * const portal = new Portal(new MyRealm(), [new FilePasswordDB("passwords")]);
 * const [, user, logout] = await portal.login(new UsernamePassword(name, password), null, IConchUser);
 * ```
 */
export class Portal {
  /** The checker of each kind of credentials, in the order of registration. */
  readonly checkers = new Map<InterfaceToken, ICredentialsChecker>();

  constructor(
    public realm: IRealm,
    checkers: Iterable<ICredentialsChecker> = [],
  ) {
    for (const checker of checkers) this.registerChecker(checker);
  }

  /** The kinds of credentials that can be checked, in the order of registration. */
  listCredentialsInterfaces(): InterfaceToken[] {
    return [...this.checkers.keys()];
  }

  /**
   * Puts a checker in charge of some kinds of credentials, by default of all it can check. A kind that had a checker
   * keeps its place in the order.
   */
  registerChecker(checker: ICredentialsChecker, ...credentialInterfaces: InterfaceToken[]): void {
    const kinds = credentialInterfaces.length > 0 ? credentialInterfaces : checker.credentialInterfaces;
    for (const kind of kinds) this.checkers.set(kind, checker);
  }

  /**
   * Checks credentials with the first checker for what they provide, then asks the realm for the avatar. There is no
   * second checker for credentials that the first refused.
   *
   * @returns the realm's answer, at once when checker and realm answer at once; else a failure: UnauthorizedLogin for
   *   refused credentials, UnhandledCredentials without a checker for them, or what checker or realm failed with.
   */
  login<I extends readonly InterfaceToken[]>(
    credentials: ICredentials,
    mind: unknown,
    ...interfaces: I
  ): Deferred<PortalLogin<AvatarOf<I>>> {
    for (const [kind, checker] of this.checkers) {
      if (!providedBy(kind, credentials)) continue;
      return maybeDeferred(() => checker.requestAvatarId(credentials)).addCallback((avatarId) => {
        // Anything but an avatar id is no success: not undefined, not a returned Error.
        if (!isAvatarId(avatarId)) {
          log.error("checker {checker} answered by what is no avatar id", { checker: checker.constructor.name });
          throw new UnauthorizedLogin(`the answer of ${checker.constructor.name} is not an avatar id`);
        }
        return this.realm.requestAvatar(avatarId, mind, ...interfaces) as Awaitable<PortalLogin<AvatarOf<I>>>;
      });
    }
    const kinds = declaredInterfaces(credentials).map((kind) => kind.name);
    return fail(new UnhandledCredentials(`No checker for ${kinds.join(", ")}`));
  }
}

function isAvatarId(value: unknown): value is AvatarId {
  return typeof value === "string" || value === ANONYMOUS;
}
