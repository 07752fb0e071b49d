/** Looks a folder's files over before a server starts on them. */
import { join } from "node:path";
import { PASSWORDS, PRIVATE_KEY, PUBLIC_KEY, read, readKey, SetupError } from "./files.js";

/**
 * Reads the three files in `folder`.
 * @returns the name of the first user in the password file
 * @throws SetupError if one of them cannot be read, is malformed or does not fit the others
 */
export function checkFiles(folder: string): string {
  const privateFile = join(folder, PRIVATE_KEY);
  const publicFile = join(folder, PUBLIC_KEY);
  const privateKey = readKey(privateFile);
  if (privateKey.isPublic()) throw new SetupError(`${privateFile} holds a public key, not a private one.`);
  if (!readKey(publicFile).equals(privateKey.public())) {
    throw new SetupError(`${publicFile} is not the public half of ${privateFile}.`);
  }
  return firstUser(join(folder, PASSWORDS));
}

function firstUser(file: string): string {
  const users: string[] = [];
  for (const [index, line] of read(file).toString().split("\n").entries()) {
    const record = line.trimEnd();
    if (record === "") continue;
    const user = /^([^:]+):[^:]+$/.exec(record)?.[1];
    if (user === undefined) throw new SetupError(`${file}, line ${index + 1}: it must have the form user:password.`);
    users.push(user);
  }
  const [first] = users;
  if (first === undefined) throw new SetupError(`${file} names no user; a line has the form user:password.`);
  return first;
}
