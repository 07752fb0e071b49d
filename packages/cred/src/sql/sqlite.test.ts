import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ValueError } from "@strombus/reactor/exceptions";
import { afterAll, describe, expect, test } from "vitest";
import { openDatabase } from "./database.js";
import { type SQLiteConnection, nodeSQLite, sqlite } from "./sqlite.js";

const require = createRequire(import.meta.url);
const folder = mkdtempSync(join(tmpdir(), "cred-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Every package that this Node and this machine have. */
const openers: Record<string, (path: string) => SQLiteConnection> = {
  libsql: (path) => new (require("libsql") as new (path: string) => SQLiteConnection)(path),
};
const builtin = nodeSQLite(); // Node 20 has none
if (builtin) openers["node:sqlite"] = (path) => new builtin(path);

for (const [name, open] of Object.entries(openers)) {
  describe(`SQLite by ${name}`, () => {
    test("binds parameters by number, in any order and more than once", async () => {
      const database = sqlite(open(":memory:"));
      const rows = await database.query("SELECT $2 AS b, $1 AS a, $1 || $2 AS ab", ["a'", 'b"$1']);
      expect(rows.map((row) => ({ ...row }))).toEqual([{ a: "a'", b: 'b"$1', ab: `a'b"$1` }]);
      await database.close();
    });

    test("runs statements that have no rows", async () => {
      const database = sqlite(open(":memory:"));
      expect(await database.query("CREATE TABLE t (x TEXT)")).toEqual([]);
      expect(await database.query("INSERT INTO t VALUES ($1)", ["one"])).toEqual([]);
      expect(await database.query("SELECT x FROM t")).toHaveLength(1);
      await expect(async () => database.query("SELECT y FROM t")).rejects.toThrow(/no such column/);
      await database.close();
    });
  });
}

test("a file that is opened by its name keeps what was put in", async () => {
  const name = join(folder, "users.db");
  let database = openDatabase(name);
  await database.query("CREATE TABLE t (x TEXT)");
  await database.query("INSERT INTO t VALUES ($1)", ["one"]);
  await database.close();
  database = openDatabase(name);
  expect((await database.query("SELECT x FROM t"))[0]).toMatchObject({ x: "one" });
  await database.close();
});

test("a database that nobody here speaks to is refused", () => {
  expect(() => openDatabase("mysql://localhost/users")).toThrow(ValueError);
  expect(() => openDatabase("mysql://user:secret@localhost/users")).toThrow("mysql:");
  expect(() => openDatabase("mysql://user:secret@localhost/users")).not.toThrow("secret");
});
