import { existsSync, mkdtempSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AlreadyTryingToLockError, CancelledError, DeferredFilesystemLock, TimeoutError } from "../defer.js";
import { ValueError } from "../exceptions.js";
import { Clock } from "../task.js";

const NO_PROCESS = "99999999"; // more than any system numbers its processes to

let directory: string;
let name: string;
let clock: Clock;
let lock: DeferredFilesystemLock;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "strombus-lock-"));
  name = join(directory, "lock");
  clock = new Clock();
  lock = new DeferredFilesystemLock(name, clock);
});
afterEach(() => rmSync(directory, { recursive: true }));

/** What a Deferred failed with. */
function errorOf(deferred: ReturnType<DeferredFilesystemLock["deferUntilLocked"]>): unknown {
  let error: unknown = "no failure yet";
  deferred.addErrback((failure) => void (error = failure.value));
  return error;
}

test("a free lock is ours at once, and names our process", () => {
  expect(lock.deferUntilLocked().called).toBe(true);
  expect([lock.locked, lock.clean, readlinkSync(name)]).toEqual([true, true, String(process.pid)]);
  lock.unlock();
  expect([lock.locked, existsSync(name)]).toEqual([false, false]);
});

test("a lock whose process is gone is taken over, and was not clean", () => {
  symlinkSync(NO_PROCESS, name);
  expect([lock.lock(), lock.clean]).toEqual([true, false]);
});

test("a held lock is tried for every second", () => {
  symlinkSync(String(process.ppid), name);
  const deferred = lock.deferUntilLocked();
  clock.advance(1);
  expect(deferred.called).toBe(false);
  rmSync(name);
  clock.advance(0.9);
  expect(deferred.called).toBe(false);
  clock.advance(0.1);
  expect([deferred.called, lock.locked]).toEqual([true, true]);
  expect(clock.getDelayedCalls()).toEqual([]);
});

test("it fails with TimeoutError when the time is over", () => {
  symlinkSync(String(process.ppid), name);
  const deferred = lock.deferUntilLocked({ timeout: 5 });
  clock.pump([1, 1, 1, 1, 1]);
  expect(errorOf(deferred)).toBeInstanceOf(TimeoutError);
  expect(clock.getDelayedCalls()).toEqual([]);
});

test("a second wait at the same time fails", () => {
  symlinkSync(String(process.ppid), name);
  const first = lock.deferUntilLocked();
  expect(errorOf(lock.deferUntilLocked())).toBeInstanceOf(AlreadyTryingToLockError);
  expect(first.called).toBe(false);
});

test("a cancelled wait leaves no timer, and another may follow", () => {
  symlinkSync(String(process.ppid), name);
  const deferred = lock.deferUntilLocked({ timeout: 5 });
  deferred.cancel();
  expect(errorOf(deferred)).toBeInstanceOf(CancelledError);
  expect(clock.getDelayedCalls()).toEqual([]);
  rmSync(name);
  expect(lock.deferUntilLocked().called).toBe(true);
});

test("only the holder can unlock", () => {
  symlinkSync(String(process.ppid), name);
  expect(() => lock.unlock()).toThrow(ValueError);
});
