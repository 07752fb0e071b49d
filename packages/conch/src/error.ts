/** Errors of Conch (twisted.conch.error), and those that end a connection with a reason of RFC 4253 section 11.1. */
import { inspect } from "node:util";
import { UnauthorizedLogin } from "@strombus/cred/error";

/** A failure of the SSH protocol or of a request; for a channel that is refused, `value` is the text and `data` the reason. */
export class ConchError extends Error {
  override readonly name: string = "ConchError";
  readonly code: string = "ERR_SSH";
  readonly value: unknown;
  readonly data: unknown;

  constructor(value: unknown, data: unknown = null, options?: ErrorOptions) {
    super(data === null ? shown(value) : `${shown(value)}, ${shown(data)}`, options);
    this.value = value;
    this.data = data;
  }

  /** What it was made with, as Python's exceptions have it. */
  get args(): readonly [value: unknown, data: unknown] {
    return [this.value, this.data];
  }
}

/** A checker's answer: these credentials are good, and more are needed. */
export class NotEnoughAuthentication extends Error {
  override readonly name = "NotEnoughAuthentication";
  readonly code = "ERR_SSH_NOT_ENOUGH_AUTHENTICATION";
}

/**
 * A checker's answer to credentials without a signature: a signature by this key would be accepted. Every login by key
 * has one, and it is no fault: it has no stack, which would take as long to make as the rest of the answer.
 */
export class ValidPublicKey extends UnauthorizedLogin {
  override readonly name = "ValidPublicKey";
  override readonly code: string = "ERR_SSH_VALID_PUBLIC_KEY";

  constructor(message?: string, options?: ErrorOptions) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message, options);
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** An authentication method's answer when it has already replied to the client; it has no stack either. */
export class IgnoreAuthentication extends Error {
  override readonly name = "IgnoreAuthentication";
  readonly code = "ERR_SSH_IGNORE_AUTHENTICATION";

  constructor(message?: string, options?: ErrorOptions) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message, options);
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** An agent server whose factory has no `keys`. */
export class MissingKeyStoreError extends Error {
  override readonly name = "MissingKeyStoreError";
  readonly code = "ERR_SSH_MISSING_KEY_STORE";
}

/** The user said no to an unknown host key. */
export class UserRejectedKey extends Error {
  override readonly name = "UserRejectedKey";
  readonly code = "ERR_SSH_USER_REJECTED_KEY";
}

/** A line of a known_hosts file that cannot be read. */
export class InvalidEntry extends Error {
  override readonly name = "InvalidEntry";
  readonly code = "ERR_SSH_INVALID_ENTRY";
}

/** A host shows another key than the one known for it. */
export class HostKeyChanged extends Error {
  override readonly name = "HostKeyChanged";
  readonly code = "ERR_SSH_HOST_KEY_CHANGED";

  /** @param lineno counted from 1; both it and the path are null for an entry that is in memory only */
  constructor(
    readonly offendingEntry: unknown,
    readonly path: string | null,
    readonly lineno: number | null,
  ) {
    super(`the host shows another key than ${placeOf(path, lineno)} has for it`);
  }
}

/** A host shows a key, or has it certified by one, that is marked as revoked. */
export class HostKeyRevoked extends Error {
  override readonly name = "HostKeyRevoked";
  readonly code = "ERR_SSH_HOST_KEY_REVOKED";

  /** @param lineno counted from 1 */
  constructor(
    readonly offendingEntry: unknown,
    readonly path: string | null,
    readonly lineno: number | null,
  ) {
    super(`the host's key is revoked by ${placeOf(path, lineno)}`);
  }
}

/** What ends the connection: `reason` is the code that DISCONNECT carries (RFC 4253 section 11.1). */
export abstract class DisconnectError extends ConchError {
  abstract readonly reason: number;

  constructor(message: string, options?: ErrorOptions) {
    super(message, null, options);
  }
}

/** The peer sent what the protocol does not allow. */
export class ProtocolError extends DisconnectError {
  override readonly name = "ProtocolError";
  override readonly code = "ERR_SSH_PROTOCOL";
  override readonly reason = 2;
}

/** No agreement on algorithms, or a key exchange that went wrong. */
export class KeyExchangeError extends DisconnectError {
  override readonly name = "KeyExchangeError";
  override readonly code = "ERR_SSH_KEX";
  override readonly reason = 3;
}

/** A packet whose authentication failed. */
export class MACError extends DisconnectError {
  override readonly name = "MACError";
  override readonly code = "ERR_SSH_MAC";
  override readonly reason = 5;
}

/** A payload that cannot be decompressed within its bound. */
export class CompressionError extends DisconnectError {
  override readonly name = "CompressionError";
  override readonly code = "ERR_SSH_COMPRESSION";
  override readonly reason = 6;
}

/** A host key that was refused. */
export class HostKeyError extends DisconnectError {
  override readonly name = "HostKeyError";
  override readonly code = "ERR_SSH_HOST_KEY";
  override readonly reason = 9;
}

function placeOf(path: string | null, lineno: number | null): string {
  return path === null ? "an entry in memory" : `line ${lineno ?? "?"} of ${path}`;
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : inspect(value, { breakLength: Infinity });
}
