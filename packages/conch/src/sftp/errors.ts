/** Failures of SFTP, and the STATUS that tells of each (draft-ietf-secsh-filexfer-02 section 7). */
import { constants } from "node:os";
import { getSystemErrorMap } from "node:util";
import { EOFError, NotImplementedError, OSError } from "@strombus/reactor/exceptions";
import {
  FX_EOF,
  FX_FAILURE,
  FX_FILE_ALREADY_EXISTS,
  FX_NO_SUCH_FILE,
  FX_OP_UNSUPPORTED,
  FX_PERMISSION_DENIED,
} from "./numbers.js";

/** What a status of SFTP says: thrown by a server it is sent to the client, and a client's calls fail with it. */
export class SFTPError extends Error {
  override readonly name = "SFTPError";
  /** One of the `FX_` numbers. */
  readonly code: number;
  readonly lang: string;

  constructor(errorCode: number, errorMessage: string, lang = "") {
    super(errorMessage);
    this.code = errorCode;
    this.lang = lang;
    Object.defineProperty(this, "message", { value: errorMessage, writable: false });
  }

  override toString(): string {
    return `SFTPError ${this.code}: ${this.message}`;
  }
}

type ErrorName = keyof typeof constants.errno;

/** What the system would throw, without a path. */
export function systemError(code: ErrorName): OSError & { readonly syscall: string } {
  return Object.assign(new OSError(`${code}: ${textOf(code)}`, { errno: constants.errno[code], code }), {
    syscall: "open",
  });
}

/** The number of a system's error and what it says, without a path; null for what is none. */
export function systemErrorText(error: unknown): readonly [errno: number, text: string] | null {
  const { code } = (error ?? {}) as { code?: unknown };
  if (typeof code !== "string" || !Object.hasOwn(constants.errno, code)) return null;
  return [constants.errno[code as ErrorName], capitalised(textOf(code as ErrorName))];
}

/** A status: its code and text, and how much the log is to have of the error. */
export interface StatusOf {
  readonly code: number;
  readonly message: string;
  readonly logged: "no" | "line" | "failure";
}

/** @param failed says what was not done, where the error itself has no text for the client */
export function statusOf(error: unknown, failed: string): StatusOf {
  if (error instanceof SFTPError) return expected(error.code, error.message);
  if (error instanceof EOFError) return expected(FX_EOF, error.message || failed);
  if (error instanceof NotImplementedError) return expected(FX_OP_UNSUPPORTED, error.message || failed);
  const { code, syscall } = (error ?? {}) as { code?: unknown; syscall?: unknown };
  switch (code) {
    case "ENOENT":
      return expected(FX_NO_SUCH_FILE, capitalised(textOf(code)));
    case "EACCES":
      return expected(FX_PERMISSION_DENIED, capitalised(textOf(code)));
    case "EEXIST": // by Twisted; version 3 has no number for it, and clients take any other than 0 for a failure
      return expected(FX_FILE_ALREADY_EXISTS, failed);
    default:
      return { code: FX_FAILURE, message: failed, logged: syscall === undefined ? "failure" : "line" };
  }
}

function expected(code: number, message: string): StatusOf {
  return { code, message, logged: "no" };
}

/** As the system puts it, without the paths that Node's messages have. */
function textOf(code: ErrorName): string {
  const [, text] = getSystemErrorMap().get(-constants.errno[code]) ?? [code, "the system refuses"];
  return text;
}

function capitalised(text: string): string {
  return `${text[0]!.toUpperCase()}${text.slice(1)}`;
}
