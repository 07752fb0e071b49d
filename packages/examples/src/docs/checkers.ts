/** The pieces of the pages on checkers that are no examples of their own. They are compiled here. */
import { readFileSync } from "node:fs";
import { AuthorizedKey, InMemorySSHKeyDB } from "@strombus/conch/checkers";
import { ValidPublicKey } from "@strombus/conch/error";
import { Permissions, restrict } from "@strombus/conch/permissions";
import type { Key } from "@strombus/conch/ssh/keys";
import { FilePasswordDB, type ICredentialsChecker } from "@strombus/cred/checkers";
import { type ICredentials, ISSHPrivateKey } from "@strombus/cred/credentials";
import { loadCrypt } from "@strombus/cred/crypt";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { LDAPChecker } from "@strombus/cred/ldap";
import { type SQLDatabase, SQLPasswordDB } from "@strombus/cred/sql";

export function backupOnly(credentials: ICredentials): void {
  restrict(credentials, new Permissions({ pty: false, portForwarding: false, command: "backup" }));
}

export const keys = () =>
  new InMemorySSHKeyDB({ backup: [AuthorizedKey.fromString('restrict,command="backup" ssh-ed25519 AAAA...')] });

export class OneKeyEach implements ICredentialsChecker {
  readonly credentialInterfaces = [ISSHPrivateKey];

  constructor(private readonly keys: ReadonlyMap<string, Key>) {}

  requestAvatarId({ username, blob, sigData, signature }: ISSHPrivateKey) {
    const key = this.keys.get(username);
    if (!key?.blob().equals(blob)) throw new UnauthorizedLogin("not this user's key");
    if (signature === null) throw new ValidPublicKey();
    if (key.verify(signature, sigData!)) return username;
    throw new UnauthorizedLogin("bad signature");
  }
}

export const hashed = () =>
  new FilePasswordDB("passwords", { hash: (name, password, stored) => loadCrypt()(password, stored) });

export const staff = (database: SQLDatabase) =>
  new SQLPasswordDB(database, {
    query: "SELECT login AS name, hash AS password FROM staff WHERE login = $1 AND active",
  });

export const directory = (bindPassword: string) =>
  new LDAPChecker({
    url: "ldap://ldap.example.com",
    startTLS: true,
    tls: { ca: readFileSync("ca.pem") },
    base: "dc=example,dc=com",
    filter: "(&(objectClass=person)(mail={})(memberOf=cn=ssh,ou=groups,dc=example,dc=com))",
    bindDN: "cn=sshd,dc=example,dc=com",
    bindPassword,
  });
