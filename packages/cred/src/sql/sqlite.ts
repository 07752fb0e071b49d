/** SQLite in this process. A query takes microseconds, and the event loop with it. */
import { NotImplementedError } from "@strombus/reactor/exceptions";
import { optional } from "../optional.js";
import type { SQLDatabase, SQLRow } from "./database.js";

/** An open database of node:sqlite or libsql, as far as it is used here. */
export interface SQLiteConnection {
  prepare(statement: string): SQLiteStatement;
  close(): unknown;
}

interface SQLiteStatement {
  /** False for a statement without rows; node:sqlite does not have it, and lets `all` run such a statement. */
  readonly reader?: boolean;
  all(...parameters: string[]): unknown[];
  run(...parameters: string[]): unknown;
}

type Opener = new (path: string) => SQLiteConnection;

/** What will do where Node has no SQLite of its own. */
const PACKAGE = "libsql";

/**
 * @param database the path of a file, or a database that is open. A path is opened by node:sqlite, which Node has since
 *   22.13, or else by the package libsql.
 * @throws NotImplementedError where neither is there.
 */
export function sqlite(database: string | SQLiteConnection): SQLDatabase {
  const connection = typeof database === "string" ? new (opener())(database) : database;
  const statements = new Map<string, SQLiteStatement>();
  return {
    query(statement, parameters = []) {
      const [text, bound] = positional(statement, parameters);
      let prepared = statements.get(text);
      if (prepared === undefined) statements.set(text, (prepared = connection.prepare(text)));
      if (prepared.reader !== false) return prepared.all(...bound) as SQLRow[];
      prepared.run(...bound);
      return [];
    },
    close() {
      statements.clear();
      connection.close();
    },
  };
}

/** `$2` and its like as the `?` that every one of the packages binds by position. */
function positional(statement: string, parameters: readonly string[]): [text: string, bound: string[]] {
  const bound: string[] = [];
  const text = statement.replace(/\$(\d+)/g, (_, number) => {
    bound.push(parameters[Number(number) - 1]!);
    return "?";
  });
  return [text, bound];
}

function opener(): Opener {
  const builtin = nodeSQLite();
  if (builtin !== null) return builtin;
  try {
    return optional<Opener>(PACKAGE, "SQLite");
  } catch (cause) {
    if (!(cause instanceof NotImplementedError)) throw cause;
    throw new NotImplementedError("SQLite needs Node 22.13, or the package libsql: npm install libsql", { cause });
  }
}

/** Node's own; null where it has none. */
export function nodeSQLite(): Opener | null {
  const module = process.getBuiltinModule("node:sqlite") as { DatabaseSync: Opener } | undefined;
  return module?.DatabaseSync ?? null;
}
