/** Packets of SFTP out of a stream (draft-ietf-secsh-filexfer-02 section 3): a length, then so many bytes. */
import { ProtocolError } from "../error.js";

/** Bytes of the longest packet, as OpenSSH has it. */
const MAX_PACKET = 256 * 1024;

const NOTHING = Buffer.alloc(0);

/** What has come and was not taken yet. What was taken is never written over: it may be kept. */
export class PacketInput {
  #buffer: Buffer = NOTHING;
  #start = 0;
  #end = 0;

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

  /** The first whole packet, from its type on, or null. @throws ProtocolError for one that is empty or too long. */
  take(): Buffer | null {
    const { bytes } = this;
    if (bytes.length < 4) return null;
    const length = bytes.readUInt32BE(0);
    if (length === 0 || length > MAX_PACKET) throw new ProtocolError(`an SFTP packet of ${length} bytes`);
    if (bytes.length < 4 + length) return null;
    if (bytes.length === 4 + length) this.bytes = NOTHING;
    else this.#start += 4 + length;
    return bytes.subarray(4, 4 + length);
  }
}
