import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../support/example.js";

test("the program in the README is simple-session as it runs", () => {
  const source = readFileSync(join(root, "packages/examples/src/simple-session/main.ts"), "utf8");
  const [, ...program] = source.split("\n"); // without the comment that introduces it
  expect(readFileSync(join(root, "README.md"), "utf8")).toContain(`\`\`\`ts\n${program.join("\n")}\`\`\`\n`);
});
