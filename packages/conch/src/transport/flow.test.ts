import { beforeEach, expect, test } from "vitest";
import { Flow } from "./flow.js";

let events: string[] = [];
let flow: Flow;
beforeEach(() => {
  events = [];
  flow = new Flow({
    holdWriters: (hold) => events.push(hold ? "stop writing" : "start writing"),
    holdReading: (hold) => events.push(hold ? "stop reading" : "read on"),
  });
});

test("full output stops the writers, and no reading", () => {
  flow.outputFull = true;
  flow.outputFull = true;
  flow.outputFull = false;
  expect(events).toEqual(["stop writing", "start writing"]);
});

test("writers start when neither the output nor a key exchange holds them", () => {
  flow.outputFull = true;
  flow.exchanging = true;
  flow.outputFull = false;
  expect(events).toEqual(["stop writing"]);
  flow.exchanging = false;
  expect(events).toEqual(["stop writing", "start writing"]);
});

test("reading stops when more than 1 MiB of replies is owed to a peer that does not read (R7)", () => {
  flow.owe(2 ** 21);
  flow.outputFull = true;
  flow.owe(2 ** 20 - 256);
  expect(events).toEqual(["stop writing"]);
  flow.owe(1);
  flow.outputFull = false;
  expect(events).toEqual(["stop writing", "stop reading", "read on", "start writing"]);
});

test("short replies count for what they cost in memory: 5,000 of a byte are more than 1 MiB", () => {
  flow.outputFull = true;
  for (let n = 0; n < 4000; n++) flow.owe(1);
  expect(events).not.toContain("stop reading");
  for (let n = 0; n < 1000; n++) flow.owe(1);
  expect(events).toContain("stop reading");
});

test("reading stops while an answer is being made", () => {
  flow.answering = true;
  expect(flow.answering).toBe(true);
  flow.answering = false;
  expect(events).toEqual(["stop reading", "read on"]);
});

test("a service that starts while output is full is told so", () => {
  flow.outputFull = true;
  flow.serviceChanged();
  expect(events).toEqual(["stop writing", "stop writing"]);
});

test("at the end everything is let go, so that the end is seen", () => {
  flow.outputFull = true;
  flow.answering = true;
  flow.release();
  expect(events).toEqual(["stop writing", "stop reading", "read on"]);
});
