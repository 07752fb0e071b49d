/** Users and passwords in a text file (twisted.cred.checkers.FilePasswordDB). */
import { isUtf8 } from "node:buffer";
import { readFileSync, statSync } from "node:fs";
import { type InterfaceToken, adapt, classImplements } from "@strombus/reactor/components";
import { type Awaitable, type Deferred, maybeDeferred } from "@strombus/reactor/defer";
import { KeyError, ValueError } from "@strombus/reactor/exceptions";
import type { BytesLike } from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";
import { sameBytes } from "../compare.js";
import { IUsernameHashedPassword, IUsernamePassword } from "../credentials/interfaces.js";
import { UnauthorizedLogin } from "../error.js";
import { DECOY, answer } from "./answer.js";
import { ICredentialsChecker } from "./interfaces.js";

/** What the file holds for a user whose password came over the network: equal to `storedPassword` if it is right. */
export type PasswordHash = (
  username: string,
  networkPassword: string,
  storedPassword: string,
) => Awaitable<BytesLike | null>;

/** Where a record has its fields, and how passwords are stored. */
export interface FilePasswordDBOptions {
  /** Between fields, one character or more; default ":". */
  delim?: string | undefined;
  /** Index of the user name's field; default 0. */
  usernameField?: number | undefined;
  /** Index of the password's field; default 1. */
  passwordField?: number | undefined;
  /** False folds A to Z in the file and in what is looked up; default true. */
  caseSensitive?: boolean | undefined;
  /** Turns a password into what the file holds; default null, for passwords stored as they are. */
  hash?: PasswordHash | null | undefined;
  /** Keeps the file in memory until its modification time grows; default false. */
  cache?: boolean | undefined;
}

const log = new Logger({ namespace: "@strombus/cred/checkers" });

/**
 * Checks passwords against a file of one record a line, in UTF-8. White space at the end of a line does not count, a
 * line with too few fields is skipped, and of several records for one name the first is used. There are no comments,
 * quotes or escapes.
 *
 * ```ts
 * new FilePasswordDB("passwords"); // name:password
 * new FilePasswordDB("users", { delim: ",", usernameField: 2, passwordField: 4, cache: true });
 * ```
 */
export class FilePasswordDB implements ICredentialsChecker {
  readonly credentialInterfaces: readonly InterfaceToken[];
  readonly filename: string;
  readonly delim: string;
  readonly ufield: number;
  readonly pfield: number;
  readonly caseSensitive: boolean;
  readonly hash: PasswordHash | null;
  readonly cache: boolean;
  #users: ReadonlyMap<string, string> = new Map();
  /** Modification time of what `#users` was read from, in nanoseconds; null if nothing is cached. */
  #timestamp: bigint | null = null;

  /** @throws ValueError if `delim` is empty or a field's index is not a whole number from 0. */
  constructor(filename: string, options?: FilePasswordDBOptions);
  constructor(
    filename: string,
    delim?: string,
    usernameField?: number,
    passwordField?: number,
    caseSensitive?: boolean,
    hash?: PasswordHash | null,
    cache?: boolean,
  );
  constructor(
    filename: string,
    delimOrOptions: string | FilePasswordDBOptions = {},
    usernameField?: number,
    passwordField?: number,
    caseSensitive?: boolean,
    hash?: PasswordHash | null,
    cache?: boolean,
  ) {
    const options: FilePasswordDBOptions =
      typeof delimOrOptions === "string"
        ? { delim: delimOrOptions, usernameField, passwordField, caseSensitive, hash, cache }
        : delimOrOptions;
    this.filename = filename;
    this.delim = options.delim ?? ":";
    this.ufield = options.usernameField ?? 0;
    this.pfield = options.passwordField ?? 1;
    this.caseSensitive = options.caseSensitive ?? true;
    this.hash = options.hash ?? null;
    this.cache = options.cache ?? false;
    this.credentialInterfaces = this.hash ? [IUsernamePassword] : [IUsernamePassword, IUsernameHashedPassword];
    if (this.delim === "") throw new ValueError("the delimiter of a password file cannot be empty");
    for (const field of [this.ufield, this.pfield]) {
      if (!Number.isInteger(field) || field < 0) throw new ValueError(`${field} is not the index of a field`);
    }
  }

  /**
   * The name, folded if case does not count, and what the file holds as the password.
   *
   * @throws KeyError for an unknown user; UnauthorizedLogin, after logging why, if the file cannot be read.
   */
  getUser(username: string): [name: string, stored: string] {
    const users = this.#load();
    const name = this.#fold(username);
    const stored = users.get(name);
    if (stored === undefined) throw new KeyError("unknown user");
    return [name, stored];
  }

  /** The name as `getUser` gives it, for the right password; an unknown user costs what a known one does. */
  requestAvatarId(credentials: IUsernamePassword | IUsernameHashedPassword): Deferred<string> {
    return maybeDeferred(() => {
      const [name, stored] = this.#find(credentials.username);
      return answer(name, () => this.#agrees(credentials, stored));
    });
  }

  #agrees(credentials: IUsernamePassword | IUsernameHashedPassword, stored: string): Awaitable<boolean> {
    if (!this.hash) return credentials.checkPassword(stored);
    const plain = adapt(IUsernamePassword, credentials, null);
    if (!plain) return false;
    return maybeDeferred(this.hash, plain.username, plain.password, stored).addCallback((value) =>
      isBytesLike(value) ? sameBytes(value, stored) : false,
    );
  }

  /** As `getUser`, but an unknown user has no name, and as password one of the same form as those of others. */
  #find(username: string | null): [name: string | null, stored: string] {
    try {
      if (username === null) throw new KeyError("no user name");
      return this.getUser(username);
    } catch (error) {
      if (!(error instanceof KeyError)) throw error;
      const [someone = DECOY] = this.#users.values();
      return [null, someone];
    }
  }

  /** The users in the file, as it is now or, with `cache`, as it was when last it changed. */
  #load(): ReadonlyMap<string, string> {
    try {
      const modified = this.cache ? statSync(this.filename, { bigint: true }).mtimeNs : null;
      if (modified === null || this.#timestamp === null || modified > this.#timestamp) {
        this.#users = this.#parse(readFileSync(this.filename));
        this.#timestamp = modified;
      }
      return this.#users;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      log.error("cannot read the password file {filename}: {reason}", { filename: this.filename, reason });
      throw new UnauthorizedLogin("the password file cannot be read", { cause });
    }
  }

  #parse(file: Buffer): Map<string, string> {
    const users = new Map<string, string>();
    for (const line of lines(file)) {
      const fields = line.split(this.delim);
      const name = fields[this.ufield];
      const password = fields[this.pfield];
      if (name === undefined || password === undefined) continue;
      const key = this.#fold(name);
      if (!users.has(key)) users.set(key, password);
    }
    return users;
  }

  #fold(name: string): string {
    return this.caseSensitive ? name : name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  }
}
classImplements(FilePasswordDB, ICredentialsChecker);

/** Lines without the white space at their ends; one that is not UTF-8 holds nothing that could be sent to us. */
function* lines(file: Buffer): Generator<string> {
  for (const line of file.toString("latin1").split("\n")) {
    const bytes = Buffer.from(line, "latin1");
    if (isUtf8(bytes)) yield bytes.toString().replace(/[ \t\n\r\v\f]+$/, "");
  }
}

function isBytesLike(value: unknown): value is BytesLike {
  return typeof value === "string" || value instanceof Uint8Array;
}
