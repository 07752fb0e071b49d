/** Every algorithm of ours, alone, with other people's clients: they log in, run a command and get its exit status. */
import { afterAll, describe, expect, test } from "vitest";
import { alone, KINDS, type Row, ROWS } from "../support/interop-algorithms.js";
import { CLIENTS } from "../support/interop-clients.js";
import { makeKeys } from "../support/interop-keys.js";
import { InteropServer } from "../support/interop-server.js";
import { Table } from "../support/interop-table.js";

const MINUTES = 60_000; // milliseconds

describe("our server", () => {
  const userKeys = makeKeys("user");
  const server = new InteropServer(userKeys);
  const table = new Table("Our server, and as its client:", ROWS, Object.keys(CLIENTS));

  for (const [name, start] of Object.entries(CLIENTS)) {
    test.concurrent(
      `lets ${name} log in and run a command by each algorithm that it has`,
      async ({ expect }) => {
        const client = await start(name, server, userKeys);
        const has = ({ kind, name }: Row) => client.lists[kind].includes(name);
        const run = (row: Row) =>
          server.offering(alone(row), (port) => client.run(row, port), {
            onOffer: ({ version }) => table.isVersion(name, version),
          });
        const failures = await table.fill(name, has, run).finally(() => client.stop());
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
