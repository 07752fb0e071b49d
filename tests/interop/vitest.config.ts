import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** Acceptance tests that no client of SSH takes part in: `npm test` has them. */
const WITHOUT_SSH = [
  "adopted",
  "cftp",
  "ckeygen",
  "conch",
  "core-examples",
  "docs",
  "needed",
  "own-channels",
  "packages",
  "readme",
  "runner",
  "strcred",
];

/** `npm run test:interop`: other people's SSH programs, and acceptance tests with their OpenSSH; see support/peers.ts. */
export default defineConfig({
  resolve: { conditions: ["strombus-source"] },
  ssr: { resolve: { conditions: ["strombus-source", "node", "default"] } },
  test: {
    include: ["tests/{interop,acceptance}/**/*.test.ts"],
    exclude: WITHOUT_SSH.map((name) => `tests/acceptance/${name}.test.ts`),
    isolate: false, // files share what is loaded: loading the sources costs more than many of them
    setupFiles: ["tests/support/addon.setup.ts", "tests/support/leaks.setup.ts"],
    env: { STROMBUS_TEST_CLIENT: "peers" },
    testTimeout: 60_000,
    maxWorkers: Math.ceil(1.5 * availableParallelism()), // most tests wait for programs
    maxConcurrency: 2, // programs of peers run beside ours
    experimental: { fsModuleCache: true },
  },
});
