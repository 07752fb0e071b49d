/** To which login credentials belong, for checkers that want several of them before they let someone in. */

/**
 * One attempt to log in: one user, one service, one connection. A new user or service on the same connection begins
 * another, so that what was shown for the one is nothing to the other (RFC 4252 section 5).
 */
export class LoginScope {}

const scopes = new WeakMap<object, LoginScope>();

/** Notes that `credentials` came in this login. */
export function noteScope(credentials: object, scope: LoginScope): void {
  scopes.set(credentials, scope);
}

/** The login in which `credentials` came; undefined for those that no SSH server made. */
export function scopeOf(credentials: object): LoginScope | undefined {
  return scopes.get(credentials);
}
