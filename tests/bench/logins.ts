/**
 * Many logins at a time against the SQL checker: none may be lost or come out wrong, and the event loop of the server must
 * not stand still for 50 ms. A third of them have the right password, a third a wrong one, a third are of unknown users.
 *
 *     npm run bench:logins -- [--logins 1000] [--database users.db] [--hash argon2id] [--over ssh]
 *
 * The logins come by real connections, of ssh2's client in a process of its own; `--over checker` asks the checker alone.
 * Prints one line of JSON, with milliseconds (see loop.ts).
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ConchUser } from "@strombus/conch/avatar";
import { IConchUser } from "@strombus/conch/interfaces";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { UsernamePassword } from "@strombus/cred/credentials";
import { hashPassword, type PasswordHashing } from "@strombus/cred/passwords";
import { Portal } from "@strombus/cred/portal";
import { openDatabase, SQLPasswordDB } from "@strombus/cred/sql";
import { reactor } from "@strombus/reactor";
import { Client } from "ssh2";
import { LoopWatch } from "./loop.js";

const { values } = parseArgs({
  options: {
    logins: { type: "string", default: "1000" },
    database: { type: "string", default: ":memory:" },
    hash: { type: "string", default: "argon2id" },
    over: { type: "string", default: "ssh" },
    client: { type: "string" },
  },
});
const count = Number(values.logins);

/** The name and password of one login, and whether it is to succeed. */
function credentials(i: number): [name: string, password: string, right: boolean] {
  if (i % 3 === 2) return [`nobody${i}`, "correct horse", false];
  return [`user${i}`, i % 3 === 0 ? "correct horse" : "wrong", i % 3 === 0];
}

type Outcome = "in" | "refused" | "lost";

if (values.client === undefined) await serve();
else await logInBySSH(Number(values.client));

async function serve(): Promise<void> {
  const database = openDatabase(values.database);
  await database.query("CREATE TABLE IF NOT EXISTS users (name TEXT PRIMARY KEY, password TEXT NOT NULL)");
  const hash = await hashPassword("correct horse", values.hash as PasswordHashing);
  for (let i = 0; i < count; i++) {
    await database.query("INSERT INTO users VALUES ($1, $2) ON CONFLICT DO NOTHING", [`user${i}`, hash]);
  }
  const checker = new SQLPasswordDB(database);
  await checker.requestAvatarId(new UsernamePassword("user0", "correct horse")); // a server that has been up for a while

  const watch = new LoopWatch();
  const began = performance.now();
  const outcomes = values.over === "checker" ? await overChecker(checker) : await overSSH(checker);
  const seconds = (performance.now() - began) / 1000;
  const standstill = watch.stop();

  const wrong = outcomes.filter((outcome, i) => outcome !== "lost" && (outcome === "in") !== credentials(i)[2]).length;
  const lost = count - outcomes.filter((outcome) => outcome !== "lost").length;
  const { over, hash: by } = values;
  console.log(
    JSON.stringify({ over, by, logins: count, wrong, lost, seconds: Math.round(seconds * 10) / 10, ...standstill }),
  );
  await database.close();
  process.exitCode = wrong + lost > 0 || standstill.busy >= 50 ? 1 : 0;
}

async function overChecker(checker: SQLPasswordDB): Promise<Outcome[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const [name, password] = credentials(i);
      return checker.requestAvatarId(new UsernamePassword(name, password)).then(
        (id): Outcome => (id === name ? "in" : "lost"),
        (error: unknown): Outcome => (String(error).includes("unknown user") ? "refused" : "lost"),
      );
    }),
  );
}

async function overSSH(checker: SQLPasswordDB): Promise<Outcome[]> {
  const hostKey = Key.generate("ed25519");
  const factory = new SSHFactory();
  factory.privateKeys = { "ssh-ed25519": hostKey };
  factory.publicKeys = { "ssh-ed25519": hostKey.public() };
  factory.portal = new Portal({ requestAvatar: () => [IConchUser, new ConchUser(), () => {}] as const }, [checker]);
  const listening = reactor.listenTCP(0, factory, { interface: "127.0.0.1", backlog: count });
  const { port } = listening.getHost() as unknown as { port: number };
  const client = fork(fileURLToPath(import.meta.url), ["--logins", String(count), "--client", String(port)]);
  const outcomes = await new Promise<Outcome[]>((resolve) =>
    client.once("message", (all) => resolve(all as Outcome[])),
  );
  client.kill();
  await listening.stopListening();
  return outcomes;
}

async function logInBySSH(port: number): Promise<void> {
  const login = async (i: number) =>
    new Promise<Outcome>((resolve) => {
      const [username, password] = credentials(i);
      const client = new Client();
      client.once("ready", () => {
        resolve("in");
        client.end();
      });
      client.on("error", ({ level }) => resolve(level === "client-authentication" ? "refused" : "lost"));
      client.once("close", () => resolve("lost"));
      client.connect({ host: "127.0.0.1", port, username, password, readyTimeout: 120_000 });
    });
  process.send!(await Promise.all(Array.from({ length: count }, async (_, i) => login(i))));
}
