import { expect, test } from "vitest";
import { ProcessExitedAlready } from "../error.js";
import { KeyError, NotImplementedError, RuntimeError } from "../exceptions.js";
import type { IPushProducer } from "../interfaces.js";
import { ProcessProtocol } from "../protocol.js";
import { Recorder } from "../process/fixtures.test.support.js";
import { logged, turn } from "../stream/recording.test.helper.js";
import { MemoryReactor } from "./memory-reactor.js";

function spawn(...options: Parameters<MemoryReactor["spawnProcess"]>[3][]) {
  const protocol = new Recorder();
  const reactor = new MemoryReactor();
  const child = reactor.spawnProcess(protocol, "/bin/cat", ["cat", "-n"], options[0]);
  expect(reactor.processes).toEqual([child]);
  return { protocol, child };
}

test("keeps what was asked, and tells the protocol what the test says, in Twisted's order", async () => {
  const { protocol, child } = spawn({ uid: 7 });
  expect([child.executable, child.args, child.options]).toEqual(["/bin/cat", ["cat", "-n"], { uid: 7 }]);
  child.write("one ");
  child.writeSequence(["two", Buffer.from("!")]);
  expect(child.input).toBe("one two!");
  child.says("out");
  child.says("err", 2);
  child.signalProcess("TERM");
  expect(child.signals).toEqual([15]);
  expect(() => child.signalGroup("TERM")).toThrow(NotImplementedError);
  child.exit(null, "TERM");
  expect((await protocol.ended).value).toMatchObject({ signal: 15 });
  expect(protocol.events).toEqual([
    "made",
    "data 1",
    "data 2",
    "lost 0",
    "lost 1",
    "lost 2",
    "exited pid null",
    "ended",
  ]);
  expect(() => child.signalProcess("TERM")).toThrow(ProcessExitedAlready);
});

test("closes descriptors once, and takes nothing for those that are closed", () => {
  const { protocol, child } = spawn({ childFDs: { 0: "w", 5: "w" } });
  child.writeToChild(5, "five");
  expect(child.written.get(5)?.toString()).toBe("five");
  expect(() => child.writeToChild(1, "")).toThrow(KeyError);
  child.closeStdin();
  child.closeStdin();
  child.write("dropped");
  expect(child.input).toBe("");
  child.loseConnection();
  expect(child.disconnecting).toBe(true);
  expect(protocol.events).toEqual(["made", "lost 0"]);
});

test("plays a terminal", () => {
  const { protocol, child } = spawn({ usePTY: true });
  child.write("typed");
  child.setWindowSize(24, 80);
  child.signalGroup("HUP");
  child.exit(0);
  expect([child.input, child.windowSizes, child.signals]).toEqual(["typed", [[24, 80, 0, 0]], [-1]]);
  expect(protocol.events).toEqual(["made", "exited pid null", "ended"]);
  expect(() => child.writeToChild(0, "")).toThrow(NotImplementedError);
});

test("shows who feeds it and whether its output is wanted", () => {
  const { child } = spawn();
  const producer = {} as IPushProducer;
  child.registerProducer(producer, true);
  expect(child.producer).toBe(producer);
  expect(() => child.registerProducer(producer, true)).toThrow(RuntimeError);
  child.unregisterProducer();
  child.pauseProducing();
  expect([child.producer, child.paused]).toEqual([null, true]);
});

test("what its protocol throws, or its promises reject with, is logged and changes nothing, as of a real one", async () => {
  logged.begin();
  const fail = (what: string) => {
    throw new Error(what);
  };
  class Failing extends ProcessProtocol {
    override async childConnectionLost(): Promise<void> {
      await Promise.reject(new Error("lost"));
    }
  }
  const protocol = new Failing();
  protocol.makeConnection = () => fail("made");
  protocol.childDataReceived = () => fail("data");
  protocol.processExited = () => fail("exited");
  protocol.processEnded = () => fail("ended");
  const child = new MemoryReactor().spawnProcess(protocol, "/bin/cat", [], { childFDs: { 1: "r" } });
  child.says("out");
  child.exit(0);
  await turn();
  logged.end();
  expect(logged.errors.map(({ message }) => message)).toEqual(["made", "data", "exited", "ended", "lost"]);
});
