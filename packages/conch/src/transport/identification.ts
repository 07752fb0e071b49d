/** The line by which each side tells protocol and software version (RFC 4253 section 4.2). */
import { ConchError, ProtocolError } from "../error.js";

/** Bytes of one line, CR and LF included. */
const MAX_LINE = 255;
/** A server may talk before its version line, a client may not. */
const MAX_LINES_BEFORE = 100;
/** Bytes of all that comes before the end of the version line. */
const MAX_BYTES = 4096;

export interface Identification {
  /** The line without its end, byte for byte, as it is hashed. */
  readonly line: Buffer;
  /** "2.0" */
  readonly protocolVersion: string;
  /** What came after the line. */
  readonly rest: Buffer;
}

/** Collects input until the version line is complete. */
export class IdentificationReader {
  #input: Buffer = Buffer.alloc(0);
  #linesBefore = 0;
  readonly #linesAllowedBefore: number;

  constructor(peerIsServer: boolean) {
    this.#linesAllowedBefore = peerIsServer ? MAX_LINES_BEFORE : 0;
  }

  /** What came and is no whole line yet. */
  get input(): Buffer {
    return this.#input;
  }

  /** @throws ProtocolError for a line that is too long, malformed or out of place; null until the line is complete. */
  feed(data: Buffer): Identification | null {
    this.#input = this.#input.length === 0 ? data : Buffer.concat([this.#input, data]);
    for (;;) {
      const end = this.#input.indexOf(10);
      if (end === -1) {
        if (this.#input.length > MAX_BYTES) throw new FloodError();
        if (this.#startsLikeVersion() && this.#input.length > MAX_LINE)
          throw new ProtocolError("the version line is too long");
        if (this.#linesAllowedBefore === 0 && !this.#couldBeVersion()) throw new ProtocolError("this is not SSH");
        return null;
      }
      const line = withoutCarriageReturns(this.#input.subarray(0, end));
      const rest = this.#input.subarray(end + 1);
      if (line.subarray(0, 4).toString("latin1") === "SSH-") {
        if (end + 1 > MAX_LINE) throw new ProtocolError("the version line is too long");
        if (line.includes(0)) throw new ProtocolError("the version line holds a NUL byte");
        const protocolVersion = line.toString("latin1").split("-", 3)[1]!;
        this.#input = Buffer.alloc(0);
        return { line: Buffer.from(line), protocolVersion, rest };
      }
      this.#linesBefore++;
      if (this.#linesBefore > this.#linesAllowedBefore) throw new ProtocolError("a line came before the version line");
      if (end + 1 > MAX_BYTES) throw new FloodError();
      this.#input = rest;
    }
  }

  #startsLikeVersion(): boolean {
    return this.#input.subarray(0, 4).toString("latin1") === "SSH-";
  }

  #couldBeVersion(): boolean {
    const start = this.#input.subarray(0, 4).toString("latin1");
    return "SSH-".startsWith(start);
  }
}

/** More than anyone has to say before the version line ends; it closes with reason 10, as Conch does. */
export class FloodError extends ConchError {
  constructor() {
    super("too much before the version line. Preventing a denial of service attack");
  }
}

function withoutCarriageReturns(line: Buffer): Buffer {
  let end = line.length;
  while (end > 0 && line[end - 1] === 13) end--;
  return line.subarray(0, end);
}
