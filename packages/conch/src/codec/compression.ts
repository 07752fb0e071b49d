/**
 * Compression of payloads (RFC 4253 section 6.2): one zlib stream a direction from one change of keys to the next, flushed
 * after each packet. By pako, since node:zlib can go on with a stream only asynchronously, and a packet is done at once.
 */
import { createRequire } from "node:module";
import type pakoModule from "pako";
import { CompressionError } from "../error.js";

/** "none", and "zlib" from the first packet under new keys, and "zlib@openssh.com", the same from the login on. */
export const compressions = ["none", "zlib", "zlib@openssh.com"] as const;
export type Compression = (typeof compressions)[number];

export function isCompression(name: string): name is Compression {
  return (compressions as readonly string[]).includes(name);
}

/** Whether packets are compressed under this name. */
export function compresses(name: Compression, loggedIn: boolean): boolean {
  return name === "zlib" || (name === "zlib@openssh.com" && loggedIn);
}

const LEVEL = 6; // zlib's own default
const PIECE = 4096; // bytes of output at a time

let loaded: typeof pakoModule | null = null;

/** Loaded when first needed: hardly any connection compresses. */
function pako(): typeof pakoModule {
  return (loaded ??= createRequire(import.meta.url)("pako") as typeof pakoModule);
}

export class Compressor {
  readonly #zlib = pako();
  readonly #stream: pakoModule.Deflate;
  #pieces: Uint8Array[] = [];

  constructor() {
    this.#stream = new this.#zlib.Deflate({ level: LEVEL, chunkSize: PIECE });
    const keep = (piece: Uint8Array): void => void this.#pieces.push(piece);
    this.#stream.onData = keep;
  }

  /** The compressed form of these parts of one payload. */
  compress(...parts: readonly Uint8Array[]): Buffer {
    parts.forEach((part, i) => {
      this.#stream.push(part, i === parts.length - 1 ? this.#zlib.Z_SYNC_FLUSH : this.#zlib.Z_NO_FLUSH);
    });
    const compressed = Buffer.concat(this.#pieces);
    this.#pieces = [];
    return compressed;
  }
}

/** The other way; a packet that becomes longer than `limit` bytes is an error (rule T8). */
export class Decompressor {
  readonly #zlib = pako();
  readonly #stream = new this.#zlib.ZStream();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
    this.#zlib.zlibInflateInit(this.#stream);
  }

  /**
   * The payload, in memory of its own.
   * @throws CompressionError if the data is no continuation of the stream, ends it, or becomes too long.
   */
  decompress(compressed: Uint8Array): Buffer {
    const [stream, zlib] = [this.#stream, this.#zlib];
    stream.input = compressed;
    stream.next_in = 0;
    stream.avail_in = compressed.length;
    const pieces: Uint8Array[] = [];
    let length = 0;
    let full: boolean;
    do {
      const room = Math.min(PIECE, this.#limit + 1 - length);
      stream.output = new Uint8Array(room);
      stream.next_out = 0;
      stream.avail_out = room;
      const status = zlib.zlibInflate(stream, zlib.Z_SYNC_FLUSH);
      // A packet may end where a piece is full: then there is no progress to be made, which zlib calls a buffer error.
      if (status !== zlib.Z_OK && status !== zlib.Z_BUF_ERROR)
        throw new CompressionError("a packet does not decompress");
      full = stream.avail_out === 0;
      length += stream.next_out;
      if (length > this.#limit) throw new CompressionError(`a packet decompresses to more than ${this.#limit} bytes`);
      pieces.push(stream.output.subarray(0, stream.next_out));
    } while (full);
    if (stream.avail_in > 0) throw new CompressionError("a packet does not decompress");
    return Buffer.concat(pieces, length);
  }
}
