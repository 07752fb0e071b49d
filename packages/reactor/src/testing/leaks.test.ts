/** A test that leaves something open is told so. */
import * as net from "node:net";
import { beforeEach, expect, test } from "vitest";
import { Deferred } from "../defer.js";
import { reactor } from "../reactor.js";
import { assertAllClosed, captureOpen } from "./index.js";

beforeEach(() => captureOpen({ pendingDeferreds: true }));

test("nothing left is nothing to say, also when a socket is just closing", async () => {
  const server = net.createServer().listen(0);
  reactor.callLater(10, () => {}).cancel();
  const fired = new Deferred<number>();
  fired.addCallback((value) => value);
  fired.callback(1);
  server.close();
  await assertAllClosed();
});

test("a port, a timer, a delayed call, a Deferred that somebody waits for", async () => {
  const server = net.createServer().listen(0);
  await expect(assertAllClosed({ patience: 0.1 })).rejects.toThrow(/left open: 1 TCP/);
  server.close();
  await assertAllClosed();
  captureOpen();
  const timer = setTimeout(() => {}, 60_000);
  await expect(assertAllClosed({ patience: 0.1 })).rejects.toThrow("1 Timeout");
  clearTimeout(timer);
  captureOpen();
  const call = reactor.callLater(60, () => {});
  await expect(assertAllClosed({ patience: 0.1 })).rejects.toThrow("1 delayed call of the reactor");
  call.cancel();
  captureOpen({ pendingDeferreds: true });
  const pending = new Deferred();
  pending.addCallback(() => {});
  await expect(assertAllClosed({ patience: 0.1 })).rejects.toThrow("<Deferred>");
  pending.callback(null);
});

test("what does not hold the process is not counted, and a Deferred that nobody waits for neither", async () => {
  const timer = setTimeout(() => {}, 60_000).unref();
  const deferred = new Deferred();
  await assertAllClosed();
  clearTimeout(timer);
  expect(deferred.called).toBe(false);
});
