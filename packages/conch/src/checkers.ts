/** Checkers of SSH logins (twisted.conch.checkers). */
export { AuthorizedKey } from "./checkers/authorized-key.js";
export { HostBasedChecker, type HostBasedCheckerOptions } from "./checkers/host-based.js";
export type { KeyOptions, ReadingOptions } from "./checkers/key-options.js";
export {
  type AuthorizedKeys,
  IAuthorizedKeysDB,
  InMemorySSHKeyDB,
  type ParseKey,
  readAuthorizedKeyFile,
  UNIXAuthorizedKeysFiles,
} from "./checkers/authorized-keys.js";
export { type PasswdEntry, pwd, type UserDatabase } from "./checkers/passwd.js";
export { SSHProtocolChecker, type SSHProtocolCheckerOptions } from "./checkers/protocol.js";
export { SSHPublicKeyDatabase } from "./checkers/public-key-database.js";
export { SSHPublicKeyChecker, type SSHPublicKeyCheckerOptions } from "./checkers/public-key.js";
export { type ShadowDatabase, type ShadowEntry, spwd } from "./checkers/shadow.js";
export {
  _pwdGetByName,
  _shadowGetByName,
  type GetByName,
  type PasswordRecord,
  UNIXPasswordDatabase,
} from "./checkers/unix-password.js";
export { verifyCryptedPassword } from "@strombus/cred/crypt";
