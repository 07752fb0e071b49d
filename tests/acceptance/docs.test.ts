/** The programs in the documentation are those that are compiled and tested. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "../support/example.js";

const pages = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));

// A comment before a block names the file that the block is a part of.
const BLOCK = /<!-- (?<path>\S+) -->\n\n```[a-z]*\n(?<code>[^]*?)```/g;
const LINK = /\]\((?<target>[^)#]+)/g;

const IMPORT = /import (?:type )?\{(?<names>[^}]*)\} from "(?<module>@strombus\/[^"]+)"/g;

/** What a program, or a page, imports from the packages. */
function importsOf(path: string): { name: string; module: string }[] {
  const found = [...readFileSync(join(root, path), "utf8").matchAll(IMPORT)];
  return found.flatMap(({ groups }) =>
    [...groups!["names"]!.matchAll(/(?:type )?(\w+)(?: as (\w+))?/g)].map(([, name = "", as = name]) => ({
      name: as,
      module: groups!["module"]!,
    })),
  );
}

/** The names in a program, without what is in strings. */
function names(code: string): string[] {
  return code.replace(/"[^"\n]*"|'[^'\n]*'/g, "").match(/[\w$]+/g) ?? [];
}

/** Where the README says that a name is, or a kind of names. */
const readme = readFileSync(join(root, "README.md"), "utf8");
const inReadme = new Set(importsOf("README.md").map(({ name, module }) => `${name} of ${module}`));
const isTold = (page: string, { name, module }: { name: string; module: string }): boolean =>
  page.includes(module) || readme.includes(`\`${module}\``) || inReadme.has(`${name} of ${module}`);

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

    test("says where the names in its programs come from, or links to the program", () => {
      const blocks = [...text.matchAll(BLOCK)].map(({ groups }) => groups as { path: string; code: string });
      const unsaid = blocks
        .filter(({ path }) => !text.includes(`](../${dirname(path)}`))
        .flatMap(({ path, code }) => importsOf(path).filter(({ name }) => names(code).includes(name)))
        .filter((each) => !isTold(text, each))
        .map(({ name, module }) => `${name} of ${module}`);
      expect([...new Set(unsaid)]).toEqual([]);
    });

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
