/** Checkers: who the bearer of some credentials is (twisted.cred.checkers). */
import { type InterfaceToken, classImplements } from "@strombus/reactor/components";
import { type Deferred, succeed } from "@strombus/reactor/defer";
import type { BytesLike } from "@strombus/reactor/interfaces";
import { DECOY, answer } from "./checkers/answer.js";
import { ANONYMOUS, ICredentialsChecker } from "./checkers/interfaces.js";
import { hide } from "./hide.js";
import { IAnonymous, type ICredentials, IUsernameHashedPassword, IUsernamePassword } from "./credentials/interfaces.js";

export {
  FilePasswordDB,
  type FilePasswordDBOptions,
  FilePasswordDB as OnDiskUsernamePasswordDatabase,
  type PasswordHash,
} from "./checkers/file.js";
export { PluggableAuthenticationModulesChecker } from "./pam/checker.js";
export { ANONYMOUS, type AvatarId, ICredentialsChecker } from "./checkers/interfaces.js";

/** Lets everybody in who asks to come in without a name. */
export class AllowAnonymousAccess implements ICredentialsChecker {
  readonly credentialInterfaces: readonly InterfaceToken[] = [IAnonymous];

  requestAvatarId(_credentials: ICredentials): Deferred<typeof ANONYMOUS> {
    return succeed(ANONYMOUS);
  }
}
classImplements(AllowAnonymousAccess, ICredentialsChecker);

/** Users and their passwords in memory, in the clear: for tests and trials, as the name says. */
export class InMemoryUsernamePasswordDatabaseDontUse implements ICredentialsChecker {
  readonly credentialInterfaces: readonly InterfaceToken[] = [IUsernamePassword, IUsernameHashedPassword];
  /** Passwords by user name. */
  readonly users: Map<string, BytesLike>;

  /** @param users passwords by user name; default none. */
  constructor(users: ReadonlyMap<string, BytesLike> | Readonly<Record<string, BytesLike>> = {}) {
    this.users = new Map(isMap(users) ? users : Object.entries(users));
    hide(this, "users");
  }

  /** Adds a user, or gives one another password. */
  addUser(username: string, password: BytesLike): void {
    this.users.set(username, password);
  }

  /** The name, for the right password; an unknown user costs what a known one does. */
  requestAvatarId(credentials: IUsernamePassword | IUsernameHashedPassword): Deferred<string> {
    const { username } = credentials;
    const stored = username === null ? undefined : this.users.get(username);
    return answer(stored === undefined ? null : username, () => credentials.checkPassword(stored ?? DECOY));
  }
}
classImplements(InMemoryUsernamePasswordDatabaseDontUse, ICredentialsChecker);

function isMap<V>(users: ReadonlyMap<string, V> | Readonly<Record<string, V>>): users is ReadonlyMap<string, V> {
  return users instanceof Map;
}
