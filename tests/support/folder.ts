/** A temporary folder that goes with the test process. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atEnd } from "./at-end.js";

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "strombus-"));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
