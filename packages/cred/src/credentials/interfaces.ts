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
