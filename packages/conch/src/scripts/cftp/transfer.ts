/** Whole files to and from a server, some requests at a time. */
import type { FileHandle } from "node:fs/promises";
import { EOFError } from "@strombus/reactor/exceptions";
import { ProtocolError } from "../../error.js";
import type { ClientFile } from "../../sftp/client.js";

export interface TransferOptions {
  /** Bytes of a request. */
  readonly buffersize: number;
  /** Requests in flight. */
  readonly requests: number;
  /** So many bytes more are done. */
  progress(bytes: number): void;
}

type Chunk = readonly [offset: number, length: number];

/** What of a file is still to be asked for. */
class Chunks {
  readonly #size: number;
  readonly #gaps: Chunk[] = [];
  /** Where the next new chunk begins. */
  #next = 0;
  /** The file is not longer. */
  #end = Infinity;

  constructor(size: number) {
    this.#size = size;
  }

  /** Gaps first, then what follows; null when there is nothing more. */
  take(): Chunk | null {
    for (let gap = this.#gaps.shift(); gap !== undefined; gap = this.#gaps.shift()) {
      if (gap[0] < this.#end) return gap;
    }
    if (this.#next >= this.#end) return null;
    const offset = this.#next;
    this.#next += this.#size;
    return [offset, this.#size];
  }

  /** Of a chunk only so many bytes came. */
  short([offset, length]: Chunk, came: number): void {
    this.#gaps.push([offset + came, length - came]);
  }

  endsAt(offset: number): void {
    this.#end = Math.min(this.#end, offset);
  }
}

/** Reads all of a server's file; short answers are asked for again. The first error ends it. */
export async function download(from: ClientFile, to: FileHandle, options: TransferOptions): Promise<void> {
  await inChains(options, async (chunk, chunks) => {
    const [offset, length] = chunk;
    const data = await readOrEnd(from, offset, length);
    if (data.length > length) throw new ProtocolError("the server sends more than it was asked for");
    if (data.length === 0) {
      chunks.endsAt(offset);
      return;
    }
    await writeAll(to, data, offset);
    if (data.length < length) chunks.short(chunk, data.length);
    options.progress(data.length);
  });
}

/** Writes all of a file of ours. The first error ends it. */
export async function upload(from: FileHandle, to: ClientFile, options: TransferOptions): Promise<void> {
  await inChains(options, async ([offset, length], chunks) => {
    const data = await readAll(from, offset, length);
    if (data.length < length) chunks.endsAt(offset + data.length);
    if (data.length === 0) return;
    await to.writeChunk(offset, data);
    options.progress(data.length);
  });
}

/** Deals the chunks out to so many chains; settles when none is at work any more. */
async function inChains(
  { buffersize, requests }: TransferOptions,
  step: (chunk: Chunk, chunks: Chunks) => Promise<void>,
): Promise<void> {
  const chunks = new Chunks(buffersize);
  const errors: unknown[] = [];
  const chain = async (): Promise<void> => {
    try {
      for (let chunk = chunks.take(); chunk !== null && errors.length === 0; chunk = chunks.take()) {
        await step(chunk, chunks);
      }
    } catch (error) {
      errors.push(error);
    }
  };
  await Promise.all(Array.from({ length: requests }, chain));
  if (errors.length > 0) throw errors[0];
}

async function readOrEnd(from: ClientFile, offset: number, length: number): Promise<Buffer> {
  try {
    return await from.readChunk(offset, length);
  } catch (error) {
    if (error instanceof EOFError) return Buffer.alloc(0);
    throw error;
  }
}

async function readAll(from: FileHandle, offset: number, length: number): Promise<Buffer> {
  const data = Buffer.alloc(length);
  let filled = 0;
  for (let got = -1; got !== 0 && filled < length; filled += got) {
    ({ bytesRead: got } = await from.read(data, filled, length - filled, offset + filled));
  }
  return data.subarray(0, filled);
}

async function writeAll(to: FileHandle, data: Buffer, offset: number): Promise<void> {
  for (let written = 0; written < data.length;) {
    const { bytesWritten } = await to.write(data, written, data.length - written, offset + written);
    written += bytesWritten;
  }
}
