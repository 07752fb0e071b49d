/** The kinds of credentials (twisted.cred.credentials): a portal chooses the checker by them, so each is declared. */
import { type InterfaceToken, interfaceToken } from "@strombus/reactor/components";
import type { Awaitable } from "@strombus/reactor/defer";
import type { BytesLike } from "@strombus/reactor/interfaces";

/** Anything that a user can bring to a login: a mark without members. */
export type ICredentials = object;
export const ICredentials: InterfaceToken<ICredentials> = interfaceToken("ICredentials");

/** A user name and the password that came with it. */
export interface IUsernamePassword {
  username: string;
  password: string;
  /** Whether `password`, the correct one, agrees with these credentials. */
  checkPassword(password: BytesLike): Awaitable<boolean>;
}
export const IUsernamePassword: InterfaceToken<IUsernamePassword> = interfaceToken("IUsernamePassword", [ICredentials]);

/** A user name and something derived from the password: only who has the correct password can check it. */
export interface IUsernameHashedPassword {
  username: string | null;
  /** Whether `password`, the correct one in plain text, agrees with these credentials. */
  checkPassword(password: BytesLike): Awaitable<boolean>;
}
export const IUsernameHashedPassword: InterfaceToken<IUsernameHashedPassword> = interfaceToken(
  "IUsernameHashedPassword",
  [ICredentials],
);

/** A user name and an answer that can be checked with H(A1) in hex, as .htdigest files have it (RFC 2617). */
export interface IUsernameDigestHash {
  username: string;
  checkHash(digestHash: BytesLike): Awaitable<boolean>;
}
export const IUsernameDigestHash: InterfaceToken<IUsernameDigestHash> = interfaceToken("IUsernameDigestHash", [
  ICredentials,
]);

/** The wish to come in without a name. */
export type IAnonymous = object;
export const IAnonymous: InterfaceToken<IAnonymous> = interfaceToken("IAnonymous", [ICredentials]);

/** A public key and, unless the client only asks whether the key would do, a signature (RFC 4252 section 7). */
export interface ISSHPrivateKey {
  username: string;
  algName: string;
  /** The public key as it travels. */
  blob: Buffer;
  /** What was signed; null without a signature. */
  sigData: Buffer | null;
  signature: Buffer | null;
}
export const ISSHPrivateKey: InterfaceToken<ISSHPrivateKey> = interfaceToken("ISSHPrivateKey", [ICredentials]);

/** A name, the password that it has, and the one that it is to have from now on. Whoever takes them logs nobody in yet. */
export interface IUsernamePasswordChange {
  username: string;
  password: string;
  newPassword: string;
}
export const IUsernamePasswordChange: InterfaceToken<IUsernamePasswordChange> = interfaceToken(
  "IUsernamePasswordChange",
  [ICredentials],
);

/** A question, and whether its answer may be shown while it is typed. */
export type Question = readonly [prompt: string, echo: boolean];

/** A name, and a user who answers questions, as often as they are asked (RFC 4256). */
export interface IKeyboardInteractive {
  username: string;
  /**
   * Asks, in one round.
   *
   * @param questions a text alone is a question whose answer is not shown; without any, only the instruction is.
   * @returns an answer to each; fails when the user goes away, or goes on without answering.
   */
  ask(questions: readonly (string | Question)[], instruction?: string, name?: string): Awaitable<string[]>;
}
export const IKeyboardInteractive: InterfaceToken<IKeyboardInteractive> = interfaceToken("IKeyboardInteractive", [
  ICredentials,
]);

/** One message of a PAM module: 1 asks for what is not shown, 2 for what is, 3 tells an error, 4 anything else. */
export type PamItem = readonly [message: string, kind: 1 | 2 | 3 | 4];

/** A name, and a user who holds the conversation that PAM modules want (pam_conv(3)). */
export interface IPluggableAuthenticationModules {
  username: string;
  /** @returns a response, and 0, for each item. */
  pamConversion(items: readonly PamItem[]): Awaitable<(readonly [response: string, code: 0])[]>;
}
export const IPluggableAuthenticationModules: InterfaceToken<IPluggableAuthenticationModules> = interfaceToken(
  "IPluggableAuthenticationModules",
  [ICredentials],
);

/** A host that says which of its users is at work, and proves with its host key that it is that host (RFC 4252 section 9). */
export interface ISSHHostBased {
  username: string;
  algName: string;
  /** The client host's public key as it travels. */
  blob: Buffer;
  /** The name that the client host gives itself. */
  hostname: string;
  /** The user's name there. */
  clientUsername: string;
  /** What was signed. */
  sigData: Buffer;
  signature: Buffer;
}
export const ISSHHostBased: InterfaceToken<ISSHHostBased> = interfaceToken("ISSHHostBased", [ICredentials]);
