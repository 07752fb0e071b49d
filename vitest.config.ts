import { readdirSync, readFileSync } from "node:fs";
import { defineConfig, type TestProjectConfiguration } from "vitest/config";

/**
 * Tests that need a process of their own: with a mock of a module, which those that have loaded it before would not see;
 * with an ear for failed Deferreds that nobody heard of, which other tests leave; and those that make such things fail.
 */
const ALONE = [
  "tests/hostile/faults/faults.test.ts",
  ...readdirSync("packages", { recursive: true, encoding: "utf8" })
    .map((path) => `packages/${path}`)
    .filter(
      (path) =>
        /^packages\/\w+\/src\/.*\.test\.ts$/.test(path) &&
        /vi\.(m|doM)ock\(|reportUnhandledErrors/.test(readFileSync(path, "utf8")),
    ),
];

const shared = {
  extends: true,
  test: { setupFiles: ["tests/support/addon.setup.ts", "tests/support/leaks.setup.ts"] },
} satisfies TestProjectConfiguration;

/**
 * Files of tests of which those of one process share what is loaded: loading the sources costs more than most of them.
 * What one file's tests log too late is heard by the next: what hears all that is logged is apart from what logs much.
 */
function together(name: string, include: string[], setup: string[] = []): TestProjectConfiguration {
  const setupFiles = [...shared.test.setupFiles, ...setup];
  return { ...shared, test: { setupFiles, name, include, exclude: ALONE, isolate: false } };
}

export default defineConfig({
  // Tests run on the sources: no stale build can pass.
  resolve: { conditions: ["strombus-source"] },
  ssr: { resolve: { conditions: ["strombus-source", "node", "default"] } },
  test: {
    projects: [
      together("reactor", ["packages/{reactor,cred}/src/**/*.test.ts"]),
      together(
        "conch",
        ["packages/{conch,examples}/src/**/*.test.ts", "tests/hostile/**/*.test.ts"],
        ["tests/support/held.setup.ts"],
      ),
      together("programs", ["tests/acceptance/**/*.test.ts"]),
      { ...shared, test: { ...shared.test, name: "alone", include: ALONE } },
    ],
    testTimeout: 60_000, // of a test that hangs: no measure of speed, on whatever machine
    maxWorkers: "100%", // most tests wait for programs
    experimental: { fsModuleCache: true }, // what was compiled for one run in this tree is taken for the next
    coverage: {
      provider: "v8",
      include: ["packages/{reactor,cred,conch}/src/**/*.ts"],
      exclude: ["**/*.test.ts"],
      reporter: ["text-summary", "html"],
    },
  },
});
