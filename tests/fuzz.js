/**
 * Talks by chance with both roles (packages/conch/src/hostile/fuzz.test.ts), for so many minutes or so many talks a stage:
 *
 *     npm run fuzz -- [--minutes 10] [--seed 1] [--talks 1]
 */
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { minutes: { type: "string" }, seed: { type: "string" }, talks: { type: "string" } },
});
const minutes = values.talks === undefined ? (values.minutes ?? "10") : "0";
const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 31));
const vitest = spawn("npx", ["vitest", "run", "packages/conch/src/hostile/fuzz.test.ts"], {
  stdio: "inherit",
  env: {
    ...process.env,
    STROMBUS_FUZZ_MINUTES: minutes,
    STROMBUS_FUZZ_SEED: seed,
    STROMBUS_FUZZ_TALKS: values.talks ?? "1",
  },
});
vitest.once("exit", (status) => (process.exitCode = status ?? 1));
