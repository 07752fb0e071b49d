/** The three forms of bytes that everything that writes accepts. */
import type { BytesLike } from "./interfaces.js";

/** The same bytes as a Buffer: no copy, except of a string, which becomes UTF-8. @throws TypeError for anything else. */
export function toBuffer(data: BytesLike): Buffer {
  if (Buffer.isBuffer(data)) return data;
  if (typeof data === "string") return Buffer.from(data, "utf8");
  if (data instanceof Uint8Array) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  throw new TypeError(`only bytes and strings can be written, not ${typeof data}`);
}
