/** Users and passwords in a SQL database: SQLite in this process, or a PostgreSQL server. */
export { type SQLDatabase, type SQLRow, openDatabase } from "./sql/database.js";
export { SQLPasswordDB, type SQLPasswordDBOptions } from "./sql/password-db.js";
export { type PostgresPool, postgres } from "./sql/postgres.js";
export { type SQLiteConnection, sqlite } from "./sql/sqlite.js";
