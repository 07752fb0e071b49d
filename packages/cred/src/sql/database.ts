/** The little that a checker asks of a database, and who answers it: SQLite in this process, or a PostgreSQL server. */
import { URL } from "node:url";
import type { Awaitable } from "@strombus/reactor/defer";
import { ValueError } from "@strombus/reactor/exceptions";
import { postgres } from "./postgres.js";
import { sqlite } from "./sqlite.js";

/** A row, by the names of its columns. */
export type SQLRow = Readonly<Record<string, unknown>>;

/** A database that can be asked. An adapter for another one than those here is an object with these two methods. */
export interface SQLDatabase {
  /**
   * The rows of a statement, in which `$1`, `$2`... stand for the parameters. Those are bound: they never become part of
   * the statement's text.
   */
  query(statement: string, parameters?: readonly string[]): Awaitable<readonly SQLRow[]>;
  close(): Awaitable<void>;
}

/**
 * Opens a database by its name: `postgres://user@host/database`, or the path of a SQLite file, which is made if need be;
 * `:memory:` is one that is not kept.
 *
 * @throws NotImplementedError when the package that is needed is not installed.
 */
export function openDatabase(name: string): SQLDatabase {
  if (!/^[a-z][a-z0-9+.-]+:\/\//i.test(name)) return sqlite(name);
  const { protocol } = new URL(name);
  if (protocol === "postgres:" || protocol === "postgresql:") return postgres(name);
  throw new ValueError(`there is no adapter for databases of ${protocol}//`);
}
