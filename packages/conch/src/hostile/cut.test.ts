/**
 * Peers vanish at every step (rules R8 and A18): a login and a session in memory are cut after every single byte that
 * either side receives. Whatever was going on, nothing is left behind, everything that was promised settles, and whoever
 * had logged in is logged out once.
 */
import type { Clock } from "@strombus/reactor/testing";
import { FakeTransport, FaultyTransport } from "@strombus/reactor/testing/iosim";
import { globalLogPublisher, type LogEvent } from "@strombus/reactor/logger";
import { expect, test } from "vitest";
import { SSHChannel } from "../ssh/channel.js";
import { SSHConnection } from "../ssh/connection.js";
import type { SSHFactory } from "../ssh/factory.js";
import type { SSHClientTransport, SSHServerTransport, SSHTransportBase } from "../ssh/transport.js";
import { echoServer, type Ledger, match, type Match, talkingClient } from "./victims.test.support.js";

/** What both sides have waited for, and what is left of them. */
interface Traces {
  readonly withRekey: boolean;
  readonly promised: PromiseLike<unknown>[];
  readonly connections: SSHConnection[];
}

class ClientSession extends SSHChannel {
  override name = "session";
  constructor(
    readonly ledger: Ledger,
    readonly traces: Traces,
  ) {
    super();
  }
  override channelOpen(): void {
    this.ledger.opened++;
    this.write("hello");
    for (const type of ["pty-req", "shell", "unknown"]) {
      this.traces.promised.push(this.conn!.sendRequest(this, type, "", true)!);
    }
  }
  override dataReceived(): void {
    this.conn!.sendEOF(this);
    this.loseConnection();
  }
  override closed(): void {
    this.ledger.closed++;
    const { conn, traces } = this;
    if (!conn!.transport!.isEncrypted("both") || conn!.transport!.service !== conn) return; // the line is cut
    if (traces.withRekey) conn!.transport!.sendKexInit();
    traces.promised.push(
      conn!.sendGlobalRequest("ask", "behind new keys", true)!.addBoth(() => conn!.transport!.loseConnection()),
    );
  }
}

/** A client that logs in, has a session and ends it, may change keys, and says goodbye. */
function guest(clock: Clock, ledger: Ledger, traces: Traces): SSHClientTransport {
  class Connection extends SSHConnection {
    override serviceStarted(): void {
      super.serviceStarted();
      traces.connections.push(this);
      ledger.logins++;
      traces.promised.push(this.openChannel(new ClientSession(ledger, traces)));
      traces.promised.push(this.openChannel(Object.assign(new SSHChannel(), { name: "unknown", openFailed() {} })));
      traces.promised.push(this.sendGlobalRequest("ask", "what", true)!);
    }
    override serviceStopped(): void {
      super.serviceStopped();
      ledger.logouts++;
      traces.promised.push(this.openChannel(Object.assign(new SSHChannel(), { name: "late", openFailed() {} })));
      traces.promised.push(this.sendGlobalRequest("late", "", true)!);
    }
  }
  return talkingClient(clock, ledger, () => new Connection());
}

/** A server whose realm takes its time, and which asks its client, too. */
function host(clock: Clock, ledger: Ledger, traces: Traces): SSHServerTransport {
  class Connection extends SSHConnection {
    override serviceStarted(): void {
      super.serviceStarted();
      traces.connections.push(this);
      traces.promised.push(this.sendGlobalRequest("ask", "back", true)!);
      traces.promised.push(this.openChannel(Object.assign(new SSHChannel(), { name: "back", openFailed() {} })));
    }
  }
  const server = echoServer(clock, ledger, 0.1);
  server.supportedKeyExchanges = ["curve25519-sha256"];
  const factory = server.factory as SSHFactory;
  factory.services = { ...factory.services, "ssh-connection": Connection };
  return server;
}

const emptyLedger = (): Ledger => ({ logins: 0, logouts: 0, opened: 0, closed: 0 });

interface Talk extends Match {
  readonly traces: Traces;
  readonly ofClient: Ledger;
}

type MakeIO = (protocol: SSHTransportBase, isServer: boolean) => FakeTransport;

async function talk(withRekey: boolean, makeIO: MakeIO): Promise<Talk> {
  const traces: Traces = { withRekey, promised: [], connections: [] };
  const ofClient = emptyLedger();
  const made = await match(
    (clock, ledger) => host(clock, ledger, traces),
    (clock) => guest(clock, ofClient, traces),
    { makeIO },
  );
  for (let n = 0; n < 4; n++) {
    made.clock.advance(0.25);
    await made.settle();
  }
  return { ...made, traces, ofClient };
}

/** Whether each has come to something. */
async function unsettled(promised: readonly PromiseLike<unknown>[]): Promise<number> {
  let waiting = promised.length;
  const done = (): void => {
    waiting--;
  };
  for (const each of promised) each.then(done, done);
  for (let turn = 0; turn < 3; turn++) await Promise.resolve();
  return waiting;
}

/** How many bytes each side receives when nobody cuts the line. */
async function measure(withRekey: boolean): Promise<{ readonly server: number; readonly client: number }> {
  const received = { server: 0, client: 0 };
  const { ledger, ofClient, traces } = await talk(withRekey, (protocol, isServer) => {
    const io = new FakeTransport(protocol, isServer);
    const receive = io.bufferReceived.bind(io);
    io.bufferReceived = (data) => {
      received[isServer ? "server" : "client"] += data.length;
      receive(data);
    };
    return io;
  });
  for (const each of [ledger, ofClient]) expect(each).toEqual({ logins: 1, logouts: 1, opened: 1, closed: 1 });
  expect([traces.promised.length, traces.connections.length]).toEqual([11, 2]);
  return received;
}

/** A rekey makes a talk twice as dear: of the bytes of such a talk one in so many, unless all are asked for. */
const STEP_WITH_REKEY = process.env["STROMBUS_CUTS"] === "all" ? 1 : 13;

for (const [what, withRekey, side, step] of [
  ["after any byte to the server of a login and a session", false, "server", 1],
  ["after any byte to the client of a login and a session", false, "client", 1],
  ["to the server of a session with a rekey", true, "server", STEP_WITH_REKEY],
  ["to the client of a session with a rekey", true, "client", STEP_WITH_REKEY],
] as const) {
  test(`a line that is cut ${what} leaves nothing behind`, { timeout: 300_000 }, async () => {
    const whole = (await measure(withRekey))[side];
    expect(whole).toBeGreaterThan(1500);
    const faults: LogEvent[] = [];
    const observe = (event: LogEvent): void => {
      if (event.log_level?.name === "critical") faults.push(event); // refusals are none
    };
    globalLogPublisher.addObserver(observe);
    const seen = new Set<string>();
    try {
      for (let byte = 1; byte < whole; byte += step) {
        const { clock, ledger, ofClient, traces, serverIO, clientIO } = await talk(
          withRekey,
          (protocol, isServer) =>
            new FaultyTransport(protocol, isServer, isServer === (side === "server") ? { loseAfter: byte } : {}),
        );
        const what = `cut after byte ${byte} to the ${side}`;
        expect([serverIO.connected, clientIO.connected], what).toEqual([false, false]);
        expect(clock.getDelayedCalls(), what).toEqual([]);
        for (const each of [ledger, ofClient]) {
          expect([each.logins <= 1, each.logouts, each.closed], what).toEqual([true, each.logins, each.opened]);
        }
        expect(await unsettled(traces.promised), what).toBe(0);
        for (const { channels, deferreds, dependents } of traces.connections) {
          expect([channels.size, deferreds.size, dependents.size], what).toEqual([0, 0, 0]);
        }
        seen.add(`${ledger.logins} login, ${ofClient.logins} known to the client, ${ledger.opened} session`);
      }
    } finally {
      globalLogPublisher.removeObserver(observe);
    }
    const moments = [
      "0 login, 0 known to the client, 0 session",
      "1 login, 0 known to the client, 0 session",
      "1 login, 1 known to the client, 0 session",
      "1 login, 1 known to the client, 1 session",
    ];
    if (step === 1) expect([...seen].sort()).toEqual(moments);
    else expect(moments).toEqual(expect.arrayContaining([...seen]));
    expect(faults.map(({ log_failure, log_format }) => log_failure?.getTraceback() ?? log_format)).toEqual([]);
  });
}
