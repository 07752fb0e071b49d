/** What a checker is, and what it may answer (twisted.cred.checkers). */
import { type InterfaceToken, interfaceToken } from "@strombus/reactor/components";
import type { Awaitable } from "@strombus/reactor/defer";
import type { ICredentials } from "../credentials/interfaces.js";

/** A user without a name who may come in: compare with `===`. It is no text, so that no user can be called so. */
export const ANONYMOUS: unique symbol = Symbol("ANONYMOUS");

/** Who somebody is: a user name, or `ANONYMOUS`. */
export type AvatarId = string | typeof ANONYMOUS;

/** Checks credentials of some kinds. No declaration is needed: who has both members is a checker. */
export interface ICredentialsChecker {
  /** The kinds of credentials it can check. */
  readonly credentialInterfaces: Iterable<InterfaceToken>;
  /**
   * Who the bearer of the credentials is.
   *
   * @throws UnauthorizedLogin, or fails with it, for credentials that are not good.
   */
  requestAvatarId(credentials: ICredentials): Awaitable<AvatarId>;
}
export const ICredentialsChecker: InterfaceToken<ICredentialsChecker> = interfaceToken<ICredentialsChecker>(
  "ICredentialsChecker",
  [],
  ["credentialInterfaces", "requestAvatarId"],
);
