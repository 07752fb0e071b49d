/** What a process holds for peers that do not read, and what it does when that is too much. */
import { IPv4Address } from "@strombus/reactor/address";
import { Clock } from "@strombus/reactor/testing";
import { beforeEach, expect, test } from "vitest";
import { Defence } from "../defence.js";
import { echoServer, match, talkingClient, type Match } from "../hostile/victims.test.support.js";
import type { SSHConnection } from "../ssh/connection.js";
import { bytesHeld, holders } from "../transport/held.js";

const MiB = 2 ** 20;

beforeEach(() => holders.clear()); // tests before, which left theirs open

/** A client that has logged in and opened a session. */
async function loggedIn(): Promise<Match> {
  const made = await match(echoServer, talkingClient);
  for (let n = 0; n < 3; n++) {
    made.clock.advance(0.25);
    await made.settle();
  }
  expect(made.ledger.opened).toBe(2);
  return made;
}

function channelOf({ server }: Match) {
  return [...(server.service as SSHConnection).channels.values()][0]!;
}

async function end(made: Match): Promise<void> {
  made.client.sendDisconnect(11, "bye");
  for (let turn = 0; turn < 100 && holders.has(made.server); turn++) {
    made.clock.advance(1);
    await made.settle();
  }
}

test("near the limit newcomers are refused and counted, those who are in go on, and it recovers by itself", async () => {
  const [one, two] = [await loggedIn(), await loggedIn()];
  const clock = new Clock();
  const defence = new Defence({ clock, maxQueued: 8 * MiB });
  const admitted = (): boolean => {
    clock.advance(1);
    return defence.admit(new IPv4Address("TCP", "192.0.2.1", 1)) !== null;
  };
  expect(admitted()).toBe(true);
  // Nobody gives window: what is written beyond the client's first window waits with us.
  for (const each of [one, two]) {
    const channel = channelOf(each);
    channel.remoteWindowLeft = 0;
    channel.write(Buffer.alloc(5 * MiB));
  }
  expect(bytesHeld()).toBeGreaterThanOrEqual(10 * MiB);
  expect(admitted()).toBe(false);
  expect(defence.refused.get("queued")).toBe(1);
  expect(defence.lastRefusal).toBe("queued");
  channelOf(one).addWindowBytes(5 * MiB); // the client reads again
  await one.settle();
  expect(bytesHeld()).toBeLessThan(6 * MiB);
  expect(admitted()).toBe(true);
  await end(one);
  await end(two);
  expect(bytesHeld()).toBe(0);
  expect(holders.size).toBe(0);
});

test("each look is a fresh one, at most so often", async () => {
  const made = await loggedIn();
  const clock = new Clock();
  const defence = new Defence({ clock, maxQueued: MiB, exempt: ["192.0.2.0/24"] });
  const channel = channelOf(made);
  channel.remoteWindowLeft = 0;
  channel.write(Buffer.alloc(2 * MiB));
  expect(defence.admit(new IPv4Address("TCP", "192.0.2.1", 1))).not.toBeNull(); // exempt
  expect(defence.admit(new IPv4Address("TCP", "203.0.113.1", 1))).toBeNull();
  channel.addWindowBytes(2 * MiB);
  await made.settle();
  expect(defence.admit(new IPv4Address("TCP", "203.0.113.1", 1))).toBeNull(); // looked at just now
  clock.advance(0.25);
  expect(defence.admit(new IPv4Address("TCP", "203.0.113.1", 1))).not.toBeNull();
  await end(made);
});
