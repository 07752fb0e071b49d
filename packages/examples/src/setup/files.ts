/** The three files of an example, and reading them: what is wrong with one is told in a sentence. */
import { readFileSync } from "node:fs";
import { Key } from "@strombus/conch/ssh/keys";

export const PRIVATE_KEY = "id_rsa";
export const PUBLIC_KEY = "id_rsa.pub";
export const PASSWORDS = "ssh-passwords"; // lines of the form user:password

/** What the user can mend; the message is all they need to know. */
export class SetupError extends Error {
  override readonly name = "SetupError";
}

/** @throws SetupError if the file cannot be read. */
export function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new SetupError(`${file} cannot be read: ${messageOf(cause)}.`, { cause });
  }
}

/** @throws SetupError if the file cannot be read or holds no key. */
export function readKey(file: string): Key {
  const content = read(file);
  try {
    return Key.fromString(content);
  } catch (cause) {
    throw new SetupError(`${file} cannot be used as a key: ${messageOf(cause)}.`, { cause });
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/\.$/, "") : String(error);
}
