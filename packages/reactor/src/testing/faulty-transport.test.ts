/** Connections in memory with the faults of networks. */
import { describe, expect, test } from "vitest";
import { ConnectionDone, ConnectionLost } from "../error.js";
import { ValueError } from "../exceptions.js";
import { AccumulatingProtocol, Clock, connectedServerAndClient, faulty, FaultyTransport } from "./index.js";

class Pieces extends AccumulatingProtocol {
  readonly sizes: number[] = [];
  override dataReceived(data: Buffer): void {
    this.sizes.push(data.length);
    super.dataReceived(data);
  }
}

describe("split", () => {
  test("delivers pieces of at most that size, and all of them", () => {
    const [client, server, pump] = connectedServerAndClient(Pieces, Pieces, faulty({ split: 2 }));
    client.transport?.write("hello");
    server.transport?.write("you");
    pump.flush();
    expect([server.sizes, String(server.data)]).toEqual([[2, 2, 1], "hello"]);
    expect([client.sizes, String(client.data)]).toEqual([[2, 1], "you"]);
  });

  test("may have sizes of its own making", () => {
    const sizes = [3, 1];
    const [client, server, pump] = connectedServerAndClient(
      Pieces,
      Pieces,
      faulty({ split: () => sizes.shift() ?? 9 }),
    );
    client.transport?.write("hello you");
    pump.flush();
    expect(server.sizes).toEqual([3, 1, 5]);
  });

  test("stops when the protocol closes in the middle", () => {
    class Closing extends Pieces {
      override dataReceived(data: Buffer): void {
        super.dataReceived(data);
        this.transport?.loseConnection();
      }
    }
    const [client, server, pump] = connectedServerAndClient(Closing, Pieces, faulty({ split: 1 }));
    client.transport?.write("hello");
    pump.flush();
    expect([String(server.data), client.closed, server.closed]).toEqual(["h", true, true]);
  });
});

describe("delay", () => {
  test("keeps each byte on its way for that time, by the clock alone", () => {
    const clock = new Clock();
    const [client, server, pump] = connectedServerAndClient(Pieces, Pieces, { clock, ...faulty({ delay: 2, clock }) });
    client.transport?.write("one");
    pump.flush();
    clock.advance(1);
    client.transport?.write("two");
    pump.flush();
    expect(String(server.data)).toBe("");
    clock.advance(1);
    pump.flush();
    expect(String(server.data)).toBe("one");
    clock.advance(1);
    pump.flush();
    expect(String(server.data)).toBe("onetwo");
  });

  test("holds the end back behind the bytes before it", () => {
    const clock = new Clock();
    const [client, server, pump] = connectedServerAndClient(Pieces, Pieces, { clock, ...faulty({ delay: 1, clock }) });
    client.transport?.write("last");
    client.transport?.loseConnection();
    pump.flush();
    expect(server.closed).toBe(false);
    clock.advance(1);
    pump.flush();
    expect([String(server.data), server.closedReason?.check(ConnectionDone)]).toEqual(["last", ConnectionDone]);
  });

  test("needs a clock", () => {
    expect(() => new FaultyTransport(new Pieces(), true, { delay: 1 })).toThrow(ValueError);
  });
});

test("loseAfter breaks the connection: what follows is lost, and both sides hear ConnectionLost, once", () => {
  const [client, server, pump] = connectedServerAndClient(Pieces, Pieces, faulty({ loseAfter: 4 }));
  client.transport?.write("hello");
  expect(pump.flush()).toBe(true);
  expect(String(server.data)).toBe("hell");
  for (const side of [client, server]) expect(side.closedReason?.check(ConnectionLost)).toBe(ConnectionLost);
  client.closed = false;
  client.transport?.write("more");
  expect([pump.flush(), client.closed]).toEqual([false, false]);
});

test("corrupt turns the bits of one byte over", () => {
  const [client, server, pump] = connectedServerAndClient(Pieces, Pieces, faulty({ corrupt: 3 }));
  client.transport?.write("ab");
  pump.flush();
  client.transport?.write("cde");
  pump.flush();
  expect(server.data.equals(Buffer.from([0x61, 0x62, 0x63, 0x64 ^ 0xff, 0x65]))).toBe(true);
});
