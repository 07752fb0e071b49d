/** What is written to a child, and who writes it. */
import { expect, test } from "vitest";
import { capturedLogs } from "../logger.js";
import { Input } from "./input.js";

const fault = (): never => {
  throw new Error("a fault");
};

/** An input whose bytes are taken when the test says so. */
function make() {
  const sink = { ended: false, taken: [] as (() => void)[] };
  const input = new Input({
    write: (_, done) => void sink.taken.push(done),
    end: () => void (sink.ended = true),
  });
  return { input, sink };
}

const idle = { pauseProducing: () => {}, resumeProducing: () => {}, stopProducing: () => {} };

test.each(["pauseProducing", "resumeProducing"] as const)(
  "a producer whose %s fails is one no more: it is logged, reaches nobody, and the end does not wait for it",
  (name) => {
    const { input, sink } = make();
    const events = capturedLogs(() => {
      input.registerProducer({ ...idle, [name]: fault }, true);
      input.write(Buffer.alloc(100_000));
      sink.taken.shift()!();
      input.end();
    });
    expect(events.map(({ log_failure }) => log_failure?.value)).toEqual([new Error("a fault")]);
    expect(sink.ended).toBe(true);
  },
);

test("a producer whose stopProducing fails is logged", () => {
  const { input } = make();
  const events = capturedLogs(() => {
    input.registerProducer({ ...idle, stopProducing: fault }, true);
    input.closed();
    input.registerProducer({ ...idle, stopProducing: fault }, true); // too late
  });
  expect(events).toHaveLength(2);
});
