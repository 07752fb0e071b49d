/** Every algorithm of ours, alone, with other people's servers: we log in, run a command and get its exit status. */
import { afterAll, describe, expect, test } from "vitest";
import { alone, KINDS, type Row, ROWS } from "../support/interop-algorithms.js";
import { askServer, runOurClient } from "../support/interop-client.js";
import { keyFor, makeKeys } from "../support/interop-keys.js";
import { SERVERS } from "../support/interop-servers.js";
import { Table } from "../support/interop-table.js";
import { peers } from "../support/peers.js";

const MINUTES = 60_000; // milliseconds

/** Those whose users have a password that we can know. */
const WITH_PASSWORD = new Set(["AsyncSSH", "Twisted"]);

describe("our client", () => {
  const userKeys = makeKeys("user");
  const isOurs = ({ kind, name }: Row) =>
    kind !== "login" || name === "password" || keyFor(userKeys, name) !== undefined;

  const table = new Table("Our client, and as its server:", ROWS.filter(isOurs), Object.keys(SERVERS));

  for (const [name, start] of Object.entries(SERVERS)) {
    test.concurrent(
      `logs in to ${name} and runs a command by each algorithm that it has`,
      async ({ expect }) => {
        const server = await start({ prefix: peers(), userKeys });
        const fill = async () => {
          const lists = await askServer(server);
          table.isVersion(name, lists.version);
          const has = (row: Row) =>
            lists[row.kind].includes(row.name) && (row.name !== "password" || WITH_PASSWORD.has(name));
          return table.fill(name, has, (row) => runOurClient(server, alone(row), userKeys));
        };
        const failures = await fill().finally(() => server.stop());
        expect(failures).toEqual([]);
        for (const kind of KINDS) expect(table.count(name, kind, "ok"), `${kind} of ${name}`).toBeGreaterThan(0);
      },
      4 * MINUTES,
    );
  }

  test("has no algorithm that none of them has", () => {
    expect(table.untried).toEqual([]);
  });

  afterAll(() => console.log(String(table)));
});
