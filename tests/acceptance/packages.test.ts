/** The packages as Node runs them: what package.json exports can be imported, and required by a program that is CommonJS. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "../support/example.js";

interface Manifest {
  readonly exports: Readonly<Record<string, unknown>>;
}

function run(type: "commonjs" | "module", code: string): string {
  const args = [`--input-type=${type}`, "--disable-warning=ExperimentalWarning", "--eval", code];
  return execFileSync(process.execPath, args, { cwd: join(root, "tests"), encoding: "utf8" });
}

describe.each(["reactor", "cred", "conch"])("@strombus/%s", (name) => {
  const { exports } = JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")) as Manifest;
  const modules = JSON.stringify(Object.keys(exports).map((path) => `@strombus/${name}${path.slice(1)}`));

  test("every module is there for import, and for require the very same", () => {
    const code = `import { createRequire } from "node:module";
      const require = createRequire(import.meta.url);
      for (const name of ${modules}) console.log(name, (await import(name)) === require(name));`;
    const lines = run("module", code).trim().split("\n");
    expect(lines.filter((line) => !line.endsWith(" true"))).toEqual([]);
  });

  test("every module can be required, by a program that imports none", () => {
    expect(run("commonjs", `for (const name of ${modules}) require(name);`)).toBe("");
  });
});

test("a class is one and the same in whatever modules it is met", () => {
  const code = `const { Portal } = require("@strombus/cred/portal");
    console.log(Portal === require("@strombus/cred").Portal);
    console.log(require("@strombus/conch/ssh/factory").SSHFactory.name, Object.getPrototypeOf(require("@strombus/conch/ssh/factory").SSHFactory).name);`;
  expect(run("commonjs", code)).toBe("true\nSSHFactory Factory\n");
});
