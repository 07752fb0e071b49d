/** Key exchange methods by name, best first. */
import { curve25519 } from "./curve25519.js";
import type { PairMethod } from "./method.js";
import { mlkem768x25519 } from "./mlkem768x25519.js";

export const methods: ReadonlyMap<string, PairMethod> = new Map(
  [mlkem768x25519(), curve25519("curve25519-sha256"), curve25519("curve25519-sha256@libssh.org")].map(
    (method) => [method.name, method] as const,
  ),
);
