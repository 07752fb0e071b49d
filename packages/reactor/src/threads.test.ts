/** Work beside the event loop, as far as Node can. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { CancelledError } from "./defer.js";
import { AssertionError, NotImplementedError, ValueError } from "./exceptions.js";
import { IReactorInThreads } from "./interfaces.js";
import { NodeReactor, reactor } from "./reactor.js";
import { logged, turn, until } from "./stream/recording.test.helper.js";
import { blockingCallFromThread, callMultipleInThread, deferToThread, deferToWorker, ThreadPool } from "./threads.js";

let folder = "";
let module = new URL("file:///");
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "strombus-threads-"));
  const file = join(folder, "work.mjs");
  writeFileSync(
    file,
    `import { threadId } from "node:worker_threads";
     export const where = () => threadId;
     export const add = async (a, b) => a + b;
     export const fail = () => { throw new RangeError("in the worker"); };
     export const forever = () => { for (;;); };
     export const leave = () => process.exit(3);
     export const notAFunction = 1;`,
  );
  module = pathToFileURL(file);
});
afterAll(async () => {
  await reactor.getThreadPool().stop();
  rmSync(folder, { recursive: true });
});
beforeEach(() => logged.begin());
afterEach(() => logged.end());

test("deferToThread: on a later turn of this thread, with the result, the Promise's or the error", async () => {
  let ran = false;
  const done = deferToThread((a: number, b: number) => ((ran = true), a + b), 1, 2);
  expect(ran).toBe(false);
  expect(await done).toBe(3);
  expect(await deferToThread(() => Promise.resolve("later"))).toBe("later");
  await expect(
    Promise.resolve(
      deferToThread(() => {
        throw new RangeError("no");
      }),
    ),
  ).rejects.toBeInstanceOf(RangeError);
});

test("callInThread: in order, later; what it throws is logged; what cannot be called is an AssertionError", async () => {
  const order: number[] = [];
  reactor.callInThread((n: number) => order.push(n), 1);
  callMultipleInThread([[(n: number) => order.push(n), [2]], [() => order.push(3)]]);
  expect(order).toEqual([]);
  await until(() => order.length === 3);
  expect(order).toEqual([1, 2, 3]);
  reactor.callInThread(() => {
    throw new Error("logged");
  });
  await until(() => logged.errors.length === 1);
  expect(() => reactor.callInThread(null as never)).toThrow(AssertionError);
  expect(IReactorInThreads.providedBy(reactor)).toBe(true);
  expect(() => blockingCallFromThread()).toThrow(NotImplementedError);
  await turn();
});

test("deferToWorker: a module's function in a real thread, its result and its error", async () => {
  expect(await deferToWorker<number>(module, "where")).toBeGreaterThan(0);
  expect(await deferToWorker(module, "add", 2, 3)).toBe(5);
  await expect(Promise.resolve(deferToWorker(module, "fail"))).rejects.toThrow("in the worker");
  for (const name of ["missing", "notAFunction", "toString", "__proto__"]) {
    await expect(Promise.resolve(deferToWorker(module, name))).rejects.toThrow("exports no function");
  }
  await expect(Promise.resolve(deferToWorker(module, "add", () => {}))).rejects.toThrow();
  expect(await deferToWorker(module, "add", 1, 1)).toBe(2);
});

test("cancelling ends the thread, and the next call has another", async () => {
  const pool = new ThreadPool(0, 1);
  const endless = pool.callInWorker(module, "forever", []);
  const waiting = pool.callInWorker(module, "add", [4, 5]);
  expect(pool.workers).toBe(1);
  endless.cancel();
  await expect(Promise.resolve(endless)).rejects.toBeInstanceOf(CancelledError);
  expect(await waiting).toBe(9);
  await pool.stop();
});

test("a thread that ends fails its call only; stopping the pool fails what is left", async () => {
  const pool = new ThreadPool(0, 1);
  await expect(Promise.resolve(pool.callInWorker(module, "leave", []))).rejects.toBeInstanceOf(Error);
  expect(await pool.callInWorker(module, "add", [1, 2])).toBe(3);
  const [endless, waiting] = [pool.callInWorker(module, "forever", []), pool.callInWorker(module, "add", [1, 2])];
  const outcomes = Promise.allSettled([endless, waiting]);
  await pool.stop();
  expect((await outcomes).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(pool.workers).toBe(0);
});

test("the size of the pool", () => {
  const own = new NodeReactor();
  expect(own.getThreadPool()).toMatchObject({ min: 0, max: 10 });
  own.suggestThreadPoolSize(3);
  expect(own.getThreadPool().max).toBe(3);
  expect(() => own.suggestThreadPoolSize(0)).toThrow(ValueError);
  expect(() => new ThreadPool(3, 2)).toThrow(ValueError);
});
