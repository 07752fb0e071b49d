/** The answer of a checker that looks users up: an unknown name costs what a known one does. */
import { randomBytes } from "node:crypto";
import { type Awaitable, type Deferred, maybeDeferred } from "@strombus/reactor/defer";
import { UnauthorizedLogin } from "../error.js";

/** A password that nobody has: what the credentials of unknown users are compared with. */
export const DECOY = randomBytes(16).toString("hex");

/**
 * The name, if it is one and `agrees` answers exactly true; else UnauthorizedLogin.
 *
 * @param name null for an unknown user, who is refused whatever `agrees` answers.
 * @param agrees the comparison, with a decoy for an unknown user. What it throws for a known one is the answer.
 */
export function answer(name: string | null, agrees: () => Awaitable<boolean>): Deferred<string> {
  const agreed = maybeDeferred(agrees);
  if (name === null) return agreed.addBoth(refuse);
  return agreed.addCallback((yes: unknown) => (yes === true ? name : refuse()));
}

function refuse(): never {
  throw new UnauthorizedLogin("unknown user or wrong password");
}
