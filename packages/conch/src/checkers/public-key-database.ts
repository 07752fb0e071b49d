/** The checker of keys that Twisted had before its SSHPublicKeyChecker. */
import { closeSync, constants, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import type { ICredentialsChecker } from "@strombus/cred/checkers";
import { type ICredentials, ISSHPrivateKey } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import type { InterfaceToken } from "@strombus/reactor/components";
import { type Deferred, maybeDeferred } from "@strombus/reactor/defer";
import { KeyError, OSError } from "@strombus/reactor/exceptions";
import type { Failure } from "@strombus/reactor/failure";
import { Logger } from "@strombus/reactor/logger";
import { runAsEffectiveUser } from "@strombus/reactor/util";
import { ValidPublicKey } from "../error.js";
import type { MaybeLater } from "../interfaces.js";
import { Key } from "../ssh/keys.js";
import { pwd, type UserDatabase } from "./passwd.js";
import { isSignedBy } from "./public-key.js";

const log = new Logger({ namespace: "strombus.conch.checkers" });

const MAX_FILE = 1_048_576; // bytes; a longer file is not read

let warned = false;

/**
 * Lets in who signs with a key of `.ssh/authorized_keys` or `authorized_keys2`. A line with options never matches.
 *
 * Deprecated, as in Twisted: `new SSHPublicKeyChecker(new UNIXAuthorizedKeysFiles())` knows options and certificates too.
 * It is here for subclasses that override {@link checkKey}.
 */
export class SSHPublicKeyDatabase implements ICredentialsChecker {
  readonly credentialInterfaces: readonly InterfaceToken[] = [ISSHPrivateKey];
  _userdb: UserDatabase = pwd;

  constructor() {
    if (!warned)
      process.emitWarning("SSHPublicKeyDatabase is deprecated: use SSHPublicKeyChecker", "DeprecationWarning");
    warned = true;
  }

  /** The name; fails with ValidPublicKey for an authorized key without a signature, or with UnauthorizedLogin. */
  requestAvatarId(credentials: ICredentials): Deferred<string> {
    const given = credentials as ISSHPrivateKey;
    const checking: Deferred = maybeDeferred(() => this.checkKey(given));
    return checking
      .addCallback((isKnown) => {
        if (isKnown !== true) throw new UnauthorizedLogin("invalid key");
        if (!given.signature?.length) throw new ValidPublicKey("a signature is needed");
        if (!this.#isSigned(given)) throw new UnauthorizedLogin("unable to verify key");
        return given.username;
      })
      .addErrback((reason: Failure) => {
        if (reason.check(UnauthorizedLogin)) throw reason.value;
        if (!reason.check(KeyError)) log.failure("a key could not be looked up", reason);
        throw new UnauthorizedLogin("unable to get avatar id", { cause: reason.value });
      });
  }

  /** Whether this is a key of the user; only `true` is yes. */
  checkKey(credentials: ISSHPrivateKey): MaybeLater<boolean> {
    const found = this._userdb.getpwnam(credentials.username);
    const check = ({ pw_uid, pw_gid }: Owner): boolean =>
      this.getAuthorizedKeysFiles(credentials).some((path) =>
        linesOf(path, { pw_uid, pw_gid }).some((line) => holds(line, credentials.blob)),
      );
    return "then" in found ? found.then(check) : check(found);
  }

  /** The paths of the files that may hold the key, in order. */
  getAuthorizedKeysFiles(credentials: ISSHPrivateKey): string[] {
    const found = this._userdb.getpwnam(credentials.username);
    if ("then" in found) throw new TypeError("override getAuthorizedKeysFiles for users that are looked up later");
    return ["authorized_keys", "authorized_keys2"].map((name) => join(found.pw_dir, ".ssh", name));
  }

  #isSigned({ blob, signature, sigData }: ISSHPrivateKey): boolean {
    try {
      return isSignedBy(Key.fromString(blob), signature!, sigData!, null);
    } catch (cause) {
      log.warn("a key could not be verified: {why}", { why: cause instanceof Error ? cause.message : String(cause) });
      throw new UnauthorizedLogin("error while verifying key", { cause });
    }
  }
}

interface Owner {
  readonly pw_uid: number;
  readonly pw_gid: number;
}

/** Of a file that is there; one that we may not read is read as its owner. */
function linesOf(path: string, { pw_uid, pw_gid }: Owner): string[] {
  if (!existsSync(path)) return [];
  try {
    return contentOf(path).split("\n");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EACCES") throw error;
    return runAsEffectiveUser(pw_uid, pw_gid, contentOf, path).split("\n");
  }
}

function contentOf(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK); // a FIFO must not make us wait for a writer
  try {
    const { size } = fstatSync(file);
    if (size > MAX_FILE) throw new OSError(`${size} bytes are too many`);
    const content = Buffer.alloc(size);
    return content.toString("latin1", 0, readSync(file, content));
  } finally {
    closeSync(file);
  }
}

/** Whether the second word of a line is this key. */
function holds(line: string, blob: Buffer): boolean {
  const [, second] = line.trim().split(/\s+/, 2);
  return second !== undefined && /^[A-Za-z0-9+/]+={0,2}$/.test(second) && Buffer.from(second, "base64").equals(blob);
}
