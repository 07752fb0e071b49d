import { Protocol } from "@strombus/reactor/protocol";
import { Clock, StringTransport } from "@strombus/reactor/testing";
import { expect, test } from "vitest";
import { BufferingMixin } from "./mixin.js";

function chatterOf() {
  const calls: unknown[] = [];
  class Chatter extends BufferingMixin(Protocol) {
    readonly clock = new Clock();
    override DELAY = 2;
    override schedule() {
      calls.push("schedule");
      return this.clock.callLater(this.DELAY, () => this.flush());
    }
    override reschedule(token: unknown) {
      calls.push("reschedule");
      super.reschedule(token);
    }
  }
  const [chatter, transport] = [new Chatter(), new StringTransport()];
  void chatter.makeConnection(transport);
  return { chatter, transport, calls };
}

test("the first write schedules, each further one reschedules, and nothing goes out before the flush", () => {
  const { chatter, transport, calls } = chatterOf();
  chatter.write("foo");
  expect(calls).toEqual(["schedule"]);
  chatter.write(Buffer.from("bar"));
  chatter.write("baz");
  expect(calls).toEqual(["schedule", "reschedule", "reschedule"]);
  expect(transport.value().toString()).toBe("");
  chatter.clock.advance(2);
  expect(transport.value().toString()).toBe("foobarbaz");
  expect(chatter.data).toBeNull();
});

test("a flush by hand takes the timer's place, and one of nothing writes nothing", () => {
  const { chatter, transport } = chatterOf();
  chatter.write("foo");
  chatter.flush();
  chatter.flush();
  expect([transport.value().toString(), chatter.clock.calls]).toEqual(["foo", []]);
});
