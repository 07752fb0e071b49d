/** Errors of the reactor, its transports and its processes (twisted.internet.error). */
import { AssertionError, OSError, RuntimeError, ValueError } from "./exceptions.js";

/** "Fixed text: the arguments." with an Error among the arguments as its `cause`. */
class ArgumentError extends Error {
  readonly args: readonly unknown[];

  constructor(text: string, args: readonly unknown[]) {
    super(sentence(text, args), causeAmong(args));
    this.args = args;
  }
}

// Binding and sending

/** An interface or port could not be bound. */
export class BindError extends ArgumentError {
  override readonly name: string = "BindError";
  readonly code: string = "ERR_BIND";

  constructor(...args: unknown[]) {
    super("cannot bind", args);
  }
}

/** Listening on `interface` ("" or null is any) and `port` failed because of `socketError`. */
export class CannotListenError extends BindError {
  override readonly name: string = "CannotListenError";
  override readonly code: string = "ERR_CANNOT_LISTEN";
  readonly interface: string | null;
  readonly port: number | string;
  readonly socketError: unknown;

  constructor(interfaceName: string | null, port: number | string, socketError: unknown) {
    super(interfaceName, port, socketError);
    this.interface = interfaceName;
    this.port = port;
    this.socketError = socketError;
    const where = interfaceName === null || interfaceName === "" ? "any" : interfaceName;
    this.message = `cannot listen on ${where}:${port}: ${textOf(socketError)}.`;
  }
}

/** A multicast group could not be joined or left. */
export class MulticastJoinError extends ArgumentError {
  override readonly name: string = "MulticastJoinError";
  readonly code: string = "ERR_MULTICAST_JOIN";

  constructor(...args: unknown[]) {
    super("cannot join or leave the multicast group", args);
  }
}

/** A datagram that is too long to send. */
export class MessageLengthError extends ArgumentError {
  override readonly name: string = "MessageLengthError";
  readonly code: string = "ERR_MESSAGE_LENGTH";

  constructor(...args: unknown[]) {
    super("the message is too long to send", args);
  }
}

// Connecting

/** A host name that could not be resolved. */
export class DNSLookupError extends OSError {
  override readonly name: string = "DNSLookupError";

  constructor(string = "", options: ErrorOptions = {}) {
    super(sentence("the DNS lookup failed", string === "" ? [] : [string]), { ...options, code: "ERR_DNS_LOOKUP" });
  }
}

/** A connection is being made already. */
export class ConnectInProgressError extends ArgumentError {
  override readonly name: string = "ConnectInProgressError";
  readonly code: string = "ERR_CONNECT_IN_PROGRESS";

  constructor(...args: unknown[]) {
    super("a connection is already being made", args);
  }
}

/** `code` is the system's own name of the error ("ECONNREFUSED") where it is known, else one of ours. */
export interface ConnectErrorOptions extends ErrorOptions {
  code?: string;
}

/** A connection could not be made; `osError` is the positive errno, or null. */
export class ConnectError extends Error {
  override readonly name: string = "ConnectError";
  protected static readonly text: string = "the connection could not be made";
  protected static readonly defaultCode: string = "ERR_CONNECT";
  readonly osError: number | null;
  readonly code: string;

  constructor(osError: number | null = null, string = "", options: ConnectErrorOptions = {}) {
    super(sentence(new.target.text, [osError, string].filter(Boolean)), options);
    this.osError = osError;
    this.code = options.code ?? new.target.defaultCode;
  }
}

/** The local address of an outgoing connection could not be bound. */
export class ConnectBindError extends ConnectError {
  override readonly name: string = "ConnectBindError";
  protected static override readonly text: string = "cannot bind the local address of the connection";
  protected static override readonly defaultCode: string = "ERR_CONNECT_BIND";
}

/** The host's name could not be looked up. */
export class UnknownHostError extends ConnectError {
  override readonly name: string = "UnknownHostError";
  protected static override readonly text: string = "the host is unknown";
  protected static override readonly defaultCode: string = "ENOTFOUND";
}

/** The network cannot be reached. */
export class NoRouteError extends ConnectError {
  override readonly name: string = "NoRouteError";
  protected static override readonly text: string = "there is no route to the host";
  protected static override readonly defaultCode: string = "ENETUNREACH";
}

/** The other side refused the connection. */
export class ConnectionRefusedError extends ConnectError {
  override readonly name: string = "ConnectionRefusedError";
  protected static override readonly text: string = "the other side refused the connection";
  protected static override readonly defaultCode: string = "ECONNREFUSED";
}

/** The operating system gave up connecting. */
export class TCPTimedOutError extends ConnectError {
  override readonly name: string = "TCPTimedOutError";
  protected static override readonly text: string = "the TCP connection timed out";
  protected static override readonly defaultCode: string = "ETIMEDOUT";
}

/** What should be a socket's path is not one. */
export class BadFileError extends ConnectError {
  override readonly name: string = "BadFileError";
  protected static override readonly text: string = "the file is not a UNIX socket";
  protected static override readonly defaultCode: string = "ERR_BAD_FILE";
}

/** A service name that stands for no known port. */
export class ServiceNameUnknownError extends ConnectError {
  override readonly name: string = "ServiceNameUnknownError";
  protected static override readonly text: string = "the service name stands for no known port";
  protected static override readonly defaultCode: string = "ERR_SERVICE_NAME_UNKNOWN";
}

/** The application stopped the connection attempt. */
export class UserError extends ConnectError {
  override readonly name: string = "UserError";
  protected static override readonly text: string = "the connection attempt was stopped";
  protected static override readonly defaultCode: string = "ERR_USER";
}

/** The reactor gave up connecting. Not the TimeoutError of "defer". */
export class TimeoutError extends UserError {
  override readonly name: string = "TimeoutError";
  protected static override readonly text: string = "the connection attempt took too long";
  protected static override readonly defaultCode: string = "ERR_CONNECT_TIMEOUT";
}

/** TLS failed. */
export class SSLError extends ConnectError {
  override readonly name: string = "SSLError";
  protected static override readonly text: string = "TLS failed";
  protected static override readonly defaultCode: string = "ERR_SSL";
}

/** The peer's certificate is not for the name that was asked for. */
export class VerificationError extends SSLError {
  override readonly name: string = "VerificationError";
  protected static override readonly text: string = "the certificate is for another name";
  protected static override readonly defaultCode: string = "ERR_VERIFICATION";

  constructor(string = "", options: ConnectErrorOptions = {}) {
    super(null, string, options);
  }
}

/** A connection attempt to `address` was cancelled. */
export class ConnectingCancelledError extends Error {
  override readonly name: string = "ConnectingCancelledError";
  readonly code: string = "ERR_CONNECTING_CANCELLED";

  constructor(readonly address: unknown) {
    super(`the connection attempt to ${textOf(address)} was cancelled.`);
  }
}

/** Not connecting now, so there is nothing to stop. */
export class NotConnectingError extends RuntimeError {
  override readonly name: string = "NotConnectingError";
  override readonly code: string = "ERR_NOT_CONNECTING";
}

/** Not listening now. */
export class NotListeningError extends RuntimeError {
  override readonly name: string = "NotListeningError";
  override readonly code: string = "ERR_NOT_LISTENING";
}

/** A factory that gave no protocol for a connection. */
export class NoProtocol extends ArgumentError {
  override readonly name: string = "NoProtocol";
  readonly code: string = "ERR_NO_PROTOCOL";

  constructor(...args: unknown[]) {
    super("the factory made no protocol", args);
  }
}

// Certificates

/** A peer could not be verified. */
export class VerifyError extends ArgumentError {
  override readonly name: string = "VerifyError";
  readonly code: string = "ERR_VERIFY";

  constructor(...args: unknown[]) {
    super("the peer could not be verified", args);
  }
}

/** The peer's certificate was refused. */
export class PeerVerifyError extends VerifyError {
  override readonly name: string = "PeerVerifyError";
  override readonly code: string = "ERR_PEER_VERIFY";
}

/** A certificate that is missing or unusable. */
export class CertificateError extends ArgumentError {
  override readonly name: string = "CertificateError";
  readonly code: string = "ERR_CERTIFICATE";

  constructor(...args: unknown[]) {
    super("the certificate is missing or unusable", args);
  }
}

// The end of a connection or process

/** A connection has ended, cleanly or not. */
export class ConnectionClosed extends Error {
  override readonly name: string = "ConnectionClosed";
  protected static readonly text: string = "the connection was closed";
  readonly code: string = "ERR_CONNECTION_CLOSED";
  readonly args: readonly unknown[];

  constructor(...args: unknown[]) {
    super(sentence(new.target.text, args), causeAmong(args));
    this.args = args;
  }
}

/** A clean end. */
export class ConnectionDone extends ConnectionClosed {
  override readonly name: string = "ConnectionDone";
  override readonly code: string = "ERR_CONNECTION_DONE";
  protected static override readonly text: string = "the connection was closed cleanly";
}

/** An end that is not clean: the cause is among the arguments. */
export class ConnectionLost extends ConnectionClosed {
  override readonly name: string = "ConnectionLost";
  override readonly code: string = "ERR_CONNECTION_LOST";
  protected static override readonly text: string = "the connection to the other side was lost";
}

/** `abortConnection` ended it. */
export class ConnectionAborted extends ConnectionLost {
  override readonly name: string = "ConnectionAborted";
  override readonly code: string = "ERR_CONNECTION_ABORTED";
  protected static override readonly text: string = "the connection was aborted by this side";
}

/** The other side sent more file descriptors than fit. */
export class FileDescriptorOverrun extends ConnectionLost {
  override readonly name: string = "FileDescriptorOverrun";
  override readonly code: string = "ERR_FILE_DESCRIPTOR_OVERRUN";
  protected static override readonly text: string = "more file descriptors came than were expected";
}

/** The descriptor disappeared under the connection. */
export class ConnectionFdescWentAway extends ConnectionLost {
  override readonly name: string = "ConnectionFdescWentAway";
  override readonly code: string = "ERR_CONNECTION_FDESC_WENT_AWAY";
  protected static override readonly text: string = "the connection's descriptor went away";
}

/** A process ended with exit code 0; `status` is the raw wait status. */
export class ProcessDone extends ConnectionDone {
  override readonly name: string = "ProcessDone";
  override readonly code: string = "ERR_PROCESS_DONE";
  readonly exitCode = 0;
  readonly signal = null;

  constructor(readonly status: number | null = null) {
    super();
  }

  protected static override readonly text: string = "the process ended with exit code 0";
}

/** A process ended by a signal (its number) or with an exit code that is not 0; `status` is the raw wait status. */
export class ProcessTerminated extends ConnectionLost {
  override readonly name: string = "ProcessTerminated";
  override readonly code: string = "ERR_PROCESS_TERMINATED";

  constructor(
    readonly exitCode: number | null = null,
    readonly signal: number | null = null,
    readonly status: number | null = null,
  ) {
    super();
    const how = signal !== null ? ` by signal ${signal}` : exitCode !== null ? ` with exit code ${exitCode}` : "";
    this.message = `the process ended${how}.`;
  }
}

/** The process has ended and cannot be talked to or signalled. */
export class ProcessExitedAlready extends ArgumentError {
  override readonly name: string = "ProcessExitedAlready";
  readonly code: string = "ERR_PROCESS_EXITED_ALREADY";

  constructor(...args: unknown[]) {
    super("the process has already ended", args);
  }
}

// Delayed calls and the reactor's life

/** The delayed call ran already, or is running. */
export class AlreadyCalled extends ValueError {
  override readonly name: string = "AlreadyCalled";
  override readonly code: string = "ERR_ALREADY_CALLED";

  constructor(...args: unknown[]) {
    super(sentence("the delayed call has already run", args));
  }
}

/** The delayed call was cancelled already. */
export class AlreadyCancelled extends ValueError {
  override readonly name: string = "AlreadyCancelled";
  override readonly code: string = "ERR_ALREADY_CANCELLED";

  constructor(...args: unknown[]) {
    super(sentence("the delayed call was already cancelled", args));
  }
}

/** The reactor is not running, or was told to stop already. */
export class ReactorNotRunning extends RuntimeError {
  override readonly name: string = "ReactorNotRunning";
  override readonly code: string = "ERR_REACTOR_NOT_RUNNING";
}

/** The reactor has stopped and cannot run again. */
export class ReactorNotRestartable extends RuntimeError {
  override readonly name: string = "ReactorNotRestartable";
  override readonly code: string = "ERR_REACTOR_NOT_RESTARTABLE";
}

/** The reactor is running already. */
export class ReactorAlreadyRunning extends RuntimeError {
  override readonly name: string = "ReactorAlreadyRunning";
  override readonly code: string = "ERR_REACTOR_ALREADY_RUNNING";
}

/** Another reactor was installed already. */
export class ReactorAlreadyInstalledError extends AssertionError {
  override readonly name: string = "ReactorAlreadyInstalledError";
  override readonly code: string = "ERR_REACTOR_ALREADY_INSTALLED";
}

// Addresses and sockets handed over

/** A socket of an address family that the reactor does not know. */
export class UnsupportedAddressFamily extends ArgumentError {
  override readonly name: string = "UnsupportedAddressFamily";
  readonly code: string = "ERR_UNSUPPORTED_ADDRESS_FAMILY";

  constructor(...args: unknown[]) {
    super("the address family is not supported", args);
  }
}

/** A socket of a type that the reactor does not know. */
export class UnsupportedSocketType extends ArgumentError {
  override readonly name: string = "UnsupportedSocketType";
  readonly code: string = "ERR_UNSUPPORTED_SOCKET_TYPE";

  constructor(...args: unknown[]) {
    super("the socket type is not supported", args);
  }
}

/** An endpoint for an existing socket listens once only. */
export class AlreadyListened extends ArgumentError {
  override readonly name: string = "AlreadyListened";
  readonly code: string = "ERR_ALREADY_LISTENED";

  constructor(...args: unknown[]) {
    super("the endpoint has already listened", args);
  }
}

/** `address` is no address: `message` says why. */
export class InvalidAddressError extends ValueError {
  override readonly name: string = "InvalidAddressError";
  override readonly code: string = "ERR_INVALID_ADDRESS";

  constructor(
    readonly address: unknown,
    message: string,
  ) {
    super(message);
  }
}

const CLASS_BY_CODE: ReadonlyMap<string, typeof ConnectError> = new Map<string, typeof ConnectError>([
  ["ENETUNREACH", NoRouteError],
  ["ECONNREFUSED", ConnectionRefusedError],
  ["ETIMEDOUT", TCPTimedOutError],
  ["ENOTFOUND", UnknownHostError],
  ["ENODATA", UnknownHostError],
  ["EAI_AGAIN", UnknownHostError],
  ["EAI_FAIL", UnknownHostError],
  ["EAI_NODATA", UnknownHostError],
  ["EAI_NONAME", UnknownHostError],
]);

/** The ConnectError for what Node's socket or resolver reported; its errno (made positive), code and message are kept. */
export function getConnectError(error: unknown): ConnectError {
  if (!(error instanceof Error)) return new ConnectError(null, textOf(error));
  const { code, errno } = error as NodeJS.ErrnoException;
  const exact = CLASS_BY_CODE.get(code ?? "") ?? ConnectError;
  const osError = typeof errno === "number" ? Math.abs(errno) : null;
  return new exact(osError, error.message, { cause: error, ...(code === undefined ? {} : { code }) });
}

function sentence(text: string, args: readonly unknown[]): string {
  return args.length === 0 ? `${text}.` : `${text}: ${args.map(textOf).join(" ")}.`;
}

function textOf(value: unknown): string {
  return value instanceof Error ? value.message : String(value);
}

function causeAmong(args: readonly unknown[]): ErrorOptions {
  const cause = args.find((arg) => arg instanceof Error);
  return cause === undefined ? {} : { cause };
}
