import { capturedLogs, Logger } from "@strombus/reactor/logger";
import { Clock } from "@strombus/reactor/task";
import { expect, test } from "vitest";
import { FakeTransport } from "./channel/fixtures.test.support.js";
import { ChannelOpen, GlobalRequest } from "./messages/connection.js";
import { LineBound, peerLog, tellWhatWasLeftOut } from "./peer-log.js";
import { SSHConnection } from "./ssh/connection.js";

test("fifty lines at once, then five a second; ten seconds later it is told how many were left out", () => {
  const clock = new Clock();
  const told: number[] = [];
  const bound = new LineBound(clock, (count) => told.push(count));
  const admitted = (times: number) => Array.from({ length: times }, () => bound.admits()).filter(Boolean).length;
  expect(admitted(52)).toBe(50);
  clock.advance(1);
  expect(admitted(6)).toBe(5);
  clock.advance(8.9);
  expect(told).toEqual([]);
  clock.advance(0.2);
  expect(told).toEqual([3]);
  clock.advance(10_000);
  expect([admitted(51), told]).toEqual([50, [3]]);
  bound.tell();
  bound.tell();
  expect([told, clock.getDelayedCalls()]).toEqual([[3, 1], []]);
});

test("lines for debugging take nothing from the others", () => {
  const peer = { clock: new Clock() };
  const log = new Logger({ namespace: "test" });
  const lines = capturedLogs(() => {
    for (let n = 0; n < 1000; n++) peerLog(log, peer).debug("chatter");
    peerLog(log, peer).warn("what matters");
    tellWhatWasLeftOut(peer);
  });
  const levels = lines.map(({ log_level, log_format }) => `${log_level?.name} ${log_format}`);
  expect(levels.slice(50)).toEqual(["warn what matters", expect.stringContaining("debug {count} lines")]);
  expect(lines.at(-1)!["count"]).toBe(950);
});

test("what nobody's peer brings about is not bounded", () => {
  const log = new Logger({ namespace: "test" });
  const lines = capturedLogs(() => {
    for (let n = 0; n < 100; n++) peerLog(log, null).info("line");
  });
  expect(lines).toHaveLength(100);
});

test("L4: a peer that opens and asks for what there is not buys no more lines than its share", () => {
  const connection = new SSHConnection();
  const transport = Object.assign(new FakeTransport(), { clock: new Clock() }).of(connection);
  const data = Buffer.alloc(0);
  const lines = capturedLogs(() => {
    for (let n = 0; n < 2000; n++) {
      connection.ssh_CHANNEL_OPEN(
        ChannelOpen.encode({ type: `type-${n}`, senderChannel: n, window: 1, maxPacket: n % 2, data }),
      );
      connection.ssh_GLOBAL_REQUEST(GlobalRequest.encode({ type: "__proto__", wantReply: true, data }));
    }
  });
  expect(transport.packets).toHaveLength(4000); // each is refused
  expect(lines).toHaveLength(100); // of both kinds
  expect(connection.channels.size).toBe(0);
});
