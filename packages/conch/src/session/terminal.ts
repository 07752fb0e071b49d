/** Terminals in channel requests (RFC 4254 sections 6.2, 6.7 and 8): rows first for us, columns first on the wire. */
import type { TerminalModes, WindowSize } from "../interfaces.js";
import { PtyRequest, WindowChange } from "../messages/connection.js";
import { Reader } from "../wire/reader.js";
import { toBuffer, type BytesLike } from "../wire/writer.js";

const MODE = 5; // bytes: opcode and value

/**
 * The data of a `pty-req`. One byte at the end of the modes ends them and is skipped.
 * @throws ProtocolError when something is missing or left over.
 */
export function parseRequest_pty_req(
  data: Uint8Array,
): [term: string, windowSize: [number, number, number, number], modes: [opcode: number, value: number][]] {
  const { term, rows, columns, widthPixels, heightPixels, modes } = PtyRequest.decode(data);
  const from = new Reader(modes);
  const pairs: [number, number][] = [];
  while (from.remaining > 1) pairs.push([from.byte(), from.uint32()]);
  return [term, [rows, columns, widthPixels, heightPixels], pairs];
}

/** The data of a `pty-req`; `modes` is packed already, or pairs of opcode and value. */
export function packRequest_pty_req(
  term: string,
  [rows, columns, widthPixels, heightPixels]: WindowSize,
  modes: BytesLike | TerminalModes,
): Buffer {
  const packed = typeof modes === "string" || modes instanceof Uint8Array ? toBuffer(modes) : packModes(modes);
  return PtyRequest.encode({ term, rows, columns, widthPixels, heightPixels, modes: packed });
}

/** The data of a `window-change`. @throws ProtocolError unless it has 16 bytes. */
export function parseRequest_window_change(data: Uint8Array): [number, number, number, number] {
  const { rows, columns, widthPixels, heightPixels } = WindowChange.decode(data);
  return [rows, columns, widthPixels, heightPixels];
}

/** The data of a `window-change` request; the size has its rows first, which on the wire come second. */
export function packRequest_window_change([rows, columns, widthPixels, heightPixels]: WindowSize): Buffer {
  return WindowChange.encode({ rows, columns, widthPixels, heightPixels });
}

/** A size of 0 is one that the client does not know (RFC 4254 section 6.2), and no window has millions of lines (S2). */
export function sizeOf(columns: number, rows: number): { columns: number; rows: number } {
  return { columns: columns === 0 ? 80 : Math.min(columns, 10_000), rows: rows === 0 ? 24 : Math.min(rows, 10_000) };
}

/** Ends with opcode 0, TTY_OP_END. */
function packModes(modes: TerminalModes): Buffer {
  const packed = Buffer.alloc(modes.length * MODE + 1);
  modes.forEach(([opcode, value], i) => {
    packed[i * MODE] = opcode;
    packed.writeUInt32BE(value, i * MODE + 1);
  });
  return packed;
}
