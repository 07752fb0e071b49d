/**
 * To which login and to which connection credentials belong, for checkers that want several of them before they let
 * someone in, or that go by what an application knows of the connection.
 */
import { noteOrigin } from "@strombus/cred/credentials";
import { Permissions, restrictionsOf } from "../permissions.js";
import type { SSHTransportBase } from "../ssh/transport.js";

/**
 * One attempt to log in: one user, one service, one connection. A new user or service on the same connection begins
 * another, so that what was shown for the one is nothing to the other (RFC 4252 section 5).
 */
export class LoginScope {
  /** What all that was accepted so far permits. */
  permissions = Permissions.all;

  /** These credentials were accepted. @throws UnauthorizedLogin when what they permit does not go with what others do */
  accepted(credentials: object): void {
    this.permissions = this.permissions.and(restrictionsOf(credentials));
  }
}

const scopes = new WeakMap<object, LoginScope>();
const references = new WeakMap<object, SSHTransportBase["reference"]>();

/** Notes that `credentials` came in this login, on this connection. */
export function noteScope(credentials: object, scope: LoginScope, transport?: SSHTransportBase): void {
  scopes.set(credentials, scope);
  if (transport === undefined) return;
  const { reference = { to: transport } } = transport as Partial<SSHTransportBase>; // a test's own may have none
  references.set(credentials, reference);
  const address = addressOf(credentials);
  if (address !== null) noteOrigin(credentials, address);
}

/** The login in which `credentials` came; undefined for those that no SSH server made. */
export function scopeOf(credentials: object): LoginScope | undefined {
  return scopes.get(credentials);
}

/**
 * The transport on which `credentials` came, with its addresses and its `state`; undefined for those that no SSH server
 * made, and when the connection is over. A checker asks it in `requestAvatarId`:
 *
 * ```ts
 * requestAvatarId(credentials: IUsernamePassword) {
 *   const address = transportOf(credentials)?.getPeer();
 * }
 * ```
 */
export function transportOf(credentials: object): SSHTransportBase | undefined {
  return references.get(credentials)?.to ?? undefined;
}

/** The address, without port, that these credentials came from; null when that is not known. */
export function addressOf(credentials: object): string | null {
  try {
    const { host } = transportOf(credentials)!.getPeer().address as { host?: unknown };
    return typeof host === "string" ? host : null;
  } catch {
    return null;
  }
}
