/** Where credentials came from: for checkers that tell somebody else, as PAM is told PAM_RHOST. */

const origins = new WeakMap<object, string>();

/** Notes the address of the host that these credentials came from. A server that makes credentials calls it. */
export function noteOrigin(credentials: object, host: string): void {
  origins.set(credentials, host);
}

/** That address; null where nobody has noted it. */
export function originOf(credentials: object): string | null {
  return origins.get(credentials) ?? null;
}
