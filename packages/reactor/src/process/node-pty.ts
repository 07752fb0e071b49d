/** Terminals by node-pty: the one module that knows of it, by the functions beneath its own terminals. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { NotImplementedError } from "../exceptions.js";

/**
 * They are not documented, so the version is pinned; terminal.test.ts fails when another one changes them. What node-pty
 * makes of them will not do here: it drops output that a slow reader has not taken 0.2 s after the program's end, and
 * turns in circles while a program does not read.
 */
export interface NativePTY {
  /** Starts a program on a new terminal of which it is the session leader. An id of -1 is ours. */
  fork(
    file: string,
    args: readonly string[],
    env: readonly string[],
    cwd: string,
    columns: number,
    rows: number,
    uid: number,
    gid: number,
    utf8: boolean,
    helperPath: string,
    onExit: (exitCode: number, signal: number) => void,
  ): { fd: number; pid: number; pty: string };
  resize(fd: number, columns: number, rows: number, xPixels: number, yPixels: number): void;
}

const require = createRequire(import.meta.url);
let native: NativePTY | null = null;

/** @throws NotImplementedError when node-pty is not there, or cannot run here. */
export function nativePTY(): NativePTY {
  if (native !== null) return native;
  try {
    const found = (require("node-pty") as { native: NativePTY | null }).native;
    if (found === null) throw new Error("it has none for this system");
    return (native = found);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND" ? "" : `: ${(error as Error).message}`;
    throw new NotImplementedError(`terminals need the package node-pty: npm install node-pty@1.2.0-beta.15${why}`, {
      cause: error,
    });
  }
}

/** What starts programs for node-pty on macOS; elsewhere it is not asked for. */
export function spawnHelper(): string {
  if (process.platform !== "darwin") return "";
  const root = dirname(require.resolve("node-pty/package.json"));
  const built = join(root, "build/Release/spawn-helper");
  return existsSync(built) ? built : join(root, `prebuilds/darwin-${process.arch}/spawn-helper`);
}
