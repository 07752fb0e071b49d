/** Paths of the server's, and names that it tells. */
import type { FileTransferClient, ListedEntry } from "../../sftp/client.js";
import { type BytesLike, toBuffer } from "../../wire/writer.js";
import { decoded } from "../../client/shown.js";
import { matcher } from "./glob.js";
import { ValueError } from "@strombus/reactor/exceptions";

/** What a server may list: more would be kept in memory. */
const MAX_ENTRIES = 1_000_000;

/** A path as it is seen from a directory. */
export function joined(directory: string, path: BytesLike): Buffer {
  const name = toBuffer(path);
  if (name[0] === 0x2f) return name;
  return Buffer.concat([Buffer.from(directory.endsWith("/") ? directory : `${directory}/`), name]);
}

/** The directory of a path, with its slash, and its last part. */
export function split(path: string): [head: string, tail: string] {
  const end = path.lastIndexOf("/") + 1;
  return [path.slice(0, end), path.slice(end)];
}

/** All that is in a directory of the server's, sorted by their bytes. */
export async function entriesOf(client: FileTransferClient, path: BytesLike): Promise<ListedEntry[]> {
  const directory = await client.openDirectory(path);
  const entries: ListedEntry[] = [];
  try {
    for await (const entry of directory) {
      if (entries.length >= MAX_ENTRIES) throw new ValueError(`the directory has more than ${MAX_ENTRIES} entries`);
      entries.push(entry);
    }
  } finally {
    await directory.close();
  }
  return entries.sort(([a], [b]) => Buffer.compare(a, b));
}

/** Those that match a pattern. */
export function matching(entries: readonly ListedEntry[], pattern: string, hidden = false): ListedEntry[] {
  const matches = matcher(pattern, { hidden });
  return entries.filter(([name]) => matches(decoded(name)));
}
