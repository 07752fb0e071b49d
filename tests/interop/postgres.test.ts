/** The SQL checker on a real PostgreSQL: with the code that runs on SQLite, and while the server comes and goes. */
import { UsernamePassword } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { hashPassword } from "@strombus/cred/passwords";
import { openDatabase, type SQLDatabase, SQLPasswordDB } from "@strombus/cred/sql";
import { formatEvent, globalLogPublisher, type LogEvent } from "@strombus/reactor/logger";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { exampleFolder, startExample } from "../support/example.js";
import { NAMES } from "../support/hostile-names.js";
import { openSSH, ssh } from "../support/openssh.js";
import { Postgres } from "../support/postgres.js";

/** Quick to verify, of `strombus`. */
const HASH = "$scrypt$ln=10,r=8,p=1$c2l4dGVlbiBieXRlIHNhbA$t9Mpx8hPKbe4E3/PVRV33nodymqNcahaeBg0oDON2kA";

let server: Postgres;
let database: SQLDatabase;
let checker: SQLPasswordDB;
const logged: string[] = [];
const observer = (event: LogEvent) => void logged.push(formatEvent(event));

beforeAll(async () => {
  server = await Postgres.start();
  database = openDatabase(server.url);
  await database.query("CREATE TABLE users (name TEXT PRIMARY KEY, password TEXT NOT NULL)");
  await add("alice", HASH);
  checker = new SQLPasswordDB(database);
  globalLogPublisher.addObserver(observer);
});
beforeEach(() => void logged.splice(0));
afterAll(async () => {
  globalLogPublisher.removeObserver(observer);
  await database.close();
  await server.stop();
});

async function add(name: string, hash: string): Promise<void> {
  await database.query("INSERT INTO users (name, password) VALUES ($1, $2)", [name, hash]);
}

async function login(name: string, password = "strombus"): Promise<string> {
  return checker.requestAvatarId(new UsernamePassword(name, password));
}

test("a real client logs in by sql-checker, whose database is named by a URL, with the right password only", async () => {
  const { program, port } = await startExample("sql-checker", {
    folder: exampleFolder(),
    env: { DATABASE: server.url },
  });
  onTestFinished(() => void program.kill("SIGKILL"));
  expect(await database.query("SELECT name FROM users WHERE name = 'user'")).toHaveLength(1);
  for (const [password, shown] of [
    ["password", "Welcome, user!\r\n"],
    ["passwore", ""],
  ] as const) {
    const session = ssh(openSSH(), { port, password, options: ["-o", "NumberOfPasswordPrompts=1"] });
    await session.ending;
    expect(session.stdout.text).toBe(shown);
  }
});

test("SQL in a user name is text", async () => {
  const names = [
    "' OR '1'='1",
    "alice'--",
    "'; DROP TABLE users; --",
    "\\' OR 1=1 --",
    "$1",
    "$$alice$$",
    "%",
    "U&'x'",
  ];
  const all = [...names, ...Object.values(NAMES), "alice\0", "\0", "alice\ud800", "ALICE", "alice "];
  for (const name of all) await expect(login(name)).rejects.toThrow(UnauthorizedLogin);
  expect(logged).toEqual([]);
  for (const name of new Set(all.filter((each) => !/[\0\p{Surrogate}]/u.test(each) && each.length < 2000))) {
    await add(name, HASH);
    expect(await login(name)).toBe(name);
  }
});

test("a thousand at a time: none is lost, none comes out wrong", async () => {
  const hash = await hashPassword("correct horse", "argon2id");
  for (let i = 0; i < 1000; i += 10) await add(`user${i}`, i % 20 ? HASH : hash);
  const outcomes = await Promise.all(
    Array.from({ length: 1000 }, async (_, i) => login(`user${i}`).catch((error: unknown) => error)),
  );
  for (const [i, outcome] of outcomes.entries()) {
    if (i % 20 === 10) expect(outcome).toBe(`user${i}`);
    else expect(outcome).toBeInstanceOf(UnauthorizedLogin);
  }
});

test("connections that the server ended are made again, and nobody notices", async () => {
  expect(await login("alice")).toBe("alice");
  const killer = openDatabase(server.url);
  await killer.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()");
  const outcomes = await Promise.all(Array.from({ length: 20 }, async () => login("alice")));
  expect(outcomes).toEqual(Array(20).fill("alice"));
  await killer.close();
});

test("while the server is away nobody gets in, and when it is back the right ones do", async () => {
  const inFlight = Array.from({ length: 50 }, async () => login("alice").catch((error: unknown) => error));
  await server.stop();
  for (const outcome of await Promise.all(inFlight)) {
    if (outcome !== "alice") expect(outcome).toBeInstanceOf(UnauthorizedLogin);
  }
  await expect(login("alice")).rejects.toThrow("the database could not be asked");
  expect(logged.at(-1)).toMatch(/could not be asked for a user: .*ECONNREFUSED/);
  await server.restart();
  expect(await login("alice")).toBe("alice");
  await expect(login("alice", "wrong")).rejects.toThrow(UnauthorizedLogin);
  await expect(login("nobody")).rejects.toThrow(UnauthorizedLogin);
});
