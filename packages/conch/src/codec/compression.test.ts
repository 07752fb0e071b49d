import { randomBytes } from "node:crypto";
import { constants, createDeflate, createInflate, deflateSync, inflateSync, type Zlib } from "node:zlib";
import { describe, expect, test } from "vitest";
import { CompressionError } from "../error.js";
import { ciphers, macs } from "./algorithms.js";
import { Compressor, Decompressor, type Compression } from "./compression.js";
import { MAX_PACKET } from "./framed.js";
import { IncomingPackets, MAX_PAYLOAD, OutgoingPackets, type DirectionKeys } from "./packets.js";

function freshKeys(compression: Compression): () => DirectionKeys {
  const [cipher, mac] = [ciphers.get("aes128-ctr")!, macs.get("hmac-sha2-256")!];
  const [key, iv, macKey] = [randomBytes(16), randomBytes(16), randomBytes(32)];
  return () => ({ cipher, mac, compression, key: Buffer.from(key), iv: Buffer.from(iv), macKey: Buffer.from(macKey) });
}

class Line {
  readonly wire: Buffer[] = [];
  readonly out = new OutgoingPackets({ writePacket: (chunk) => this.wire.push(Buffer.from(chunk)) });
  readonly incoming = new IncomingPackets();

  constructor(compression: Compression) {
    this.setKeys(compression);
  }

  setKeys(compression: Compression): void {
    const keys = freshKeys(compression);
    this.out.setKeys(keys(), false);
    this.incoming.setKeys(keys(), false);
  }

  /** What comes out of a packet, and how long it was. */
  carry(body: Uint8Array): [payload: Buffer, size: number] {
    this.out.send(94, body);
    const packet = Buffer.concat(this.wire.splice(0));
    this.incoming.feed(packet);
    return [Buffer.from(this.incoming.next()!), packet.length];
  }
}

const text = Buffer.from("to be or not to be, that is the question. ".repeat(50));
const whole = (body: Uint8Array) => Buffer.concat([Buffer.of(94), body]);

describe("packets", () => {
  test("that are borrowed leave nothing behind but what came out", () => {
    const line = new Line("zlib");
    line.out.send(94, text);
    const memory = new Uint8Array(Buffer.concat(line.wire.splice(0)));
    line.incoming.borrow(Buffer.from(memory.buffer));
    const payload = line.incoming.next()!;
    line.incoming.giveBack();
    expect(memory.subarray(5, 37).every((byte) => byte === 0)).toBe(true);
    memory.fill(0xdd);
    expect(payload).toEqual(whole(text));
  });

  test("zlib compresses from the first packet under new keys on", () => {
    const line = new Line("zlib");
    const sizes = Array.from({ length: 3 }, () => {
      const [payload, size] = line.carry(text);
      expect(payload).toEqual(whole(text));
      return size;
    });
    expect(sizes[0]).toBeLessThan(200);
    expect(sizes[1]).toBeLessThan(sizes[0]!);
  });

  test("zlib@openssh.com compresses from the login on, and again after later changes of keys", () => {
    const line = new Line("zlib@openssh.com");
    expect(line.carry(text)[1]).toBeGreaterThan(text.length);
    line.out.loginSucceeded();
    line.incoming.loginSucceeded();
    const [payload, first] = line.carry(text);
    expect(payload).toEqual(whole(text));
    expect(first).toBeLessThan(200);
    line.setKeys("zlib@openssh.com");
    expect(line.carry(text)[1]).toBe(first); // nothing is left of the stream before
    line.setKeys("none");
    expect(line.carry(text)[1]).toBeGreaterThan(text.length);
  });

  test("payloads of every size come out as they went in, though they do not compress", () => {
    const line = new Line("zlib");
    for (const size of [0, 1, 8191, 8192, 16_384, MAX_PAYLOAD - 1]) {
      const body = randomBytes(size);
      expect(line.carry(body)[0]).toEqual(whole(body));
    }
    expect(() => line.out.send(94, Buffer.alloc(MAX_PAYLOAD))).toThrow(RangeError);
  });

  test("channel data is compressed like any message", () => {
    const line = new Line("zlib");
    line.out.sendChannelData(7, text);
    line.incoming.feed(Buffer.concat(line.wire));
    const got = line.incoming.next()!;
    expect([got[0], got.readUInt32BE(1), got.readUInt32BE(5)]).toEqual([94, 7, text.length]);
    expect(got.subarray(9)).toEqual(text);
  });

  test("an error is the last: nothing more is taken (rule T3)", () => {
    const keys = freshKeys("zlib");
    const wire: Buffer[] = [];
    const out = new OutgoingPackets({ writePacket: (chunk) => wire.push(Buffer.from(chunk)) });
    out.setKeys({ ...keys(), compression: "none" }, false);
    out.send(94, text); // is no zlib stream
    out.send(94, text);
    const incoming = new IncomingPackets();
    incoming.setKeys(keys(), false);
    incoming.feed(Buffer.concat(wire));
    expect(() => incoming.next()).toThrow(CompressionError);
    expect(incoming.next()).toBeNull();
  });
});

async function through(stream: Zlib & NodeJS.ReadWriteStream, data: Uint8Array, flush: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const collect = (piece: Buffer) => void pieces.push(piece);
  stream.on("data", collect);
  stream.write(data);
  await new Promise<void>((done) => stream.flush(flush, done));
  stream.off("data", collect);
  return Buffer.concat(pieces);
}

describe("streams", () => {
  // OpenSSH flushes partially: a packet then ends within a byte of the stream.
  for (const [title, flush] of [
    ["wholly", constants.Z_SYNC_FLUSH],
    ["partially", constants.Z_PARTIAL_FLUSH],
  ] as const) {
    test(`what zlib itself compressed and flushed ${title} is decompressed packet by packet`, async () => {
      const deflate = createDeflate();
      const decompressor = new Decompressor(MAX_PACKET);
      for (const part of [Buffer.from("a"), text, randomBytes(8192), text.subarray(0, 100), Buffer.alloc(MAX_PACKET)]) {
        expect(decompressor.decompress(await through(deflate, part, flush))).toEqual(part);
      }
    });
  }

  test("zlib itself decompresses what we compressed", async () => {
    const inflate = createInflate();
    const compressor = new Compressor();
    for (const part of [Buffer.from("a"), text, randomBytes(20_000), text]) {
      const compressed = compressor.compress(part.subarray(0, 1), part.subarray(1));
      expect(await through(inflate, compressed, constants.Z_SYNC_FLUSH)).toEqual(part);
    }
  });

  test("a packet may become as long as the limit and no longer (rule T8)", () => {
    const limit = 10_000;
    for (const [size, fits] of [
      [limit, true],
      [limit + 1, false],
      [5_000_000, false],
    ] as const) {
      const compressed = new Compressor().compress(Buffer.alloc(size));
      const decompress = () => new Decompressor(limit).decompress(compressed);
      if (fits) expect(decompress()).toHaveLength(size);
      else expect(decompress).toThrow("more than 10000 bytes");
    }
  });

  test("what is no continuation of the stream is an error, and so is its end", () => {
    expect(() => new Decompressor(MAX_PACKET).decompress(Buffer.from("no stream"))).toThrow(CompressionError);
    expect(() => new Decompressor(MAX_PACKET).decompress(deflateSync(text))).toThrow(CompressionError);
    const compressed = new Compressor().compress(text);
    expect(inflateSync(compressed, { finishFlush: constants.Z_SYNC_FLUSH })).toEqual(text);
    expect(() => new Decompressor(MAX_PACKET).decompress(compressed.fill(0xff, 5, 9))).toThrow(CompressionError);
  });
});
