/** The built-in exceptions of Python that Twisted's interfaces promise; `TypeError` is JavaScript's own. */

/** An argument of the right type with a value that cannot be used. */
export class ValueError extends Error {
  override readonly name: string = "ValueError";
  readonly code: string = "ERR_VALUE";
}

/** A key that is not there. */
export class KeyError extends Error {
  override readonly name: string = "KeyError";
  readonly code: string = "ERR_KEY";
}

/** A position outside a sequence. */
export class IndexError extends Error {
  override readonly name: string = "IndexError";
  readonly code: string = "ERR_INDEX";
}

/** Input that ended too early. */
export class EOFError extends Error {
  override readonly name: string = "EOFError";
  readonly code: string = "ERR_EOF";
}

/** What went wrong fits no other class. */
export class RuntimeError extends Error {
  override readonly name: string = "RuntimeError";
  readonly code: string = "ERR_RUNTIME";
}

/** Something that this object, this platform or Node cannot do. */
export class NotImplementedError extends RuntimeError {
  override readonly name: string = "NotImplementedError";
  override readonly code: string = "ERR_NOT_IMPLEMENTED";
}

/** The caller broke a precondition. */
export class AssertionError extends Error {
  override readonly name: string = "AssertionError";
  readonly code: string = "ERR_ASSERTION";
}

/** A system call failed: `errno` is the positive number or null, `code` its name, such as "ENOENT". */
export class OSError extends Error {
  override readonly name: string = "OSError";
  readonly errno: number | null;
  readonly code: string;

  constructor(message?: string, options?: ErrorOptions & { errno?: number | null; code?: string }) {
    super(message, options);
    this.errno = options?.errno ?? null;
    this.code = options?.code ?? "ERR_OS";
  }
}

/** A wish to end the process; `code` is the exit status. */
export class SystemExit extends Error {
  override readonly name: string = "SystemExit";

  constructor(readonly code = 0) {
    super(`exit with status ${code}`);
  }
}
