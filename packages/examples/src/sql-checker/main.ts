/** Users and passwords in a SQL database: `DATABASE=postgres://...` is a PostgreSQL server's; without it, SQLite's. */
import { readFileSync } from "node:fs";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { hashPassword } from "@strombus/cred/passwords";
import { Portal } from "@strombus/cred/portal";
import { openDatabase, SQLPasswordDB } from "@strombus/cred/sql";
import { reactor } from "@strombus/reactor";
import { GreetingRealm } from "../greeting.js";
import { setUp } from "../setup/index.js";

const setup = setUp("sql-checker");

const database = openDatabase(process.env["DATABASE"] ?? "users.db");
await database.query("CREATE TABLE IF NOT EXISTS users (name TEXT PRIMARY KEY, password TEXT NOT NULL)");

// The first user: the one of the password file that all examples have.
const [name = "", password = ""] = readFileSync("ssh-passwords", "utf8").trimEnd().split(":");
const hash = await hashPassword(password, "argon2id");
await database.query("INSERT INTO users (name, password) VALUES ($1, $2) ON CONFLICT DO NOTHING", [name, hash]);

const factory = new SSHFactory();
factory.privateKeys = { "ssh-rsa": Key.fromFile("id_rsa") };
factory.publicKeys = { "ssh-rsa": Key.fromFile("id_rsa.pub") };
factory.portal = new Portal(new GreetingRealm());
factory.portal.registerChecker(new SQLPasswordDB(database));

setup.announce(reactor.listenTCP(setup.port, factory));
reactor.addSystemEventTrigger("after", "shutdown", () => database.close());
await reactor.run();
