/** Credentials: what a user brings to a login (twisted.cred.credentials). */
import { classImplements } from "@strombus/reactor/components";
import type { BytesLike } from "@strombus/reactor/interfaces";
import { sameBytes } from "./compare.js";
import { hide } from "./hide.js";
import {
  IAnonymous,
  ISSHHostBased,
  ISSHPrivateKey,
  IUsernameHashedPassword,
  IUsernamePassword,
  IUsernamePasswordChange,
} from "./credentials/interfaces.js";

export { noteOrigin, originOf } from "./credentials/origin.js";
export { CramMD5Credentials } from "./credentials/cram.js";
export { DigestCredentialFactory, DigestedCredentials, type DigestChallenge } from "./credentials/digest.js";
export * from "./credentials/interfaces.js";
export { KeyboardInteractive, PluggableAuthenticationModules } from "./credentials/keyboard.js";
export { algorithms, calcHA1, calcHA2, calcResponse } from "./digest.js";

/** A name and a password in the clear. */
export class UsernamePassword implements IUsernamePassword {
  readonly password: string;
  readonly #bytes: Buffer;

  /** @param password text, or the bytes of it in UTF-8. */
  constructor(
    public username: string,
    password: BytesLike,
  ) {
    this.#bytes = Buffer.from(password);
    this.password = this.#bytes.toString();
    hide(this, "password");
  }

  /** Whether the bytes are the same, in constant time. */
  checkPassword(password: BytesLike): boolean {
    return sameBytes(this.#bytes, password);
  }
}
classImplements(UsernamePassword, IUsernamePassword);

/** A name and a hash, equal to the one that is stored. Twisted has deprecated it: `UsernamePassword` does the same. */
export class UsernameHashedPassword implements IUsernameHashedPassword {
  constructor(
    public username: string,
    readonly hashed: BytesLike,
  ) {
    hide(this, "hashed");
  }

  /** Whether the bytes are the same, in constant time. */
  checkPassword(password: BytesLike): boolean {
    return sameBytes(this.hashed, password);
  }
}
classImplements(UsernameHashedPassword, IUsernameHashedPassword);

/** No name and no proof. */
export class Anonymous implements IAnonymous {}
classImplements(Anonymous, IAnonymous);

/** A public key and the proof of having its private half (RFC 4252 section 7). */
export class SSHPrivateKey implements ISSHPrivateKey {
  /** @param sigData what was signed; with `signature` it is null while the client only asks about the key. */
  constructor(
    public username: string,
    public algName: string,
    public blob: Buffer,
    public sigData: Buffer | null,
    public signature: Buffer | null,
  ) {}
}
classImplements(SSHPrivateKey, ISSHPrivateKey);

/** The wish to change a password. */
export class UsernamePasswordChange implements IUsernamePasswordChange {
  constructor(
    public username: string,
    public password: string,
    public newPassword: string,
  ) {
    hide(this, "password", "newPassword");
  }
}
classImplements(UsernamePasswordChange, IUsernamePasswordChange);

/** A host's word for its user, with the proof that it is that host (RFC 4252 section 9). */
export class SSHHostBased implements ISSHHostBased {
  constructor(
    public username: string,
    public algName: string,
    public blob: Buffer,
    public hostname: string,
    public clientUsername: string,
    public sigData: Buffer,
    public signature: Buffer,
  ) {}
}
classImplements(SSHHostBased, ISSHHostBased);
