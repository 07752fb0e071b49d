import { defineConfig } from "vitest/config";

export default defineConfig({
  // Tests run on the sources: no stale build can pass.
  resolve: { conditions: ["strombus-source"] },
  ssr: { resolve: { conditions: ["strombus-source", "node", "default"] } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "tests/acceptance/**/*.test.ts", "tests/hostile/**/*.test.ts"],
    setupFiles: ["tests/support/addon.setup.ts", "tests/support/leaks.setup.ts"],
    testTimeout: 60_000, // of a test that hangs: no measure of speed, on whatever machine
    maxWorkers: "100%", // most tests wait for programs
    coverage: {
      provider: "v8",
      include: ["packages/{reactor,cred,conch}/src/**/*.ts"],
      exclude: ["**/*.test.ts"],
      reporter: ["text-summary", "html"],
    },
  },
});
