/**
 * TLS on a stream: `node:tls` does it, on a wire of ours, since a TLS socket that sits on a socket of Node's does not tell
 * a peer that closed the session from a connection that was cut. Both sides of `node:tls` load when first used.
 */
import type { X509Certificate } from "node:crypto";
import { Duplex } from "node:stream";
import type * as net from "node:net";
import type { TLSSocket } from "node:tls";
import { ConnectionLost, SSLError, VerificationError } from "../error.js";
import { guarded, isThenable } from "../guard.js";
import type { IDelayedCall, TLSSettings } from "../interfaces.js";
import { logFailed } from "../logged-calls.js";
import { Logger } from "../logger.js";

const log = new Logger({ namespace: "strombus.reactor.stream" });

/** What the encrypted bytes go through. */
export abstract class Wire extends Duplex {
  /** The peer's end has come without a close alert before it: somebody may have cut the connection. */
  truncated = false;
  #ended = false;

  constructor() {
    super({ allowHalfOpen: true });
    this.once("end", () => (this.#ended = true));
  }

  /** Drops the connection below, and all that is unsent. */
  abstract abort(): void;

  /** Calls, until told another time, once nothing has moved for so many seconds; 0 is never. */
  abstract whenQuiet(seconds: number, call: () => void): void;

  /** Node closes the cleartext side at the close alert, and also at the end of the wire: which is first? */
  watch(socket: TLSSocket): void {
    const push = socket.push.bind(socket);
    const watched = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      if (chunk === null && this.#ended) this.truncated = true;
      return push(chunk, encoding);
    };
    socket.push = watched;
  }
}

/** A wire on a socket. What was written to the socket before goes out before. */
export class SocketWire extends Wire {
  readonly #socket: net.Socket;

  constructor(socket: net.Socket) {
    super();
    this.#socket = socket;
    socket.on("data", (data) => {
      if (!this.push(data)) socket.pause();
    });
    socket.once("end", () => this.push(null));
    socket.once("error", (error) => this.destroy(error));
    socket.once("close", () => this.destroy());
  }

  override abort(): void {
    resetNow(this.#socket);
  }

  override whenQuiet(seconds: number, call: () => void): void {
    this.#socket.setTimeout(seconds * 1000, seconds > 0 ? call : undefined);
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}

/** Not `resetAndDestroy`: that waits until all is written, and lets the peer see a clean end first. */
export function resetNow(socket: net.Socket): void {
  const internals = socket as { resetAndClosing?: boolean; _handle?: { reset?: unknown } | null };
  internals.resetAndClosing = typeof internals._handle?.reset === "function"; // a UNIX socket knows no reset
  socket.destroy();
}

/** TLS on a connection: where its bytes go, how far it has come, and who is at its ends. */
export class TLSSession {
  readonly socket: TLSSocket;
  readonly wire: Wire;
  readonly #timeout: IDelayedCall;
  #established = false;
  #peerCertificate: X509Certificate | null = null;

  /** @param timeout ends a handshake that takes too long */
  constructor(socket: TLSSocket, wire: Wire, timeout: IDelayedCall) {
    this.socket = socket;
    this.wire = wire;
    this.#timeout = timeout;
  }

  get established(): boolean {
    return this.#established;
  }

  handshakeCompleted(): void {
    this.#established = true;
    this.stopTimeout();
  }

  stopTimeout(): void {
    if (this.#timeout.active()) this.#timeout.cancel();
  }

  get peerCertificate(): X509Certificate | null {
    if (!this.#established) return null;
    return (this.#peerCertificate ??= this.socket.getPeerX509Certificate() ?? null); // Node gives it once
  }

  get hostCertificate(): X509Certificate | null {
    return this.socket.getX509Certificate() ?? null;
  }

  get negotiatedProtocol(): string | null {
    const chosen = this.#established ? this.socket.alpnProtocol : null;
    return typeof chosen === "string" ? chosen : null;
  }
}

/** What node:tls keeps to itself, and a server that is no `tls.Server` must ask: why the client's certificate is no good. */
interface TLSInternals {
  ssl: { verifyError(): Error | null } | null;
}

/** Starts TLS on a wire; `established` is called once, `failed` too if the handshake or a later record does not go well. */
export function startTLSOn(
  wire: Wire,
  settings: TLSSettings,
  isClient: boolean,
  { established, failed }: { established: () => void; failed: (error: Error) => void },
): TLSSocket {
  const tls = process.getBuiltinModule("node:tls");
  if (isClient) {
    const socket = tls.connect({ ...withoutEscapes(settings), socket: wire }, established);
    wire.watch(socket);
    return socket;
  }
  const socket = new tls.TLSSocket(wire, { ...withoutEscapes(settings), isServer: true });
  wire.watch(socket);
  socket.once("secure", () => {
    const why = settings.requestCert === true ? verifyError(socket) : null;
    if (why !== null && settings.rejectUnauthorized === true) failed(why);
    else established();
  });
  // Without a tls.Server nobody else turns errors after the handshake into the end of the connection.
  socket.on("_tlsError", failed);
  return socket;
}

/** What the application's own part in the handshake throws is the handshake's failure: node:tls would let it escape. */
function withoutEscapes(settings: TLSSettings): TLSSettings {
  const { SNICallback, checkServerIdentity } = settings;
  return {
    ...settings,
    ...(SNICallback && {
      SNICallback: (name, done) => {
        let answered = false;
        const answer: typeof done = (...args) => {
          answered = true;
          done(...args);
        };
        guarded(
          () => SNICallback(name, answer),
          (error) => {
            if (answered) logFailed(log, "SNICallback", error);
            else answer(asError(error));
          },
        );
      },
    }),
    ...(checkServerIdentity && {
      checkServerIdentity: (name, certificate) => {
        try {
          const result: unknown = checkServerIdentity(name, certificate);
          if (!isThenable(result)) return result as Error | undefined;
          result.then(undefined, () => undefined); // whatever becomes of it, it comes too late
          return new Error("checkServerIdentity answers at once: a promise is no answer");
        } catch (error) {
          return asError(error);
        }
      },
    }),
  };
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Null if the client's certificate is one that we trust. */
function verifyError(socket: TLSSocket): Error | null {
  const { ssl } = socket as unknown as TLSInternals;
  return ssl === null ? new Error("the connection is gone") : ssl.verifyError();
}

/** The error of ours for one of node:tls. */
export function tlsError(error: NodeJS.ErrnoException): SSLError | VerificationError | ConnectionLost {
  const { code = "ERR_SSL", message } = error;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return new VerificationError(message, { cause: error });
  const cut = code === "ECONNRESET" || code === "EPIPE" || code === "ERR_STREAM_PREMATURE_CLOSE";
  return cut ? new ConnectionLost(error) : new SSLError(null, message, { cause: error, code });
}
