/** Key exchanges in the middle of a few MiB both ways, begun by either side: other people's clients and servers. */
import { createHash } from "node:crypto";
import { reactor } from "@strombus/reactor";
import type { IReactorTime } from "@strombus/reactor/interfaces";
import { describe, expect, test } from "vitest";
import { alone, COMMON, type Row } from "../support/interop-algorithms.js";
import { runOurClient } from "../support/interop-client.js";
import { CLIENTS } from "../support/interop-clients.js";
import { makeKeys } from "../support/interop-keys.js";
import { InteropServer, type InteropTransport } from "../support/interop-server.js";
import { SERVERS } from "../support/interop-servers.js";
import type { Outcome } from "../support/interop-table.js";
import { LONG_INPUT, STATUS } from "../support/interop-talk.js";
import { peers } from "../support/peers.js";

const MINUTES = 60_000; // milliseconds

const OFTEN = 2 ** 17; // bytes
const LOGIN: Row = { kind: "login", name: "ssh-ed25519" };
const userKeys = makeKeys("user");

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

/** A clock on which a second passes with every look at it, and calls come when they would. */
function secondsByLooks(): IReactorTime {
  let looks = 0;
  return {
    seconds: () => looks++,
    callLater: (delay, call, ...args) => reactor.callLater(delay, call, ...args),
    getDelayedCalls: () => reactor.getDelayedCalls(),
  };
}

/** What the other side got and sent back is what was sent, and the command told how it ended. */
function expectWhole({ output, status, log }: Outcome, what: string): void {
  const got = { characters: output.length, digest: digest(output), status };
  expect(got, `${what}: ${log.slice(-600)}`).toEqual({
    characters: LONG_INPUT.length,
    digest: digest(LONG_INPUT),
    status: STATUS,
  });
}

describe("our server loses nothing", () => {
  const server = new InteropServer(userKeys);

  for (const [name, start] of Object.entries(CLIENTS)) {
    test.concurrent(
      `when it exchanges keys with ${name} time and again`,
      async () => {
        const client = await start(name, server, userKeys);
        /** @param least the fewest exchanges: how soon a client turns to its own limit is up to it. */
        const run = async (what: string, least: number, limits: Partial<InteropTransport>, rekeyBytes?: number) => {
          let transport: InteropTransport | null = null;
          const talk = { input: LONG_INPUT, ...(rekeyBytes !== undefined && { rekeyBytes }) };
          const outcome = await server.offering(alone(LOGIN), (port) => client.run(LOGIN, port, talk), {
            onTransport: (each) => (transport = Object.assign(each, limits)),
          });
          expectWhole(outcome, what);
          expect(transport!.exchanges, what).toBeGreaterThanOrEqual(least);
        };
        try {
          await run("we begin, by bytes", 4, { rekeyBytes: OFTEN });
          await run("we begin, by packets", 4, { rekeyPackets: 10 });
          await run("we begin, by time", 4, { rekeySeconds: 10, clock: secondsByLooks() });
          if (client.rekeys) {
            await run("it begins", 2, {}, OFTEN);
            await run("both begin", 4, { rekeyBytes: OFTEN }, OFTEN);
          }
        } finally {
          await client.stop();
        }
      },
      3 * MINUTES,
    );
  }
});

describe("our client loses nothing", () => {
  for (const [name, start] of Object.entries(SERVERS)) {
    test.concurrent(
      `when it exchanges keys with ${name} time and again`,
      async () => {
        for (const [what, theirs, ours] of [
          ["we begin", undefined, OFTEN],
          ["it begins", OFTEN, undefined],
          ["both begin", OFTEN, OFTEN],
        ] as const) {
          if (theirs !== undefined && !["OpenSSH 10", "AsyncSSH"].includes(name)) continue; // the others cannot be told
          const server = await start({
            prefix: peers(),
            userKeys,
            ...(theirs !== undefined && { rekeyBytes: theirs }),
          });
          try {
            const talk = { input: LONG_INPUT, ...(ours !== undefined && { rekeyBytes: ours }) };
            const outcome = await runOurClient(server, { ...COMMON, login: [LOGIN.name] }, userKeys, talk);
            expectWhole(outcome, what);
            expect(outcome.exchanges, what).toBeGreaterThan(3);
          } finally {
            await server.stop();
          }
        }
      },
      3 * MINUTES,
    );
  }
});
