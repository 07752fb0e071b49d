/** Keys that a program makes for itself when it has none yet. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Unless there is a file, makes it of a new key, its owner's alone, with the folders on the way. */
export function ensureKeyFile(location: string, newKey: () => Uint8Array): void {
  if (existsSync(location)) return;
  mkdirSync(dirname(location), { recursive: true });
  writeFileSync(location, newKey(), { mode: 0o600 });
}
