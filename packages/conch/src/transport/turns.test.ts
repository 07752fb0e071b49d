import { FakeTransport } from "@strombus/reactor/testing";
import { expect, test, vi } from "vitest";
import { pair } from "./fixtures.test.support.js";
import { Turns } from "./turns.js";

/** Turns of a clock that stands still unless work says that it took time. */
function still() {
  const state = { now: 0, ends: [] as (() => void)[], done: [] as string[] };
  const turns = new Turns(
    () => state.now,
    (end) => state.ends.push(end),
  );
  const work = (name: string, milliseconds: number) => () => {
    state.now += milliseconds;
    state.done.push(name);
  };
  const endTurn = () => {
    for (const end of state.ends.splice(0)) end();
  };
  return { turns, state, work, endTurn };
}

test("R9: work is done at once until the turn's share is spent, and the rest waits for later turns, in order", () => {
  const { turns, state, work, endTurn } = still();
  const atOnce = ["a", "b", "c", "d", "e", "f", "g"].map((name) => turns.take(work(name, 3)));
  expect(atOnce).toEqual([true, true, true, false, false, false, false]);
  endTurn();
  expect(state.done).toEqual(["a", "b", "c"]);
  endTurn();
  expect(state.done).toEqual(["a", "b", "c", "d", "e", "f"]);
  expect(turns.take(work("behind", 0))).toBe(false);
  endTurn();
  expect(state.done).toEqual(["a", "b", "c", "d", "e", "f", "g", "behind"]);
  endTurn();
  expect(state.ends).toEqual([]);
  expect(turns.take(work("again", 0))).toBe(true);
});

test("R9: what cannot wait is done at once, and leaves less of the turn to the rest", () => {
  const { turns, state, work, endTurn } = still();
  turns.count(work("accepted", 5));
  expect([turns.take(work("a", 3)), turns.take(work("b", 3))]).toEqual([true, false]);
  turns.count(work("accepted too", 5));
  expect(state.done).toEqual(["accepted", "a", "accepted too"]);
  endTurn();
  turns.count(work("accepted late", 5));
  endTurn();
  expect(state.done.slice(3)).toEqual(["accepted late", "b"]);
  turns.count(work("accepted at last", 9));
  endTurn();
  expect(turns.take(work("c", 0))).toBe(true);
});

test("work that throws keeps nobody else waiting", () => {
  const { turns, state, work, endTurn } = still();
  turns.take(work("long", 10));
  turns.take(() => {
    throw new Error("broken");
  });
  turns.take(work("next", 1));
  endTurn();
  expect(endTurn).toThrow("broken");
  endTurn();
  expect(state.done).toEqual(["long", "next"]);
});

test("a connection whose turn has not come reads nothing, and goes on where it was when it has", () => {
  const { turns, work, endTurn } = still();
  turns.take(work("another connection", 10));
  const paused = vi.spyOn(FakeTransport.prototype, "pauseProducing");
  const resumed = vi.spyOn(FakeTransport.prototype, "resumeProducing");
  const { server, pump, serverIO } = pair((_client, each) => Object.assign(each, { turns }));
  const calls = () => [paused, resumed].map(({ mock }) => mock.contexts.filter((each) => each === serverIO).length);
  pump.flush();
  expect([server.sessionID, calls()]).toEqual([null, [1, 0]]);
  endTurn();
  endTurn();
  pump.flush();
  expect([server.sessionID, calls()]).toEqual([expect.any(Buffer), [1, 1]]);
});

test("one that is cut while it waits is not looked at when its turn comes", () => {
  const { turns, work, endTurn } = still();
  turns.take(work("another connection", 10));
  const { client, server, pump, serverIO } = pair((_client, original) => Object.assign(original, { turns }));
  pump.flush();
  serverIO.broken = true;
  pump.flush();
  endTurn();
  endTurn();
  pump.flush();
  expect([client.secure, server.said]).toEqual([0, []]);
});

test("R9: a connection's beginning is part of its turn", () => {
  const { turns, state, work } = still();
  pair((_client, server) => {
    Object.assign(server, { turns });
    const sendKexInit = server.sendKexInit.bind(server);
    server.sendKexInit = () => {
      state.now += 9;
      sendKexInit();
    };
  });
  expect(turns.take(work("another connection", 0))).toBe(false);
});
