import { getDiffieHellman } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { parseModuliFile } from "./primes.js";

const folder = mkdtempSync(join(tmpdir(), "strombus-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const path = join(folder, "moduli");
  writeFileSync(path, text);
  return path;
}

const PRIME = getDiffieHellman("modp14").getPrime("hex");

test("OpenSSH's line of 2047 is a group of 2048 bits", () => {
  const path = file(`\n# Time Type Tests\n  20030501000000 2 6 100 2047 2 ${PRIME.toUpperCase()}  \r\n`);
  expect(parseModuliFile(path)).toEqual(new Map([[2048, [[2n, BigInt(`0x${PRIME}`)]]]]));
});

test("groups of one size stand together, in the order of the file", () => {
  const path = file("1 2 6 100 2047 2 ff\n1 2 6 100 3071 5 fd\n1 2 6 100 2047 b fb\n");
  expect([...parseModuliFile(path)]).toEqual([
    [
      2048,
      [
        [2n, 0xffn],
        [11n, 0xfbn],
      ],
    ],
    [3072, [[5n, 0xfdn]]],
  ]);
});

for (const line of ["1 2 6 100 2047 2", "1 2 6 100 2047 2 ff 1", "1 2 6 100 big 2 ff", "1 2 6 100 2047 2 xy", "x"]) {
  test(`a line that is no group is told by its number: ${line}`, () => {
    expect(() => parseModuliFile(file(`# groups\n${line}\n`))).toThrow("line 2 of the moduli file");
  });
}

test("a file that is not there is an error of the file system", () => {
  expect(() => parseModuliFile(join(folder, "none"))).toThrow("ENOENT");
});
