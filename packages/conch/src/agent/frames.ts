/** Frames of the agent protocol: a length, then so many bytes, of which the first is the number. */
import { ProtocolError } from "../error.js";
import { toBuffer, type BytesLike } from "../wire/writer.js";

/** Bytes of the longest frame, as OpenSSH's agent has it. */
const MAX_FRAME = 256 * 1024;

/** Takes the first whole frame off `input`, or null. @throws ProtocolError for one that is empty or too long. */
export function takeFrame(input: Buffer): [frame: Buffer, rest: Buffer] | null {
  if (input.length < 4) return null;
  const length = input.readUInt32BE(0);
  if (length === 0 || length > MAX_FRAME) throw new ProtocolError(`an agent's frame of ${length} bytes`);
  if (input.length < 4 + length) return null;
  return [input.subarray(4, 4 + length), input.subarray(4 + length)];
}

export function frame(number: number, body: BytesLike): Buffer {
  const bytes = toBuffer(body);
  const header = Buffer.alloc(5);
  header.writeUInt32BE(1 + bytes.length, 0);
  header[4] = number;
  return Buffer.concat([header, bytes]);
}
