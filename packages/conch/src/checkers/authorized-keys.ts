/** Where the keys that may log in come from: memory, and the `authorized_keys` files of UNIX users. */
import { constants, existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { type InterfaceToken, interfaceToken } from "@strombus/reactor/components";
import { KeyError, OSError, ValueError } from "@strombus/reactor/exceptions";
import { Logger } from "@strombus/reactor/logger";
import { BadKeyError, EncryptedKeyError, Key } from "../ssh/keys.js";
import { type AuthorizedKey, parseAuthorizedKey } from "./authorized-key.js";
import { type PasswdEntry, pwd, type UserDatabase } from "./passwd.js";

const log = new Logger({ namespace: "strombus.conch.checkers" });

const MAX_LINE = 16_384; // bytes; a longer one is dropped whole (A16)
const MAX_FILE = 1_048_576; // bytes; a longer file is not read

/** Where files of unknown users are looked for, so that they take the time of users without files (A12). */
const NO_HOME = "/nonexistent";

/** Keys, and keys with options of `authorized_keys`. */
export type AuthorizedKeys = Iterable<Key | AuthorizedKey> | AsyncIterable<Key | AuthorizedKey>;

/** Knows which keys may log in as whom. */
export interface IAuthorizedKeysDB {
  /** The keys of a user; none for a user who is unknown. May be a Promise or a Deferred of them. */
  getAuthorizedKeys(avatarId: string): AuthorizedKeys | PromiseLike<AuthorizedKeys>;
}
export const IAuthorizedKeysDB: InterfaceToken<IAuthorizedKeysDB> = interfaceToken<IAuthorizedKeysDB>(
  "IAuthorizedKeysDB",
  [],
  ["getAuthorizedKeys"],
);

/** Reads one line of an `authorized_keys` file. @throws BadKeyError if it holds no key. */
export type ParseKey<K = Key | AuthorizedKey> = (line: Buffer) => K;

/**
 * The keys of an `authorized_keys` file, a line each, read as they are asked for. Comments and empty lines are passed over;
 * a line that is no key is logged and passed over, as is, with the parser given by default, one with options before the
 * key: a key never gets more than its line grants.
 *
 * @param fileobj the file's lines, with or without their ends; or all of its bytes
 */
export function readAuthorizedKeyFile(
  fileobj: Iterable<Buffer | string> | Uint8Array | string,
): Generator<Key, void, undefined>;
export function readAuthorizedKeyFile<K>(
  fileobj: Iterable<Buffer | string> | Uint8Array | string,
  parseKey: ParseKey<K>,
): Generator<K, void, undefined>;
export function* readAuthorizedKeyFile(
  fileobj: Iterable<Buffer | string> | Uint8Array | string,
  parseKey: ParseKey<unknown> = (line) => Key.fromString(line),
): Generator<unknown, void, undefined> {
  for (const each of linesOf(fileobj)) {
    const line = each.toString("utf8").trim();
    if (line === "" || line.startsWith("#")) continue;
    if (each.length > MAX_LINE) {
      log.warn("authorized key of {length} bytes left out", { length: each.length });
      continue;
    }
    try {
      yield parseKey(Buffer.from(line));
    } catch (error) {
      if (!(error instanceof BadKeyError || error instanceof EncryptedKeyError)) throw error;
      log.warn("unable to parse authorized key {line}: {why}", {
        line: JSON.stringify(line.slice(0, 80)),
        why: error.message,
      });
    }
  }
}

type KeysInMemory = Iterable<Key | AuthorizedKey>;

/** Keys by user, held in memory. */
export class InMemorySSHKeyDB implements IAuthorizedKeysDB {
  readonly #keys: ReadonlyMap<string, KeysInMemory>;

  constructor(mapping: ReadonlyMap<string, KeysInMemory> | Readonly<Record<string, KeysInMemory>>) {
    this.#keys = new Map(mapping instanceof Map ? mapping : Object.entries(mapping));
  }

  getAuthorizedKeys(avatarId: string): KeysInMemory {
    return this.#keys.get(avatarId) ?? [];
  }
}

/**
 * The keys in `.ssh/authorized_keys`, then `.ssh/authorized_keys2`, of a UNIX user's home. Files are read as the user that
 * this process runs as, and neither owner nor mode is looked at. Options that stand before a key come with it.
 */
export class UNIXAuthorizedKeysFiles implements IAuthorizedKeysDB {
  readonly #userdb: UserDatabase;
  readonly #parseKey: ParseKey;

  /**
   * @param userdb the system's, unless given; a ValueError where there is none
   * @param parseKey for lines of another kind, or with options of another meaning
   * @param options `permitUserEnvironment`: whether the option `environment` counts; by default not, as with sshd, since
   *   some variables lead around a forced command or a restricted shell
   */
  constructor(
    userdb: UserDatabase = systemUsers(),
    parseKey: ParseKey | null = null,
    { permitUserEnvironment = false }: { readonly permitUserEnvironment?: boolean } = {},
  ) {
    this.#userdb = userdb;
    this.#parseKey = parseKey ?? ((line) => parseAuthorizedKey(line, { permitUserEnvironment }));
  }

  async getAuthorizedKeys(avatarId: string): Promise<(Key | AuthorizedKey)[]> {
    const user = await findUser(this.#userdb, avatarId);
    const home = user?.pw_dir ?? NO_HOME;
    const keys: (Key | AuthorizedKey)[] = [];
    for (const name of ["authorized_keys", "authorized_keys2"]) {
      const path = join(home, ".ssh", name);
      const content = await readKeyFile(path);
      if (content !== null) keys.push(...readAuthorizedKeyFile(content, this.#parseKey));
    }
    return user === null ? [] : keys;
  }
}

function systemUsers(): UserDatabase {
  if (!existsSync(pwd.path)) throw new ValueError(`there are no users of the system: ${pwd.path} is missing`);
  return pwd;
}

async function findUser(userdb: UserDatabase, name: string): Promise<PasswdEntry | null> {
  try {
    return await userdb.getpwnam(name);
  } catch (error) {
    if (error instanceof KeyError) return null;
    throw error;
  }
}

/** The bytes of a file, or null: one that is missing says nothing, any other that cannot be read is logged. */
async function readKeyFile(path: string): Promise<Buffer | null> {
  try {
    // A FIFO in its place must not make us wait for a writer.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { size } = await file.stat();
    if (size > MAX_FILE) throw new OSError(`${size} bytes are too many`);
    const content = Buffer.alloc(size);
    const { bytesRead } = await file.read(content, 0, content.length, 0);
    return content.subarray(0, bytesRead);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
      log.warn("unable to read {path}: {why}", { path: JSON.stringify(path), why: (error as Error).message });
    }
    return null;
  }
}

function linesOf(fileobj: Iterable<Buffer | string> | Uint8Array | string): Iterable<Buffer | string> {
  if (typeof fileobj === "string") return fileobj.split("\n");
  if (fileobj instanceof Uint8Array) return Buffer.from(fileobj).toString("utf8").split("\n");
  return fileobj;
}
