/** A PostgreSQL server, by a pool of connections of the package pg. */
import { Logger } from "@strombus/reactor/logger";
import { optional } from "../optional.js";
import type { SQLDatabase, SQLRow } from "./database.js";

/** A pool of pg's, as far as it is used here. */
export interface PostgresPool {
  query(statement: string, parameters: string[]): Promise<{ rows: unknown[] }>;
  on(event: "error", listener: (error: Error) => void): unknown;
  end(): Promise<void>;
}

/** How long the server may take to connect, and to answer; in milliseconds. */
const PATIENCE = 10_000;

/** Connections are lost with these errors: of the network, and of PostgreSQL (classes 08 and 57P of its Appendix A). */
const LOST = /^(ECONNRESET|ECONNREFUSED|ECONNABORTED|EPIPE|ETIMEDOUT|08...|57P0[123])$/;

const log = new Logger({ namespace: "@strombus/cred/sql" });

/**
 * @param server `postgres://user:password@host:port/database`, or a pool, for settings of your own.
 * @throws NotImplementedError without the package pg.
 */
export function postgres(server: string | PostgresPool): SQLDatabase {
  const pool = typeof server === "string" ? newPool(server) : server;
  // A connection that is lost while nobody uses it: the pool makes another when it needs one.
  pool.on("error", (error) => log.warn("a connection to PostgreSQL was lost: {error}", { error }));
  const ask = async (statement: string, parameters: readonly string[]) =>
    (await pool.query(statement, [...parameters])).rows as SQLRow[];
  return {
    async query(statement, parameters = []) {
      try {
        return await ask(statement, parameters);
      } catch (error) {
        if (!isLost(error) || !/^\s*select\b/i.test(statement)) throw error;
        return ask(statement, parameters); // the pool may have held a connection that the server had left
      }
    },
    close: async () => pool.end(),
  };
}

function newPool(connectionString: string): PostgresPool {
  const { Pool } = optional<{ Pool: new (options: object) => PostgresPool }>("pg", "Asking a PostgreSQL server");
  return new Pool({
    connectionString,
    connectionTimeoutMillis: PATIENCE,
    query_timeout: PATIENCE,
    keepAlive: true,
    application_name: "strombus",
  });
}

function isLost(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return LOST.test(String(code)) || String(message).startsWith("Connection terminated");
}
