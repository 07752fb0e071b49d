/** Protocols of lines (twisted.protocols.basic). */
import { toBuffer } from "../../bytes.js";
import { NotImplementedError } from "../../exceptions.js";
import type { BytesLike, MaybeAsync } from "../../interfaces.js";
import type { ReceiveBuffer } from "./receive-buffer.js";
import { buffer, CONTINUE, isDisconnecting, outcome, parse, Receiver, refuse, type Step, STOP } from "./receiver.js";

const CRLF = Buffer.from("\r\n");
const MAX_LENGTH = 16384; // bytes of a line

/**
 * Lines, and raw data in between.
 *
 * ```ts
 * class Answer extends LineReceiver {
 *   override lineReceived(line: Buffer) {
 *     this.sendLine(`you said ${line.toString()}`);
 *   }
 * }
 * ```
 *
 * A handler may be async: its rejection ends the connection, and the next line does not wait for it. (In Twisted a
 * Deferred that `lineReceived` returns keeps the lines behind it in the buffer.)
 */
export class LineReceiver extends Receiver {
  delimiter: BytesLike = CRLF;
  /** Bytes of the longest line, without its delimiter. */
  MAX_LENGTH = MAX_LENGTH;
  /** False while data is delivered raw. */
  line_mode = true;
  readonly #search = new DelimiterSearch();

  /** A whole line, without its delimiter. To be overridden. */
  lineReceived(line: Buffer): MaybeAsync {
    throw new NotImplementedError(`${this.logPrefix()} has no lineReceived`);
  }

  /** Data in raw mode. To be overridden by those who use raw mode. */
  rawDataReceived(data: Buffer): MaybeAsync {
    throw new NotImplementedError(`${this.logPrefix()} has no rawDataReceived`);
  }

  /** A line is too long: `data` is that line, as far as it has come, and all behind it. By default the connection closes. */
  lineLengthExceeded(data: Buffer): MaybeAsync {
    refuse(this, `a line of more than ${this.MAX_LENGTH} bytes`);
  }

  sendLine(line: BytesLike): void {
    this.transport?.write(Buffer.concat([toBuffer(line), toBuffer(this.delimiter)]));
  }

  /** Lines from now on, beginning with `extra`: what raw mode was given too much of. Not for use in `lineReceived`. */
  setLineMode(extra: Buffer = Buffer.alloc(0)): MaybeAsync {
    this.line_mode = true;
    if (extra.length > 0) return this.dataReceived(extra);
  }

  /** What follows goes to `rawDataReceived`. */
  setRawMode(): void {
    this.line_mode = false;
  }

  /** Empties the buffer and returns what was in it. */
  clearLineBuffer(): Buffer {
    this.#search.restart();
    return this[buffer].take();
  }

  [parse](promises: PromiseLike<unknown>[]): Step {
    const received = this[buffer];
    if (this.line_mode) return parseLine(this, received, this.#search, promises);
    return received.length === 0 ? STOP : outcome(this.rawDataReceived(this.clearLineBuffer()), promises);
  }
}

/** Lines and nothing else: no raw mode. */
export class LineOnlyReceiver extends Receiver {
  delimiter: BytesLike = CRLF;
  MAX_LENGTH = MAX_LENGTH;
  readonly #search = new DelimiterSearch();

  /** A whole line, without its delimiter. To be overridden. */
  lineReceived(line: Buffer): MaybeAsync {
    throw new NotImplementedError(`${this.logPrefix()} has no lineReceived`);
  }

  /** By default the connection closes. */
  lineLengthExceeded(data: Buffer): MaybeAsync {
    refuse(this, `a line of more than ${this.MAX_LENGTH} bytes`);
  }

  sendLine(line: BytesLike): void {
    this.transport?.writeSequence([line, this.delimiter]);
  }

  [parse](promises: PromiseLike<unknown>[]): Step {
    return parseLine(this, this[buffer], this.#search, promises);
  }
}

function parseLine(
  receiver: LineReceiver | LineOnlyReceiver,
  received: ReceiveBuffer,
  search: DelimiterSearch,
  promises: PromiseLike<unknown>[],
): Step {
  const delimiter = toBuffer(receiver.delimiter);
  const end = search.find(received.contents, delimiter);
  if (end > receiver.MAX_LENGTH || (end < 0 && received.length >= receiver.MAX_LENGTH + delimiter.length)) {
    search.restart();
    const step = outcome(receiver.lineLengthExceeded(received.take()), promises);
    return step === CONTINUE ? STOP : step;
  }
  if (end < 0) return STOP;
  const line = received.take(end + delimiter.length).subarray(0, end);
  const step = outcome(receiver.lineReceived(line), promises);
  return step === CONTINUE && isDisconnecting(receiver) ? STOP : step;
}

/** Finds where a line ends, and does not look twice at what was there before. */
class DelimiterSearch {
  #searched = 0;
  #delimiter: Buffer = CRLF;

  restart(): void {
    this.#searched = 0;
  }

  /** The place of the delimiter, or -1. */
  find(bytes: Buffer, delimiter: Buffer): number {
    if (!delimiter.equals(this.#delimiter)) this.#searched = 0;
    this.#delimiter = delimiter;
    const place = bytes.indexOf(delimiter, Math.max(0, this.#searched - delimiter.length + 1));
    this.#searched = place < 0 ? bytes.length : 0;
    return place;
  }
}
