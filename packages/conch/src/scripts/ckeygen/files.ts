/** Files of keys: a private one is its owner's alone from its first byte, and never half written. */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  fchownSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";

const PRIVATE = 0o600;
const PUBLIC = 0o644; // less the umask

/** @throws EEXIST of the system when there is such a file already */
export function createPrivateFile(path: string, content: Uint8Array): void {
  writeNew(path, content, null);
}

/** Puts a file in the place of one that is there, which keeps its owner; a link to it stays one. */
export function replacePrivateFile(path: string, content: Uint8Array): void {
  const target = realpathSync(path);
  const { uid, gid } = statSync(target);
  const beside = `${target}.${randomBytes(6).toString("hex")}`;
  writeNew(beside, content, { uid, gid });
  try {
    renameSync(beside, target);
  } catch (error) {
    unlinkSync(beside);
    throw error;
  }
}

export function writePublicFile(path: string, line: Uint8Array): void {
  writeFileSync(path, Buffer.concat([line, Buffer.from("\n")]), { mode: PUBLIC });
}

function writeNew(path: string, content: Uint8Array, owner: { uid: number; gid: number } | null): void {
  const file = openSync(path, "wx", PRIVATE);
  try {
    const own = owner === null || (owner.uid === process.getuid?.() && owner.gid === process.getgid?.());
    if (!own) fchownSync(file, owner.uid, owner.gid);
    writeFileSync(file, content);
    fsyncSync(file);
  } catch (error) {
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(file);
  }
}
