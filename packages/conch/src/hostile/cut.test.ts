/**
 * Peers vanish at every step (rules R8 and A18): a login and a session in memory are cut after every single byte that
 * either side receives. Whatever was going on, nothing is left behind, everything that was promised settles, and whoever
 * had logged in is logged out once.
 */
import { FaultyTransport } from "@strombus/reactor/testing/iosim";
import { globalLogPublisher, type LogEvent } from "@strombus/reactor/logger";
import { describe, expect, test } from "vitest";
import { echoServer, match, talkingClient, type Match } from "./victims.test.support.js";

/** Logs in, talks in a session and lets time pass, until both sides are content or the line is cut. */
async function talk(loseAfter: { readonly server?: number; readonly client?: number }): Promise<Match> {
  const made = await match(
    (clock, ledger) => {
      const server = echoServer(clock, ledger);
      server.supportedKeyExchanges = ["curve25519-sha256"];
      return server;
    },
    (clock) => talkingClient(clock, { logins: 0, logouts: 0, opened: 0, closed: 0 }),
    {
      makeIO: (protocol, isServer) => {
        const bytes = isServer ? loseAfter.server : loseAfter.client;
        return new FaultyTransport(protocol, isServer, bytes === undefined ? {} : { loseAfter: bytes });
      },
    },
  );
  for (let n = 0; n < 3; n++) {
    made.clock.advance(0.25);
    await made.settle();
  }
  return made;
}

/** How many bytes each side receives when nobody cuts the line. */
async function measure(): Promise<{ readonly server: number; readonly client: number }> {
  const received = { server: 0, client: 0 };
  const made = await match(
    (clock, ledger) => Object.assign(echoServer(clock, ledger), { supportedKeyExchanges: ["curve25519-sha256"] }),
    (clock) => talkingClient(clock, { logins: 0, logouts: 0, opened: 0, closed: 0 }),
    {
      greet: false,
    },
  );
  for (const [side, io] of [
    ["server", made.serverIO],
    ["client", made.clientIO],
  ] as const) {
    const receive = io.bufferReceived.bind(io);
    io.bufferReceived = (data) => {
      received[side] += data.length;
      receive(data);
    };
  }
  for (let n = 0; n < 5; n++) {
    await made.settle();
    made.clock.advance(0.25);
  }
  expect(made.ledger).toEqual({ logins: 1, logouts: 0, opened: 1, closed: 0 });
  return received;
}

describe("a line that is cut after any byte", () => {
  for (const side of ["server", "client"] as const) {
    test(`to the ${side} leaves nothing behind`, { timeout: 300_000 }, async () => {
      const whole = (await measure())[side];
      expect(whole).toBeGreaterThan(1000);
      const faults: LogEvent[] = [];
      const observe = (event: LogEvent): void => {
        if (event.log_failure !== undefined) faults.push(event);
      };
      globalLogPublisher.addObserver(observe);
      const logins = new Set<number>();
      try {
        for (let byte = 1; byte < whole; byte++) {
          const { clock, ledger, serverIO, clientIO } = await talk({ [side]: byte });
          const what = `cut after byte ${byte} to the ${side}`;
          expect([serverIO.connected, clientIO.connected], what).toEqual([false, false]);
          expect(clock.getDelayedCalls(), what).toEqual([]);
          expect(ledger.logouts, what).toBe(ledger.logins);
          expect(ledger.closed, what).toBe(ledger.opened);
          logins.add(ledger.logins);
        }
      } finally {
        globalLogPublisher.removeObserver(observe);
      }
      expect([...logins]).toEqual([0, 1]); // before and after the login
      expect(faults.map(({ log_failure }) => log_failure!.getTraceback())).toEqual([]);
    });
  }
});
