import { type LogEvent, formatEvent, globalLogPublisher } from "@strombus/reactor/logger";
import { describe, expect, test, vi } from "vitest";
import { UsernamePassword } from "../credentials.js";
import { UnauthorizedLogin } from "../error.js";
import * as passwords from "../passwords.js";
import { type SQLDatabase, SQLPasswordDB, sqlite } from "../sql.js";

vi.mock(import("../passwords.js"), { spy: true });

/** Quick to verify: the cost is lower than that of new hashes. */
const HASH = "$scrypt$ln=10,r=8,p=1$c2l4dGVlbiBieXRlIHNhbA$t9Mpx8hPKbe4E3/PVRV33nodymqNcahaeBg0oDON2kA"; // of `strombus`

/** A table in memory. */
async function table(users: Record<string, string>, definition = "name TEXT PRIMARY KEY"): Promise<SQLDatabase> {
  const database = sqlite(":memory:");
  await database.query(`CREATE TABLE users (${definition}, password TEXT NOT NULL)`);
  for (const [name, hash] of Object.entries(users)) {
    await database.query("INSERT INTO users (name, password) VALUES ($1, $2)", [name, hash]);
  }
  return database;
}

async function login(checker: SQLPasswordDB, name: string, password = "strombus"): Promise<string> {
  return checker.requestAvatarId(new UsernamePassword(name, password));
}

async function refused(checker: SQLPasswordDB, name: string, password = "strombus"): Promise<void> {
  await expect(login(checker, name, password)).rejects.toThrow(UnauthorizedLogin);
}

describe("a login by a table", () => {
  test("succeeds with the right password only", async () => {
    const checker = new SQLPasswordDB(await table({ alice: HASH }));
    expect(await login(checker, "alice")).toBe("alice");
    for (const wrong of ["Strombus", "", HASH]) await refused(checker, "alice", wrong);
    await refused(checker, "bob");
    await refused(checker, "");
  });

  test("sees what has changed in the table since", async () => {
    const database = await table({ alice: HASH });
    const checker = new SQLPasswordDB(database);
    expect(await login(checker, "alice")).toBe("alice");
    await database.query("UPDATE users SET name = $2 WHERE name = $1", ["alice", "bob"]);
    await refused(checker, "alice");
    expect(await login(checker, "bob")).toBe("bob");
  });

  test("gives the name that the table has, where the database compares otherwise than by bytes", async () => {
    const checker = new SQLPasswordDB(await table({ Alice: HASH }, "name TEXT COLLATE NOCASE PRIMARY KEY"));
    expect(await login(checker, "ALICE")).toBe("Alice");
  });

  test("may ask another table by a statement of the application's", async () => {
    const database = sqlite(":memory:");
    await database.query("CREATE TABLE people (mail TEXT, secret TEXT, locked TEXT)");
    await database.query("INSERT INTO people VALUES ($1, $2, $3)", ["a@example.com", HASH, "no"]);
    await database.query("INSERT INTO people VALUES ($1, $2, $3)", ["b@example.com", HASH, "yes"]);
    const query = "SELECT mail AS name, secret AS password FROM people WHERE mail = $1 AND locked = 'no'";
    const checker = new SQLPasswordDB(database, { query });
    expect(await login(checker, "a@example.com")).toBe("a@example.com");
    await refused(checker, "b@example.com");
  });
});

/** Names that would be something else if they ever became part of a statement. */
const HOSTILE_NAMES = [
  "' OR '1'='1",
  "' OR 1=1 --",
  "alice'--",
  "alice'/*",
  "'; DROP TABLE users; --",
  '" OR ""="',
  "\\' OR 1=1 --",
  "%",
  "a_ice",
  "$1",
  "?",
  "alice\0",
  "alice\ud800",
  "__proto__",
  "constructor",
  "alice ",
  " alice",
  "ALICE",
  "\uff07 OR 1=1",
  "x".repeat(65_536),
];

test("SQL in a user name is text: it finds nobody, and a user of that name is found by it", async () => {
  const database = await table({ alice: HASH });
  const checker = new SQLPasswordDB(database);
  await login(checker, "alice"); // from now on unknown users cost what she costs
  for (const name of HOSTILE_NAMES) await refused(checker, name);
  expect(await database.query("SELECT name FROM users")).toHaveLength(1);
  for (const name of HOSTILE_NAMES.filter((each) => !/[\0\ud800]/.test(each))) {
    await database.query("INSERT INTO users VALUES ($1, $2)", [name, HASH]);
    expect(await login(checker, name)).toBe(name);
  }
});

describe("nobody is let in, and the log says why,", () => {
  const failing: [string, SQLDatabase["query"], RegExp][] = [
    ["when the database fails", async () => Promise.reject(new Error("disk I/O error")), /disk I\/O error/],
    ["when it throws", () => fail("database is locked"), /database is locked/],
    ["when there are two rows", () => [row("alice"), row("alice")], /no single name and password for the user alice/],
    ["when a column is missing", () => [{ password: HASH }], /no single name and password/],
    ["when the password is NULL", () => [{ name: "alice", password: null }], /no single name and password/],
    ["when the password is in the clear", () => [{ name: "alice", password: "strombus" }], /no hash of a format/],
  ];
  for (const [when, query, why] of failing) {
    test(when, async () => {
      const checker = new SQLPasswordDB({ query, close() {} });
      const logged: string[] = [];
      const observer = (event: LogEvent) => void logged.push(formatEvent(event));
      globalLogPublisher.addObserver(observer);
      await refused(checker, "alice");
      globalLogPublisher.removeObserver(observer);
      expect(logged).toEqual([expect.stringMatching(why)]);
    });
  }

  function row(name: string) {
    return { name, password: HASH };
  }
  function fail(message: string): never {
    throw new Error(message);
  }
});

test("what the database answers after a failure counts again", async () => {
  const good = await table({ alice: HASH });
  let down = false;
  const checker = new SQLPasswordDB({
    query: (...args) => {
      if (down) throw new Error("connection lost");
      return good.query(...args);
    },
    close() {},
  });
  for (down of [false, true, false]) {
    if (down) await refused(checker, "alice");
    else expect(await login(checker, "alice")).toBe("alice");
  }
});

test("A12: an unknown user costs a hash of the kind that users have", async () => {
  const verified = vi.mocked(passwords.verifyPassword);
  const checker = new SQLPasswordDB(await table({ alice: HASH }));
  verified.mockClear();
  await refused(checker, "nobody");
  await login(checker, "alice");
  await refused(checker, "nobody");
  await refused(checker, "x\0");
  const [first, ...others] = verified.mock.calls.map(([stored]) => stored);
  expect(first).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$/); // as hashPassword makes them
  expect(others).toEqual([HASH, HASH, HASH]);
});

test("a thousand logins at a time: none is lost, none comes out wrong", async () => {
  const names = Array.from({ length: 1000 }, (_, i) => `user${i}`);
  const checker = new SQLPasswordDB(await table(Object.fromEntries(names.map((name) => [name, HASH]))));
  await login(checker, "user0"); // from now on unknown users cost what these cost
  const outcomes = await Promise.all(
    names.map(async (name, i) => {
      if (i % 4 === 0) return login(checker, name);
      return login(checker, i % 4 === 1 ? `no${name}` : name, `wrong${i}`).catch((error: unknown) => error);
    }),
  );
  for (const [i, outcome] of outcomes.entries()) {
    if (i % 4 === 0) expect(outcome).toBe(names[i]);
    else expect(outcome).toBeInstanceOf(UnauthorizedLogin);
  }
});
