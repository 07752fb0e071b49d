/** The pieces of the pages on checkers that are no examples of their own. They are compiled here. */
import { readFileSync } from "node:fs";
import { AuthorizedKey, InMemorySSHKeyDB } from "@strombus/conch/checkers";
import { Permissions, restrict } from "@strombus/conch/permissions";
import { FilePasswordDB } from "@strombus/cred/checkers";
import type { ICredentials } from "@strombus/cred/credentials";
import { loadCrypt } from "@strombus/cred/crypt";
import { LDAPChecker } from "@strombus/cred/ldap";
import { type SQLDatabase, SQLPasswordDB } from "@strombus/cred/sql";

export function backupOnly(credentials: ICredentials): void {
  restrict(credentials, new Permissions({ pty: false, portForwarding: false, command: "backup" }));
}

export const keys = () =>
  new InMemorySSHKeyDB({ backup: [AuthorizedKey.fromString('restrict,command="backup" ssh-ed25519 AAAA...')] });

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
