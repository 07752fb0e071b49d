/** What is wrong with a string on its way (twisted.protocols.basic). */
import { AssertionError, ValueError } from "../../exceptions.js";

/** What came is no netstring. */
export class NetstringParseError extends ValueError {
  override readonly name: string = "NetstringParseError";
  override readonly code: string = "ERR_NETSTRING_PARSE";
}

/** The rest of the netstring has not come yet. */
export class IncompleteNetstring extends Error {
  override readonly name = "IncompleteNetstring";
  readonly code = "ERR_INCOMPLETE_NETSTRING";
}

/** The string is longer than its length prefix can say. */
export class StringTooLongError extends AssertionError {
  override readonly name: string = "StringTooLongError";
  override readonly code: string = "ERR_STRING_TOO_LONG";
}
