import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LocalFile } from "./local.js";

let folder: string;
let path: string;
let file: LocalFile;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "strombus-local-"));
  path = join(folder, "file");
  writeFileSync(path, "0123456789");
  file = new LocalFile(openSync(path, "r+"));
});
afterEach(async () => {
  await file.close();
  rmSync(folder, { recursive: true });
});

const reading = async (...chunks: (readonly [offset: number, length: number])[]): Promise<string[]> => {
  const read = await Promise.all(chunks.map((chunk) => file.readChunk(...chunk)));
  return read.map(String);
};

describe("requests that do not wait for each other", () => {
  test("read what each would by itself: one behind the other, apart, twice, and past the end", async () => {
    expect(await reading([0, 4], [4, 4], [8, 4], [12, 4], [16, 4])).toEqual(["0123", "4567", "89", "", ""]);
    expect(await reading([2, 2], [6, 2], [2, 2], [10, 2], [0, 0])).toEqual(["23", "67", "23", "", ""]);
  });

  test("write what each would by itself, and see what was written before them", async () => {
    const writing = ["ab", "cd", "ef"].map((data, index) => file.writeChunk(index * 2, Buffer.from(data)));
    const seen = file.readChunk(0, 8);
    const over = [file.writeChunk(1, Buffer.from("XY")), file.writeChunk(12, Buffer.from("end"))];
    const size = file.getAttrs();
    const after = file.writeChunk(15, Buffer.from("!"));
    await Promise.all([...writing, ...over, after]);
    expect([String(await seen), (await size).size]).toEqual(["abcdef67", 15]);
    expect(readFileSync(path, "latin1")).toBe("aXYdef6789\0\0end!");
  });

  test("are many, and more than go at once", async () => {
    const data = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => (index * 7) % 251));
    const size = 70_000;
    const starts = Array.from({ length: Math.ceil(data.length / size) }, (_, index) => index * size);
    await Promise.all(starts.map((start) => file.writeChunk(start, data.subarray(start, start + size))));
    const back = await Promise.all(starts.map((start) => file.readChunk(start, size)));
    expect(Buffer.concat(back).equals(data)).toBe(true);
    expect(readFileSync(path).equals(data)).toBe(true);
  });

  test("fail each where the file does not allow it, and those behind them do not", async () => {
    const toRead = new LocalFile(openSync(path, "r"));
    const writing = [0, 1].map((offset) => Promise.resolve(toRead.writeChunk(offset, Buffer.from("x"))));
    const outcomes = await Promise.allSettled(writing);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(String(await toRead.readChunk(0, 2))).toBe("01");
    const closing = toRead.close();
    const late = [0, 2].map((offset) => Promise.resolve(toRead.readChunk(offset, 2)));
    for (const each of await Promise.allSettled(late)) expect(each).toMatchObject({ reason: { code: "EBADF" } });
    await closing;
  });
});
