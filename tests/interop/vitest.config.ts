import { defineConfig } from "vitest/config";

/** `npm run test:interop`: what needs other people's SSH programs; tests/support/peers.ts says which. */
export default defineConfig({
  resolve: { conditions: ["strombus-source"] },
  ssr: { resolve: { conditions: ["strombus-source", "node", "import", "default"] } },
  test: { include: ["tests/interop/**/*.test.ts"], testTimeout: 30_000 },
});
