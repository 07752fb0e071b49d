/** The programs in the documentation are those that are compiled and tested. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "../support/example.js";

const pages = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));

// A comment before a block names the file that the block is a part of.
const BLOCK = /<!-- (?<path>\S+) -->\n\n```[a-z]*\n(?<code>[^]*?)```/g;
const LINK = /\]\((?<target>[^)#]+)/g;

for (const page of pages) {
  describe(`docs/${page}`, () => {
    const text = readFileSync(join(root, "docs", page), "utf8");

    for (const { groups } of text.matchAll(BLOCK)) {
      const { path, code } = groups as { path: string; code: string };
      test(`shows ${path} as it is: ${code.split("\n", 1)[0]}`, () => {
        const normal = (part: string): string => part.replace(/^\s+/gm, "");
        expect(normal(readFileSync(join(root, path), "utf8"))).toContain(normal(code));
      });
    }

    test("shows no TypeScript that nothing compiles", () => {
      const loose = text.replace(BLOCK, "").matchAll(/^```tsx?\n[^]*?^```/gm);
      expect(Array.from(loose, ([block]) => block)).toEqual([]);
    });

    test("links to what is there", () => {
      const targets = [...text.matchAll(LINK)].map(({ groups }) => groups!["target"]!);
      const files = targets.filter((target) => !/^[a-z]+:/.test(target));
      expect(files.filter((file) => !existsSync(join(dirname(join(root, "docs", page)), file)))).toEqual([]);
    });
  });
}
