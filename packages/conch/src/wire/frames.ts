/**
 * Frames within a channel or a socket, as agents and SFTP have them: a length, then so many bytes, of which the first is
 * the number (draft-miller-ssh-agent section 3, draft-ietf-secsh-filexfer-02 section 3).
 */
import { ProtocolError } from "../error.js";

/** Bytes of the longest frame, as OpenSSH has it for both. */
const MAX_FRAME = 256 * 1024;

const NOTHING = Buffer.alloc(0);

/** What has come and was not taken yet. What was taken is never written over: it may be kept. */
export class FrameInput {
  readonly #what: string;
  #buffer: Buffer = NOTHING;
  #start = 0;
  #end = 0;

  /** @param what comes, for errors: "an SFTP packet" */
  constructor(what: string) {
    this.#what = what;
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  set bytes(bytes: Buffer) {
    this.#buffer = bytes;
    this.#start = 0;
    this.#end = bytes.length;
  }

  add(data: Buffer): void {
    const { bytes } = this;
    if (bytes.length === 0) {
      this.bytes = data;
      return;
    }
    if (this.#end + data.length > this.#buffer.length) {
      this.bytes = Buffer.allocUnsafeSlow(2 * (bytes.length + data.length));
      this.#buffer.set(bytes);
      this.#end = bytes.length;
    }
    this.#buffer.set(data, this.#end);
    this.#end += data.length;
  }

  /** The first whole frame, from its number on, or null. @throws ProtocolError for one that is empty or too long. */
  take(): Buffer | null {
    const { bytes } = this;
    if (bytes.length < 4) return null;
    const length = bytes.readUInt32BE(0);
    if (length === 0 || length > MAX_FRAME) throw new ProtocolError(`${this.#what} of ${length} bytes`);
    if (bytes.length < 4 + length) return null;
    if (bytes.length === 4 + length) this.bytes = NOTHING;
    else this.#start += 4 + length;
    return bytes.subarray(4, 4 + length);
  }
}

/** What stands before a body of so many bytes. */
export function frameHeader(number: number, bodyLength: number): Buffer {
  const header = Buffer.allocUnsafe(5);
  header.writeUInt32BE(1 + bodyLength, 0);
  header[4] = number;
  return header;
}

export function frame(number: number, body: Buffer): Buffer {
  return Buffer.concat([frameHeader(number, body.length), body]);
}
