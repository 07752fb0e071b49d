import { capturedLogs, Logger } from "@strombus/reactor/logger";
import { expect, test } from "vitest";
import { FakeTransport } from "./channel/fixtures.test.support.js";
import { ChannelOpen, GlobalRequest } from "./messages/connection.js";
import { LineBudget, peerLog } from "./peer-log.js";
import { SSHConnection } from "./ssh/connection.js";

test("fifty lines at once, then five a second; the next tells how many were left out", () => {
  const budget = new LineBudget();
  const at = (now: number, times: number) => Array.from({ length: times }, () => budget.take(now));
  expect(at(100, 52)).toEqual([...Array<number>(50).fill(0), null, null]);
  expect(at(100.1, 1)).toEqual([null]);
  expect(at(101.1, 6)).toEqual([3, 0, 0, 0, 0, null]);
  expect(at(10_000, 51)).toEqual([1, ...Array<number>(49).fill(0), null]);
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
  const transport = new FakeTransport().of(connection);
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
  expect(lines.length).toBeLessThan(100);
  expect(connection.channels.size).toBe(0);
});
