/** Checkers of Conch that a command line can name (twisted.plugins.cred_sshkeys, cred_unix). */
import { ISSHPrivateKey, IUsernamePassword } from "@strombus/cred/credentials";
import type { ICheckerFactory } from "@strombus/cred/strcred";
import { SSHPublicKeyChecker, UNIXAuthorizedKeysFiles, UNIXPasswordDatabase } from "./checkers.js";

/** `--auth sshkey`. */
export const theSSHKeyCheckerFactory: ICheckerFactory = {
  authType: "sshkey",
  authHelp: "Lets users of the system in by the keys in their authorized_keys files.",
  argStringFormat: "No argstring required.",
  credentialInterfaces: [ISSHPrivateKey],
  generateChecker: () => new SSHPublicKeyChecker(new UNIXAuthorizedKeysFiles()),
};

/** What `--auth unix` makes. */
export class UNIXChecker extends UNIXPasswordDatabase {}

/** `--auth unix`. */
export const theUnixCheckerFactory: ICheckerFactory = {
  authType: "unix",
  authHelp: "Checks the passwords of the system's users, in /etc/passwd and /etc/shadow.",
  argStringFormat: "No argstring required.",
  credentialInterfaces: [IUsernamePassword],
  generateChecker: () => new UNIXChecker(),
};

export { verifyCryptedPassword } from "@strombus/cred/crypt";
