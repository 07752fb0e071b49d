/** The example sql-checker with its embedded database. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sqlite } from "@strombus/cred/sql";
import { hashPassword } from "@strombus/cred/passwords";
import { expect, onTestFinished, test } from "vitest";
import { exampleFolder, startExample } from "../support/example.js";
import { openSSH, ssh } from "../support/openssh.js";

const openssh = openSSH();

test("sql-checker: users of the table log in, with names that would be SQL too, and the table has hashes only", async () => {
  const folder = exampleFolder();
  const { program, port } = await startExample("sql-checker", { folder });
  onTestFinished(() => void program.kill("SIGKILL"));
  const file = join(folder, "users.db");
  const hostile = "x OR 1=1 % _";
  const database = sqlite(file);
  const insert = "INSERT INTO users (name, password) VALUES ($1, $2)";
  await database.query(insert, [hostile, await hashPassword("correct horse")]);
  await database.close();

  const welcome = async (user: string, password: string) => {
    const session = ssh(openssh, { port, user, password, options: ["-o", "NumberOfPasswordPrompts=1"] });
    await session.ending;
    return session.stdout.text;
  };
  expect(await welcome("user", "password")).toBe("Welcome, user!\r\n");
  expect(await welcome(hostile, "correct horse")).toBe(`Welcome, ${hostile}!\r\n`);
  expect(await welcome("user", "correct horse")).toBe("");
  expect(await welcome("user OR 1=1", "password")).toBe("");
  expect(readFileSync(file).includes("$argon2id$v=19$m=19456,t=2,p=1$")).toBe(true);
  expect(await program.kill("SIGINT")).toEqual({ status: 0, signal: null });
});
