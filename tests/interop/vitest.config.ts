import { defineConfig } from "vitest/config";

/** `npm run test:interop`: other people's SSH programs, and all acceptance tests with their OpenSSH; see support/peers.ts. */
export default defineConfig({
  resolve: { conditions: ["strombus-source"] },
  ssr: { resolve: { conditions: ["strombus-source", "node", "default"] } },
  test: {
    include: ["tests/{interop,acceptance}/**/*.test.ts"],
    setupFiles: ["tests/support/addon.setup.ts"],
    env: { STROMBUS_TEST_CLIENT: "peers" },
    testTimeout: 30_000,
    maxConcurrency: 2, // programs of peers run beside ours
  },
});
