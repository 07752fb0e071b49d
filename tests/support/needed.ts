/** Programs of the machine that a test needs and a fresh Debian has not: .ci/install-peers gets them. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const FOLDERS = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];

/** The path of a program. @throws if it is not there: a test that needs it does not pass without it. */
export function needed(program: string): string {
  const path = FOLDERS.map((folder) => join(folder, program)).find(isExecutable);
  if (path === undefined) throw new Error(`${program} is not installed: run .ci/install-peers as root`);
  return path;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
