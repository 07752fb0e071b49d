import { Clock } from "@strombus/reactor/task";
import { expect, test } from "vitest";
import { pair } from "./fixtures.test.support.js";
import { StallWatch } from "./stall.js";

function watching(known = true) {
  const clock = new Clock();
  const watch = new StallWatch();
  const state = { taken: 0, stalls: 0 };
  const full = () =>
    watch.full(
      clock,
      60,
      () => (known ? state.taken : undefined),
      () => state.stalls++,
    );
  return { clock, watch, state, full };
}

test("R7: a peer that takes no byte for 60 s is given up, however often it is written to meanwhile", () => {
  const { clock, state, full } = watching();
  for (let second = 0; second < 60; second++) {
    expect(state.stalls).toBe(0);
    full();
    clock.advance(1);
  }
  expect(state.stalls).toBe(1);
});

test("a slow peer is not", () => {
  const { clock, state, full } = watching();
  full();
  for (let minute = 0; minute < 100; minute++) {
    state.taken++;
    clock.advance(60);
  }
  expect(state.stalls).toBe(0);
  clock.advance(60);
  expect(state.stalls).toBe(1);
});

for (const known of [true, false]) {
  test(`output that empties and fills again is no stall${known ? "" : ", also where nobody counts bytes"}`, () => {
    const { clock, watch, state, full } = watching(known);
    for (let turn = 0; turn < 100; turn++) {
      full();
      clock.advance(7);
      state.taken += 1000;
      watch.emptied();
    }
    clock.advance(1000);
    expect([state.stalls, clock.getDelayedCalls()]).toEqual([0, []]);
  });
}

test("R7: the transport cuts a stalled peer, and leaves no timer", () => {
  const { server, serverIO, clock } = pair();
  let cut = 0;
  serverIO.abortConnection = () => cut++;
  server.pauseProducing();
  clock.advance(60);
  expect(cut).toBe(1);
  server.connectionLost();
  expect(clock.getDelayedCalls().filter((call) => call.active())).toHaveLength(1); // the client's own deadline
});
