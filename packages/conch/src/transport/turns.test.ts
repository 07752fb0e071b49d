import { FakeTransport } from "@strombus/reactor/testing";
import { expect, test, vi } from "vitest";
import { pair } from "./fixtures.test.support.js";
import { Turns } from "./turns.js";

/** Turns of a clock that stands still unless work says that it took time. */
function still() {
  const state = { now: 0, begin: [] as (() => void)[], done: [] as string[] };
  const turns = new Turns(
    () => state.now,
    (begin) => state.begin.push(begin),
  );
  const work = (name: string, milliseconds: number) => () => {
    state.now += milliseconds;
    state.done.push(name);
  };
  const nextTurn = () => {
    for (const begin of state.begin.splice(0)) begin();
  };
  return { turns, state, work, nextTurn };
}

test("R9: work is done at once until the turn's share is spent, and the rest waits for later turns, in order", () => {
  const { turns, state, work, nextTurn } = still();
  const atOnce = ["a", "b", "c", "d", "e", "f", "g"].map((name) => turns.take(work(name, 3)));
  expect(atOnce).toEqual([true, true, true, false, false, false, false]);
  nextTurn();
  expect(state.done).toEqual(["a", "b", "c", "d", "e", "f"]);
  expect(turns.take(work("behind", 0))).toBe(false);
  nextTurn();
  expect(state.done).toEqual(["a", "b", "c", "d", "e", "f", "g", "behind"]);
  nextTurn();
  expect(state.begin).toEqual([]);
  expect(turns.take(work("again", 0))).toBe(true);
});

test("work that throws keeps nobody else waiting", () => {
  const { turns, state, work, nextTurn } = still();
  turns.take(work("long", 10));
  turns.take(() => {
    throw new Error("broken");
  });
  turns.take(work("next", 1));
  expect(nextTurn).toThrow("broken");
  nextTurn();
  expect(state.done).toEqual(["long", "next"]);
});

test("a connection whose turn has not come reads nothing, and goes on where it was when it has", () => {
  const { turns, work, nextTurn } = still();
  turns.take(work("another connection", 10));
  const paused = vi.spyOn(FakeTransport.prototype, "pauseProducing");
  const resumed = vi.spyOn(FakeTransport.prototype, "resumeProducing");
  const { server, pump, serverIO } = pair((_client, each) => Object.assign(each, { turns }));
  const calls = () => [paused, resumed].map(({ mock }) => mock.contexts.filter((each) => each === serverIO).length);
  pump.flush();
  expect([server.sessionID, calls()]).toEqual([null, [1, 0]]);
  nextTurn();
  pump.flush();
  expect([server.sessionID, calls()]).toEqual([expect.any(Buffer), [1, 1]]);
});

test("one that is cut while it waits is not looked at when its turn comes", () => {
  const { turns, work, nextTurn } = still();
  turns.take(work("another connection", 10));
  const { client, server, pump, serverIO } = pair((_client, original) => Object.assign(original, { turns }));
  pump.flush();
  serverIO.broken = true;
  pump.flush();
  nextTurn();
  pump.flush();
  expect([client.secure, server.said]).toEqual([0, []]);
});
