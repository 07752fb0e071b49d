/** Whatever fails in an application costs it one connection, and whatever a peer sends costs at most its own. */
import { ClientFactory, Factory } from "@strombus/reactor/protocol";
import {
  AccumulatingProtocol,
  captureLoggedErrors,
  flushLoggedErrors,
  SimulatedReactor,
  StringTransport,
} from "@strombus/reactor/testing";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { ServerProtocol } from "../insults/server.js";
import { HistoricRecvLine } from "../recvline.js";
import { TelnetBootstrapProtocol } from "./bootstrap.js";
import { BINARY, IAC, NOP, SB, SE } from "./constants.js";
import type { ITelnetProtocol } from "./interfaces.js";
import { bytes, do_, dont, iac, Recorder, will, wont } from "./recording.test.support.js";
import { TelnetTransport } from "./transport.js";

/** A port and a client of it. */
async function connected(server: () => TelnetTransport): Promise<{ reactor: SimulatedReactor; client: Client }> {
  const reactor = new SimulatedReactor();
  reactor.listenTCP(23, Factory.forProtocol(server));
  const client = await another(reactor);
  return { reactor, client };
}

async function another(reactor: SimulatedReactor): Promise<Client> {
  const client = new Client();
  reactor.connectTCP(
    "127.0.0.1",
    23,
    ClientFactory.forProtocol(() => client),
  );
  await reactor.settle();
  return client;
}

class Client extends AccumulatingProtocol {
  async send(reactor: SimulatedReactor, ...pieces: (number | string)[]): Promise<void> {
    this.transport?.write(bytes(...pieces));
    await reactor.settle();
  }
}

const CALLS: readonly (readonly [method: keyof ITelnetProtocol, sent: readonly (number | string)[]])[] = [
  ["dataReceived", ["data"]],
  ["unhandledCommand", iac(NOP)],
  ["unhandledSubnegotiation", [...iac(SB, 1), ...iac(SE)]],
  ["enableLocal", do_(5)],
  ["enableRemote", will(5)],
  ["disableLocal", [...do_(BINARY), ...dont(BINARY)]],
  ["disableRemote", [...will(BINARY), ...wont(BINARY)]],
];

describe.each(CALLS)("a fault in %s", (method, sent) => {
  beforeEach(() => captureLoggedErrors());

  test.each([
    [
      "throws",
      () => {
        throw new RangeError(method);
      },
    ],
    ["rejects", () => Promise.reject(new RangeError(method))],
  ])("that %s ends its connection, and no other", async (_, fault) => {
    const made: Recorder[] = [];
    const { reactor, client } = await connected(() => {
      const protocol = new Recorder();
      protocol.local.add(BINARY);
      protocol.remote.add(BINARY);
      made.push(protocol);
      return new TelnetTransport(() => protocol);
    });
    const bystander = await another(reactor);
    Object.assign(made[0]!, { [method]: fault });
    await client.send(reactor, ...sent);
    expect(client.closed).toBe(true);
    expect(flushLoggedErrors(RangeError)).toHaveLength(1);
    await bystander.send(reactor, "data", ...do_(5));
    expect([bystander.closed, [...bystander.data]]).toEqual([false, wont(5)]);
    bystander.transport?.loseConnection();
    await reactor.settle();
    expect(made[1]!.heard.at(-1)).toMatchObject(["lost", {}]);
  });
});

test("random bytes, most of them telnet's own, throw nothing and are cut anywhere", async () => {
  const byte = fc.oneof(
    fc.integer({ min: 236, max: 255 }),
    fc.constantFrom(IAC, SB, SE, 0, 1, 3, 24, 31, 34, 39),
    fc.nat(255),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(byte, { maxLength: 60 }), fc.nat(60), async (sent, cut) => {
      const wire = new StringTransport();
      const telnet = new TelnetTransport(TelnetBootstrapProtocol, ServerProtocol, HistoricRecvLine);
      void telnet.makeConnection(wire);
      await telnet.dataReceived(Buffer.from(sent.slice(0, cut)));
      await telnet.dataReceived(Buffer.from(sent.slice(cut)));
      await telnet.connectionLost();
    }),
    { numRuns: 60 },
  );
});
