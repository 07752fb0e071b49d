/** Users and passwords in a table of a SQL database. */
import { type InterfaceToken, classImplements } from "@strombus/reactor/components";
import { Deferred } from "@strombus/reactor/defer";
import { Logger } from "@strombus/reactor/logger";
import { ICredentialsChecker } from "../checkers/interfaces.js";
import { IUsernamePassword } from "../credentials/interfaces.js";
import { UnauthorizedLogin } from "../error.js";
import { verifyPassword } from "../passwords.js";
import { type SQLDatabase, openDatabase } from "./database.js";

export interface SQLPasswordDBOptions {
  /**
   * The statement that gives the row of the user `$1`, with the columns `name` and `password`, a hash of `hashPassword`.
   * Default `SELECT name, password FROM users WHERE name = $1`.
   */
  readonly query?: string;
}

const QUERY = "SELECT name, password FROM users WHERE name = $1";

/** A hash of nobody's password, by `hashPassword`, for users who are not there until a real hash has been seen. */
const DECOY = "$scrypt$ln=14,r=8,p=5$pO75dSQRUnao6LWwfN4nfg$bymnvsvYW5jCzKj49QjBcYMeiEKO4Pak1bubIXsAaMI";

const log = new Logger({ namespace: "@strombus/cred/sql" });

/**
 * Checks passwords against a table of a database, which is SQLite's in this process or a PostgreSQL server's. Hashes are
 * computed beside the event loop, three at a time at most.
 *
 * ```ts
 * portal.registerChecker(new SQLPasswordDB("users.db"));
 * portal.registerChecker(new SQLPasswordDB("postgres://sshd@db.example.com/accounts"));
 * ```
 *
 * The name that the table has is the one that the realm gets: where the database finds `Alice` for `alice`, both are one
 * user. What the database cannot answer fails as a wrong password does, and is logged; nothing is remembered of it.
 */
export class SQLPasswordDB implements ICredentialsChecker {
  readonly credentialInterfaces: readonly InterfaceToken[] = [IUsernamePassword];
  /** To be closed by who made this checker. */
  readonly database: SQLDatabase;
  readonly #query: string;
  /** A hash that a user has, so that unknown users take the time of those who are known (A12). */
  #decoy = DECOY;

  /** @param database its name, as `openDatabase` takes it, or one that is open. */
  constructor(database: string | SQLDatabase, { query = QUERY }: SQLPasswordDBOptions = {}) {
    this.database = typeof database === "string" ? openDatabase(database) : database;
    this.#query = query;
  }

  /** The name as the table has it; fails with UnauthorizedLogin. */
  requestAvatarId(credentials: IUsernamePassword): Deferred<string> {
    const { username, password } = credentials;
    return Deferred.fromPromise(this.#check(username, password));
  }

  async #check(username: string, password: string): Promise<string> {
    const user = await this.#find(username);
    if (user === null) await verifyPassword(this.#decoy, password);
    if (user === null || !(await this.#verify(user.password, password))) {
      throw new UnauthorizedLogin("unknown user or wrong password");
    }
    return user.name;
  }

  /** Null for an unknown user. */
  async #find(username: string): Promise<{ name: string; password: string } | null> {
    // No database has a name that is not text, and PostgreSQL none with a NUL.
    if (/[\0\p{Surrogate}]/u.test(username)) return null;
    let rows;
    try {
      rows = await this.database.query(this.#query, [username]);
    } catch (error) {
      log.error("the database could not be asked for a user: {error}", { error });
      throw new UnauthorizedLogin("the database could not be asked", { cause: error });
    }
    const [row, second] = rows;
    if (row === undefined) return null;
    const { name, password } = row;
    if (second === undefined && typeof name === "string" && typeof password === "string") return { name, password };
    log.error("the database has no single name and password for the user {username}", { username });
    return null;
  }

  async #verify(stored: string, password: string): Promise<boolean> {
    try {
      const right = await verifyPassword(stored, password);
      // The first one that was computed will do, the right one of a user is better.
      if (right || (this.#decoy === DECOY && !password.includes("\0"))) this.#decoy = stored;
      return right;
    } catch (error) {
      if (error instanceof UnauthorizedLogin) throw error;
      log.error("a password in the database cannot be verified: {error}", { error });
      await verifyPassword(this.#decoy, password); // whoever asks does not see that it is another case
      throw new UnauthorizedLogin("the password cannot be verified", { cause: error });
    }
  }
}
classImplements(SQLPasswordDB, ICredentialsChecker);
