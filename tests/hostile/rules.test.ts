/** Every rule and every attack of rules.ts has a test in this folder. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ATTACKS, NOT_BUILT, RULES } from "./rules.js";
import { MISSING } from "./missing.js";

/** What stands first in `test(...)` and `describe(...)`, also behind `.each(...)`; placeholders and all. */
const TITLE = /\b(?:test|describe)(?:\.each\([^)]*\))?\(\s*(["'`])((?:\\.|(?!\1)[^\\])*)\1/g;

const sources = readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".test.ts") && name !== "rules.test.ts")
  .map((name) => readFileSync(`${import.meta.dirname}/${name}`, "utf8"));
const titles = sources.flatMap((source) => [...source.matchAll(TITLE)].map(([, , title = ""]) => title));

/** A title may begin with several: "A7, A8: ...". */
const rulesTested = new Set(
  titles.flatMap((title) => /^((?:[A-Z]{1,2}\d+(?:, )?)+):/.exec(title)?.[1]?.split(", ") ?? []),
);
/** Attacks may stand in the rows that a title is put together from; comments do not count. */
const code = sources.map((source) => source.replaceAll(/\/\*[^]*?\*\/|\/\/.*$/gm, ""));
const attacksTested = new Set(code.flatMap((text) => text.match(/CVE-\d+-\d+/g) ?? []));
const tested = new Set([...rulesTested, ...attacksTested]);

const excepted = new Set([
  ...NOT_BUILT,
  ...Object.entries(ATTACKS).flatMap(([id, { rule }]) => (NOT_BUILT.includes(rule) ? [id] : [])),
]);
const known = new Set([...Object.keys(RULES), ...Object.keys(ATTACKS)]);
const due = [...known].filter((id) => !excepted.has(id));

describe("the list", () => {
  test("has all rules, without a gap", () => {
    const counts = { R: 12, T: 13, K: 15, A: 18, C: 10, S: 7, CL: 6, L: 4, D: 4 };
    const ids = Object.entries(counts).flatMap(([area, count]) =>
      Array.from({ length: count }, (_, n) => `${area}${n + 1}`),
    );
    expect(Object.keys(RULES)).toEqual(ids);
  });

  test("has an existing rule for each attack", () => {
    expect(Object.values(ATTACKS).filter(({ rule }) => !(rule in RULES))).toEqual([]);
  });
});

test("no test of this folder names a rule or an attack that is not on the list", () => {
  expect([...tested].filter((id) => !known.has(id))).toEqual([]);
});

test("no test of this folder is skipped", () => {
  expect(sources.filter((source) => /\b(?:test|describe)\.(?:skip|todo|only|skipIf|runIf)\b/.test(source))).toEqual([]);
});

test("every rule and every attack has a test", () => {
  expect(due.filter((id) => !tested.has(id) && !MISSING.includes(id))).toEqual([]);
});

test("what is missing, or not built, has none", () => {
  expect([...MISSING, ...excepted].filter((id) => tested.has(id))).toEqual([]);
});
