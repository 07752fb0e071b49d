/** One line of an `authorized_keys` file: a key, and what it is good for (sshd(8)). */
import type { BytesLike } from "@strombus/reactor/interfaces";
import { BadKeyError } from "../keys/errors.js";
import { Key } from "../ssh/keys.js";
import { endOfOptions, type KeyOptions, parseKeyOptions, type ReadingOptions } from "./key-options.js";

const MAX_LINE = 16_384; // bytes (A16)

/**
 * A key with its options. It is no `Key` itself: whoever compares keys and knows nothing of options finds none that would
 * grant more than its line does.
 */
export class AuthorizedKey {
  constructor(
    readonly key: Key,
    readonly options: KeyOptions,
  ) {}

  /**
   * Reads a line: options, if any, then the key.
   *
   * ```ts
   * AuthorizedKey.fromString('restrict,command="backup",from="10.0.0.0/8" ssh-ed25519 AAAA... backup@host');
   * ```
   *
   * @throws BadKeyError when there is no key, or an option that is unknown or malformed
   */
  static fromString(line: BytesLike, reading: ReadingOptions = {}): AuthorizedKey {
    const text = Buffer.from(line).toString("utf8").trim();
    if (text.length > MAX_LINE) throw new BadKeyError("the line of a key is too long");
    const bare = keyOf(text);
    if (bare !== null) return new AuthorizedKey(bare, parseKeyOptions(""));
    const end = endOfOptions(text);
    const key = keyOf(text.slice(end).trim());
    if (key === null) throw new BadKeyError("no key in the line");
    return new AuthorizedKey(key, parseKeyOptions(text.slice(0, end), reading));
  }
}

/** What {@link UNIXAuthorizedKeysFiles} reads a line as: a key alone where it has no options. */
export function parseAuthorizedKey(line: Buffer, reading: ReadingOptions = {}): Key | AuthorizedKey {
  const { key, options } = AuthorizedKey.fromString(line, reading);
  return line.toString("utf8").trimStart().startsWith(`${key.sshType()} `) ? key : new AuthorizedKey(key, options);
}

/** The public key in `type base64 comment`; null when the text is something else. */
function keyOf(text: string): Key | null {
  if (!/^(ssh-|ecdsa-|sk-)[\w@.-]+[ \t]+[A-Za-z0-9+/]+={0,2}([ \t]|$)/.test(text)) return null;
  const key = Key.fromString(text, "public_openssh");
  return key.isPublic() ? key : null;
}
