import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "../support/example.js";

const readme = readFileSync(join(root, "README.md"), "utf8");

test("the program in the README is simple-session as it runs", () => {
  const source = readFileSync(join(root, "packages/examples/src/simple-session/main.ts"), "utf8");
  const [, ...program] = source.split("\n"); // without the comment that introduces it
  expect(readme).toContain(`\`\`\`ts\n${program.join("\n")}\`\`\`\n`);
});

describe("the table of imports in the README", () => {
  const rows = [...readme.matchAll(/`import \{ ([^}]+) \} from "([^"]+)"`/g)];

  test("has rows", () => expect(rows.length).toBeGreaterThan(20));

  for (const [row, names = "", path = ""] of rows) {
    test(`${row} works`, async () => {
      const module = (await import(path)) as object;
      for (const name of names.split(", ")) expect(module).toHaveProperty(name);
    });
  }
});
