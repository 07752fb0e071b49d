/** The folder an example runs in: its host key and its password file, made on first use. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { Key } from "@strombus/conch/ssh/keys";
import { PASSWORDS, PRIVATE_KEY, PUBLIC_KEY, readKey } from "./files.js";

const RSA_BITS = 3072;
const OWNER_ONLY = 0o600;

/** Where the examples keep their files when no folder is named: one for them all, so that a client sees one host key. */
export function defaultFolder(): string {
  return join(cacheFolder(), "strombus", "examples");
}

/** Makes the folder and those of the three files that are not there yet. */
export function fillFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const make = (name: string, content: () => string, mode: number) => {
    const file = join(folder, name);
    if (!existsSync(file)) writeWhole(file, content(), mode);
  };
  make(PRIVATE_KEY, newPrivateKey, OWNER_ONLY);
  make(PUBLIC_KEY, () => publicHalf(join(folder, PRIVATE_KEY)), 0o644);
  make(PASSWORDS, () => `user:${randomBytes(12).toString("base64url")}\n`, OWNER_ONLY);
}

/** The user's cache folder, as each system has it. */
function cacheFolder(): string {
  const { LOCALAPPDATA, XDG_CACHE_HOME } = process.env;
  if (process.platform === "win32") return LOCALAPPDATA ?? join(homedir(), "AppData", "Local");
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches");
  // The XDG Base Directory Specification has relative paths ignored.
  return XDG_CACHE_HOME !== undefined && isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : join(homedir(), ".cache");
}

function newPrivateKey(): string {
  return Key.generate("rsa", RSA_BITS).toString("openssh").toString();
}

function publicHalf(privateKeyFile: string): string {
  return `${readKey(privateKeyFile).public().toString("openssh").toString()}\n`;
}

/** Under a name of its own first, so that a second example starting now never reads half a file. */
function writeWhole(file: string, content: string, mode: number): void {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, content, { mode });
  renameSync(draft, file);
}
