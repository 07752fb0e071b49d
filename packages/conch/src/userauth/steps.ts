/** Logins of several steps: which kinds of credentials can come next. */
import type { Portal } from "@strombus/cred/portal";
import type { InterfaceToken } from "@strombus/reactor/components";
import type { LoginScope } from "./scope.js";

/** A checker that wants several proofs, and knows which may come next. */
export interface ISteppedChecker {
  /** The kinds of credentials that it takes now, in the login that has come so far. */
  interfacesLeft(login: LoginScope): readonly InterfaceToken[];
}

/** The kinds of credentials that the portal's checkers can use now, in the order of their registration. */
export function stepsLeft(portal: Portal, login: LoginScope): InterfaceToken[] {
  return [...portal.checkers].flatMap(([kind, checker]) => {
    const { interfacesLeft } = checker as Partial<ISteppedChecker>;
    return interfacesLeft === undefined || interfacesLeft.call(checker, login).includes(kind) ? [kind] : [];
  });
}
