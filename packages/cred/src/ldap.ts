/** Users of a directory (LDAP). */
export { LDAPChecker, type LDAPCheckerOptions, type LDAPDirect, type LDAPSearch } from "./ldap/checker.js";
export type { DirectoryOptions } from "./ldap/directory.js";
