/**
 * The binary packet protocol, one direction at a time (RFC 4253 section 6): length, padding, compression, cipher, MAC and
 * sequence number. Incoming and outgoing keys turn over at different moments, so each direction is a value of its own.
 */
import { CompressionError, MACError, ProtocolError } from "../error.js";
import type { CipherAlgorithm, MacAlgorithm } from "./algorithms.js";
import { CbcDecipher } from "./cbc.js";
import type { Cipher, Decipher, Keys } from "./cipher.js";
import { compresses, Compressor, Decompressor, type Compression } from "./compression.js";
import { ClearCipher, ClearDecipher, MAX_PACKET } from "./framed.js";
import { nodeCipher } from "./node-crypto.js";
import { fillRandom, PacketMemory, type Writing } from "./slab.js";
import { createCipher, createDecipher } from "./ssh2.js";

/** The largest payload that fits in every packet of ours, whatever the cipher's block size and how little it compresses. */
export const MAX_PAYLOAD = 34_900;

const EMPTY = Buffer.alloc(0);

/** One direction's algorithms with the keys derived for them. */
export interface DirectionKeys {
  readonly cipher: CipherAlgorithm;
  /** null under an AEAD cipher. */
  readonly mac: MacAlgorithm | null;
  readonly key: Buffer;
  readonly iv: Buffer;
  readonly macKey: Buffer;
  /** "none" when it is missing. */
  readonly compression?: Compression;
}

/** What protects the packets of one direction. */
export type Protection = Pick<DirectionKeys, "cipher" | "mac">;

/** Where sealed packets go, in order. */
export interface PacketSink extends Partial<Writing> {
  writePacket(packet: Buffer): void;
}

/** Packets to the peer. */
export class OutgoingPackets {
  readonly #sink: PacketSink;
  #cipher: Cipher = new ClearCipher();
  #protection: Protection | null = null;
  #compression: Compression = "none";
  #compressor: Compressor | null = null;
  #loggedIn = false;
  #freed = false;
  /** Since the last change of keys. */
  packets = 0;
  bytes = 0;
  #earlier = 0; // bytes under the keys before

  readonly #memory: PacketMemory;

  constructor(sink: PacketSink) {
    this.#sink = sink;
    this.#memory = new PacketMemory(sink);
  }

  /** The number of the next packet. */
  get sequence(): number {
    return this.#cipher.outSeqno;
  }

  /** null before the first keys. */
  get protection(): Protection | null {
    return this.#protection;
  }

  /** What compresses packets, when something does. */
  get compressor(): Compressor | null {
    return this.#compressor;
  }

  /** From the next packet on these keys hold; strict key exchange numbers it 0. */
  setKeys(keys: DirectionKeys, restartSequence: boolean): void {
    const sequence = restartSequence ? 0 : this.sequence;
    this.#cipher.free();
    this.#cipher = cipherFor(keys, sequence);
    this.#protection = { cipher: keys.cipher, mac: keys.mac };
    wipe(keys);
    this.#compression = keys.compression ?? "none";
    this.#compressor = compresses(this.#compression, this.#loggedIn) ? new Compressor() : null;
    this.packets = 0;
    this.#earlier += this.bytes;
    this.bytes = 0;
  }

  /** Bytes of all packets so far. */
  get total(): number {
    return this.#earlier + this.bytes;
  }

  /** From the next packet on what waits for the login is compressed too. */
  loginSucceeded(): void {
    this.#loggedIn = true;
    if (compresses(this.#compression, true)) this.#compressor ??= new Compressor();
  }

  /** @throws RangeError if the payload is larger than any peer must take (RFC 4253 section 6.1). */
  send(messageNumber: number, body: Uint8Array): void {
    refuseOverlong(1 + body.length);
    if (this.#compressor !== null) {
      this.#sendCompressed(this.#compressor, Buffer.of(messageNumber), body);
      return;
    }
    const packet = this.#packet(1 + body.length);
    packet[5] = messageNumber;
    packet.set(body, 6);
    this.#seal(packet);
  }

  /** CHANNEL_DATA straight from the application's bytes: the payload is put together in the packet itself. */
  sendChannelData(recipientChannel: number, data: Uint8Array): void {
    refuseOverlong(9 + data.length);
    if (this.#compressor !== null) {
      const header = Buffer.allocUnsafe(9);
      header[0] = 94;
      header.writeUInt32BE(recipientChannel, 1);
      header.writeUInt32BE(data.length, 5);
      this.#sendCompressed(this.#compressor, header, data);
      return;
    }
    const packet = this.#packet(9 + data.length);
    packet[5] = 94;
    packet.writeUInt32BE(recipientChannel, 6);
    packet.writeUInt32BE(data.length, 10);
    packet.set(data, 14);
    this.#seal(packet);
  }

  #sendCompressed(compressor: Compressor, start: Uint8Array, rest: Uint8Array): void {
    const payload = compressor.compress(start, rest);
    const packet = this.#packet(payload.length);
    packet.set(payload, 5);
    this.#seal(packet);
  }

  #seal(packet: Buffer): void {
    if (this.#freed) return; // a cipher that is freed works on memory that is no more
    this.#sink.writePacket(this.#cipher.encrypt(packet));
  }

  #packet(payloadLength: number): Buffer {
    const packet = newPacket(this.#memory, this.#protection ?? CLEAR, payloadLength, this.#cipher.tagRoom);
    this.packets++;
    this.bytes += packet.length;
    return packet;
  }

  /** Nothing is sent any more. */
  free(): void {
    this.#freed = true;
    this.#cipher.free();
    this.#compressor = null;
    this.#memory.forget();
  }
}

/** Who payloads are for. */
export interface PayloadReader {
  keepsNothingOf(payload: Buffer): boolean;
}

/** Packets from the peer. Bytes go in by `feed`; `next` takes payloads out one by one, so that keys may change between. */
export class IncomingPackets {
  #decipher: Decipher = new ClearDecipher();
  #protection: Protection | null = null;
  #input: Buffer = EMPTY;
  #at = 0;
  #lent: ArrayBufferLike | null = null; // the memory of the input, where it is borrowed
  #taken = 0; // bytes of the packet in hand
  #broken = false;
  #compression: Compression = "none";
  #decompressor: Decompressor | null = null;
  #loggedIn = false;
  /** Since the last change of keys. */
  packets = 0;
  bytes = 0;
  #earlier = 0; // bytes under the keys before

  /** The number of the next packet. */
  get sequence(): number {
    return this.#decipher.inSeqno;
  }

  /** null before the first keys. */
  get protection(): Protection | null {
    return this.#protection;
  }

  /** What decompresses packets, when something does. */
  get decompressor(): Decompressor | null {
    return this.#decompressor;
  }

  /** Bytes fed and not yet looked at. */
  get waiting(): number {
    return this.#input.length - this.#at;
  }

  /** Those bytes. */
  get rest(): Buffer {
    return this.#input.subarray(this.#at);
  }

  setKeys(keys: DirectionKeys, restartSequence: boolean): void {
    const sequence = restartSequence ? 0 : this.sequence;
    this.#decipher.free();
    this.#decipher = decipherFor(keys, sequence);
    this.#protection = { cipher: keys.cipher, mac: keys.mac };
    wipe(keys);
    this.#compression = keys.compression ?? "none";
    this.#decompressor = compresses(this.#compression, this.#loggedIn) ? new Decompressor(MAX_PACKET) : null;
    this.packets = 0;
    this.#earlier += this.bytes;
    this.bytes = 0;
  }

  /** Bytes of all packets so far. */
  get total(): number {
    return this.#earlier + this.bytes;
  }

  /** From the next packet on what waits for the login is compressed too. */
  loginSucceeded(): void {
    this.#loggedIn = true;
    if (compresses(this.#compression, true)) this.#decompressor ??= new Decompressor(MAX_PACKET);
  }

  /** Takes the buffer over: it is decrypted in place. */
  feed(data: Buffer): void {
    this.#input = this.waiting === 0 ? data : Buffer.concat([this.#input.subarray(this.#at), data]);
    this.#at = 0;
  }

  /** As `feed`, for bytes that are another's again after `giveBack`; until then they may be changed. */
  borrow(data: Buffer): void {
    const isCopied = this.waiting > 0;
    this.feed(data);
    if (!isCopied) this.#lent = data.buffer;
  }

  /** All that was borrowed is looked at, or is to be copied now. */
  giveBack(): void {
    if (this.#lent === null) return;
    if (this.waiting > 0) this.#input = Buffer.from(this.rest);
    this.#at = 0;
    this.#lent = null;
  }

  /**
   * The next payload, a view that nobody else writes to, or null until more bytes come. One of which its reader keeps
   * nothing may be in memory that is borrowed.
   * @throws ProtocolError, MACError, CompressionError; the first error is the last: afterwards there is nothing more to take.
   */
  next(reader: PayloadReader | null = null): Buffer | null {
    if (this.#broken || this.#at >= this.#input.length) return null;
    const [decipher, start] = [this.#decipher, this.#at];
    try {
      this.#at = decipher.decrypt(this.#input, start, this.#input.length);
    } catch (cause) {
      this.discard();
      throw codecError(cause, this.sequence);
    }
    this.#taken += this.#at - start;
    if (this.#at >= this.#input.length) {
      this.#input = EMPTY;
      this.#at = 0;
    }
    const { payload } = decipher;
    if (payload === null) return null;
    decipher.payload = null;
    const size = this.#taken;
    this.#taken = 0;
    this.#check(payload, size);
    const decompressor = this.#decompressor;
    const isLent = this.#lent === payload.buffer;
    if (decompressor === null && (!isLent || reader?.keepsNothingOf(payload) === true)) return payload;
    const own = decompressor === null ? Buffer.from(payload) : this.#decompress(decompressor, payload);
    if (isLent) payload.fill(0); // it may be a secret, and nobody knows when it is written over
    return own;
  }

  /** Forgets what was fed and takes no more. */
  discard(): void {
    this.#broken = true;
    this.#input = EMPTY;
    this.#at = 0;
  }

  free(): void {
    this.discard();
    this.#decipher.free();
    this.#decompressor = null;
  }

  /**
   * What deciphers leave unchecked (RFC 4253 section 6): padding of 4 or more, a payload. `size` is that of the packet
   * on the wire.
   */
  #check(payload: Buffer, size: number): void {
    const protection = this.#protection;
    const length = size - 4 - (protection === null ? 0 : tagLength(protection));
    const padding = length - 1 - payload.length;
    if (payload.length === 0) this.#fail("an empty payload");
    if (padding < 4) this.#fail(`padding of ${padding} bytes`);
    this.packets++;
    this.bytes += size;
  }

  #decompress(decompressor: Decompressor, compressed: Buffer): Buffer {
    try {
      const payload = decompressor.decompress(compressed);
      if (payload.length === 0) throw new CompressionError("an empty payload, compressed");
      return payload;
    } catch (error) {
      this.discard();
      throw error;
    }
  }

  #fail(what: string): never {
    this.discard();
    throw new ProtocolError(`packet ${(this.sequence - 1) >>> 0} has ${what}`);
  }
}

function refuseOverlong(payload: number): void {
  if (payload > MAX_PAYLOAD) throw new RangeError(`a payload of ${payload} bytes is over ${MAX_PAYLOAD}`);
}

/** The addon has no CBC. */
function cipherFor(given: DirectionKeys, sequence: number): Cipher {
  const keys = forCodec(given);
  return given.cipher.cbc ? nodeCipher(keys, sequence, null) : createCipher(keys, sequence);
}

function decipherFor(given: DirectionKeys, sequence: number): Decipher {
  const keys = forCodec(given);
  return given.cipher.cbc ? new CbcDecipher(keys, sequence, MAX_PACKET) : createDecipher(keys, sequence);
}

/** Of the tag or MAC behind a packet, in bytes. */
function tagLength({ cipher, mac }: Protection): number {
  return mac?.info.actualLen ?? cipher.info.authLen;
}

/** What of a direction's algorithms decides a packet's padding. */
interface PacketShape {
  readonly cipher: Pick<CipherAlgorithm, "blockSize" | "aead">;
  readonly mac: Pick<MacAlgorithm, "etm"> | null;
}

/** Before the first keys. */
const CLEAR: PacketShape = { cipher: { blockSize: 8, aead: false }, mac: null };

/** A packet with its payload to be filled in from byte 5: length and padding are there. */
function newPacket(memory: PacketMemory, { cipher, mac }: PacketShape, payloadLength: number, tagRoom: number): Buffer {
  const block = Math.max(8, cipher.blockSize);
  const aligned = 1 + payloadLength + (cipher.aead || mac?.etm === true ? 0 : 4);
  let padding = block - (aligned % block);
  if (padding < 4) padding += block;
  const length = 1 + payloadLength + padding;
  const packet = memory.take(4 + length + tagRoom);
  packet.writeUInt32BE(length, 0);
  packet[4] = padding;
  fillRandom(packet, 5 + payloadLength, padding);
  return packet;
}

/** Ciphers have copies of their own. */
function wipe({ key, iv, macKey }: DirectionKeys): void {
  for (const secret of [key, iv, macKey]) secret.fill(0);
}

function forCodec({ cipher, mac, key, iv, macKey }: DirectionKeys): Keys {
  return { cipher: cipher.info, key, iv, mac: mac?.info ?? null, macKey };
}

function codecError(cause: unknown, sequence: number): Error {
  if (cause instanceof RangeError) {
    return new ProtocolError(`packet ${sequence}: bad packet length`, { cause });
  }
  return new MACError(`packet ${sequence}: the MAC does not match`, { cause });
}
