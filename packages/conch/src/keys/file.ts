/** Reading what may be a key's file. */
import { closeSync, openSync, readSync } from "node:fs";
import { BadKeyError } from "./errors.js";
import { MAX_KEY_FILE } from "./limits.js";

/** Bounded as it is read: a device has no size to go by, and no end. @throws BadKeyError, and the system's errors */
export function contentOf(filename: string | URL): Buffer {
  const file = openSync(filename, "r");
  try {
    const content = Buffer.alloc(MAX_KEY_FILE + 1);
    let length = 0;
    for (let got = -1; got !== 0 && length < content.length; length += got) {
      got = readSync(file, content, length, content.length - length, null);
    }
    if (length > MAX_KEY_FILE) throw new BadKeyError("the key file is too large");
    return content.subarray(0, length);
  } finally {
    closeSync(file);
  }
}
