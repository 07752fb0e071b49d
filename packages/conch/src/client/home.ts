/** Paths as users write them. */
import { homedir } from "node:os";
import { join } from "node:path";

/** With the user's home in the place of a `~` in front. */
export function expandUser(path: string): string {
  return path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;
}
