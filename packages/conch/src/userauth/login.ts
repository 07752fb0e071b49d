/** What goes into a login and what comes out of it: the user name, the portal, and the avatar that somebody waits for or not. */
import { isUtf8 } from "node:buffer";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { Portal } from "@strombus/cred/portal";
import { type InterfaceToken, providedBy } from "@strombus/reactor/components";
import { fail, maybeDeferred } from "@strombus/reactor/defer";
import type { Failure } from "@strombus/reactor/failure";
import type { Source } from "../class.js";
import { ConchError } from "../error.js";
import { IConchUser } from "../interfaces.js";
import type { SSHTransportBase, TransportService } from "../ssh/transport.js";
import { log } from "./events.js";

/** What a login gives: the interface asked for, its provider, and what to call when the user is gone. */
export type Login = readonly [InterfaceToken, avatar: unknown, logout: () => unknown];

/** What the server's factory gives to user authentication. */
export interface UserAuthFactory {
  portal: Portal | null;
  /** What makes the service that follows a login; null for one that is not run. */
  getService(transport: SSHTransportBase, name: string): Source<TransportService, []> | null;
}

/** 1 to 255 bytes of UTF-8 without NUL (A17). */
export function isUserName(name: Buffer): boolean {
  return name.length >= 1 && name.length <= 255 && !name.includes(0) && isUtf8(name);
}

/** The text of a password. @throws UnauthorizedLogin when it is too long to be hashed, or no UTF-8 */
export function passwordOf(bytes: Buffer, maxLength: number): string {
  if (bytes.length > maxLength) throw new UnauthorizedLogin("password too long");
  if (!isUtf8(bytes)) throw new UnauthorizedLogin("password that is not UTF-8");
  return bytes.toString("utf8");
}

/** The class of the checker that a portal asks about these credentials: for the log. */
export function checkerOf(portal: Portal, credentials: object): string {
  const found = [...portal.checkers].find(([kind]) => providedBy(kind, credentials));
  return found === undefined ? "no checker" : found[1].constructor.name;
}

/** A login is exactly this; anything else that a portal may give is none. @throws ConchError */
export function loginOf(result: unknown): Login {
  if (Array.isArray(result) && result.length === 3) {
    const [token, avatar, logout] = result as unknown[];
    if (token === IConchUser && avatar !== undefined && typeof logout === "function") return result as unknown as Login;
  }
  logOutOf(result);
  throw new ConchError("the portal gave no login");
}

/** Somebody logged in whom nobody waits for any more: the avatar is told at once that its user is gone (A18). */
export function logOutOf(result: unknown): void {
  const logout: unknown = Array.isArray(result) ? result[2] : null;
  if (typeof logout === "function") logOut(logout as () => unknown);
}

export function logOut(logout: () => unknown): void {
  maybeDeferred(logout).addErrback((reason: Failure) => log.failure("a logout failed", reason));
}

/**
 * Asks the same checkers as `portal`, and nobody gets in: what a question is put to, whatever a checker says (A5).
 *
 * @param checker the one that is going to be asked, for the log
 */
export function withoutRealm(portal: Portal, checker: string | null): Portal {
  return new QuestionPortal(portal, checker);
}

class QuestionPortal extends Portal {
  override readonly checkers: Portal["checkers"];

  constructor({ checkers }: Portal, checker: string | null) {
    super({
      requestAvatar() {
        log.warn("checker {checker} would let in who only asked about a key", { checker });
        return fail(new UnauthorizedLogin("a question logs nobody in"));
      },
    });
    this.checkers = checkers;
  }
}
