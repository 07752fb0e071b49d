/**
 * Connections that have ended go with the young objects of V8's heap. What keeps them from that, such as an old table that
 * leads to them, makes each collection copy all of them, and the heap grow until the next full one.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../support/example.js";

const LOGINS = 100;
const MARK = 15_000; // numbers of 8 bytes, in each connection

const program = `
  import ssh2 from "ssh2";
  import { ConchUser } from "@strombus/conch/avatar";
  import { IConchUser } from "@strombus/conch/interfaces";
  import { SSHFactory } from "@strombus/conch/ssh/factory";
  import { Key } from "@strombus/conch/ssh/keys";
  import { SSHServerTransport } from "@strombus/conch/ssh/transport";
  import { InMemoryUsernamePasswordDatabaseDontUse } from "@strombus/cred/checkers";
  import { Portal } from "@strombus/cred/portal";
  import { reactor } from "@strombus/reactor";

  class Marked extends SSHServerTransport {
    mark = new Array(${MARK}).fill(0.5);
  }
  const key = Key.generate("ed25519");
  const factory = new SSHFactory();
  factory.protocol = Marked;
  factory.privateKeys = { "ssh-ed25519": key };
  factory.publicKeys = { "ssh-ed25519": key.public() };
  const checker = new InMemoryUsernamePasswordDatabaseDontUse();
  checker.addUser("user", "password");
  factory.portal = new Portal({ requestAvatar: () => [IConchUser, new ConchUser(), () => {}] }, [checker]);
  const port = reactor.listenTCP(0, factory, { interface: "127.0.0.1" });

  function login() {
    return new Promise((done, failed) => {
      const client = new ssh2.Client();
      client.on("ready", () => client.end()).on("close", done).on("error", failed);
      client.connect({ host: "127.0.0.1", port: port.getHost().port, username: "user", password: "password" });
    });
  }
  for (let i = 0; i < 30; i++) await login(); // code, and what is made once
  gc();
  const before = process.memoryUsage().heapUsed;
  // Beside each other: what is left behind of one leads to the next.
  await Promise.all([1, 2, 3, 4].map(async () => {
    for (let i = 0; i < ${LOGINS / 4}; i++) await login();
  }));
  for (let i = 0; i < 10; i++) await new Promise(setImmediate);
  gc({ type: "minor" });
  gc({ type: "minor" });
  console.log(process.memoryUsage().heapUsed - before);
  process.exit();`;

test("few of a hundred connections outlive two collections of young objects", () => {
  const command = ["--expose-gc", "--input-type=module", "-e", program];
  const cwd = join(root, "tests");
  const grown = Number(execFileSync(process.execPath, command, { cwd, encoding: "utf8", timeout: 60_000 }));
  expect(grown).toBeLessThan(0.3 * LOGINS * MARK * 8);
});
