/** Newlines as the network has them (RFC 854): CR LF. */
import { CR, LF } from "./constants.js";

/** Puts a CR before each LF that has none, also where the CR was written before; what was translated stays as it is. */
export class Newlines {
  #endsInReturn = false;

  translated(bytes: Buffer): Buffer {
    if (bytes.length === 0) return bytes;
    const continues = this.#endsInReturn && bytes[0] === LF;
    this.#endsInReturn = bytes.at(-1) === CR;
    if (!bytes.includes(LF)) return bytes;
    const text = bytes.toString("latin1", continues ? 1 : 0).replaceAll(/(?<!\r)\n/g, "\r\n");
    return Buffer.from(continues ? `\n${text}` : text, "latin1");
  }
}
