/**
 * Packets under the ciphers of node:crypto (RFC 4253 section 6, RFC 5647, OpenSSH's PROTOCOL.chacha20poly1305), where ssh2's
 * addon is missing, and under CBC. Node gives what it ciphers in memory of its own, from where it is copied back.
 *
 * Keys are key objects: Node 24 asks what a key given as bytes is by two exceptions, which takes 11 us for each packet.
 */
import { createCipheriv, createDecipheriv, createHmac, createSecretKey, timingSafeEqual } from "node:crypto";
import type { CipherGCMTypes, KeyObject } from "node:crypto";
import type { Cipher, CipherInfo, Decipher, Keys, MacInfo } from "./cipher.js";
import { FramedDecipher, LENGTH } from "./framed.js";

/** The tag over an encrypted length field and what follows it, a view until the next call; `key` serves once. */
export type Poly1305 = (key: Buffer, field: Buffer, rest: Buffer) => Uint8Array;

const CHACHA_BLOCK = Buffer.alloc(64);

/** @param poly1305 for ChaCha20-Poly1305 alone */
export function nodeCipher(keys: Keys, sequence: number, poly1305: Poly1305 | null): Cipher {
  if (keys.mac !== null) return new MacCipher(keys, sequence);
  return isChaCha(keys) ? new ChaChaCipher(keys, sequence, poly1305) : new GcmCipher(keys, sequence);
}

/** For all but CBC. */
export function nodeDecipher(keys: Keys, sequence: number, poly1305: Poly1305 | null): Decipher {
  if (keys.mac !== null) return new MacDecipher(keys, sequence);
  return isChaCha(keys) ? new ChaChaDecipher(keys, sequence, poly1305) : new GcmDecipher(keys, sequence);
}

abstract class NodeCipher implements Cipher {
  outSeqno: number;
  readonly tagRoom: number;

  constructor(sequence: number, tagRoom: number) {
    this.outSeqno = sequence;
    this.tagRoom = tagRoom;
  }

  encrypt(packet: Buffer): Buffer {
    this.seal(packet, packet.length - this.tagRoom);
    this.outSeqno = (this.outSeqno + 1) >>> 0;
    return packet;
  }

  /** Seals in place the packet up to `end`, its tag behind it. */
  protected abstract seal(packet: Buffer, end: number): void;

  free(): void {}
}

/** A cipher with a MAC: over the packet (RFC 4253 section 6.4), or over what is sealed ("-etm"). */
class MacCipher extends NodeCipher {
  readonly #cipher;
  readonly #mac;

  constructor(keys: Keys, sequence: number) {
    const mac = new PacketMac(keys.mac!, keys.macKey);
    super(sequence, mac.length);
    this.#mac = mac;
    this.#cipher = createCipheriv(keys.cipher.sslName, createSecretKey(keys.key), keys.iv).setAutoPadding(false);
  }

  protected override seal(packet: Buffer, end: number): void {
    const whole = packet.subarray(0, end);
    if (this.#mac.isETM) {
      packet.set(this.#cipher.update(packet.subarray(LENGTH, end)), LENGTH);
      packet.set(this.#mac.over(this.outSeqno, whole), end);
    } else {
      packet.set(this.#mac.over(this.outSeqno, whole), end);
      packet.set(this.#cipher.update(whole));
    }
  }
}

class MacDecipher extends FramedDecipher {
  readonly #decipher;
  readonly #mac;

  constructor({ cipher, key, iv, mac: info, macKey }: Keys, sequence: number) {
    const mac = new PacketMac(info!, macKey);
    super(sequence, { block: cipher.blockLen, tagLength: mac.length, isLengthClear: mac.isETM });
    this.#mac = mac;
    this.#decipher = createDecipheriv(cipher.sslName, createSecretKey(key), iv);
  }

  protected override lengthAt(data: Buffer, at: number): number {
    if (!this.#mac.isETM) data.set(this.#decipher.update(data.subarray(at, at + LENGTH)), at);
    return data.readUInt32BE(at);
  }

  protected override open(data: Buffer, at: number, end: number, after: number): void {
    const tag = data.subarray(end, after);
    if (this.#mac.isETM) expectSame(this.#mac.over(this.inSeqno, data.subarray(at, end)), tag);
    data.set(this.#decipher.update(data.subarray(at + LENGTH, end)), at + LENGTH);
    if (!this.#mac.isETM) expectSame(this.#mac.over(this.inSeqno, data.subarray(at, end)), tag);
  }

  override free(): void {}
}

class GcmCipher extends NodeCipher {
  readonly #name;
  readonly #key;
  readonly #nonce;

  constructor({ cipher, key, iv }: Keys, sequence: number) {
    super(sequence, cipher.authLen);
    this.#name = gcm(cipher);
    this.#key = createSecretKey(key);
    this.#nonce = new Nonce(iv);
  }

  protected override seal(packet: Buffer, end: number): void {
    const cipher = createCipheriv(this.#name, this.#key, this.#nonce.bytes);
    cipher.setAAD(packet.subarray(0, LENGTH));
    packet.set(cipher.update(packet.subarray(LENGTH, end)), LENGTH);
    cipher.final();
    packet.set(cipher.getAuthTag(), end);
    this.#nonce.next();
  }
}

class GcmDecipher extends FramedDecipher {
  readonly #name;
  readonly #key;
  readonly #nonce;
  readonly #tagLength;

  constructor({ cipher, key, iv }: Keys, sequence: number) {
    super(sequence, { block: cipher.blockLen, tagLength: cipher.authLen, isLengthClear: true });
    this.#name = gcm(cipher);
    this.#key = createSecretKey(key);
    this.#nonce = new Nonce(iv);
    this.#tagLength = cipher.authLen;
  }

  protected override lengthAt(data: Buffer, at: number): number {
    return data.readUInt32BE(at);
  }

  protected override open(data: Buffer, at: number, end: number, after: number): void {
    const decipher = createDecipheriv(this.#name, this.#key, this.#nonce.bytes, { authTagLength: this.#tagLength });
    decipher.setAAD(data.subarray(at, at + LENGTH));
    decipher.setAuthTag(data.subarray(end, after));
    const packet = decipher.update(data.subarray(at + LENGTH, end));
    decipher.final(); // throws where the tag is another
    data.set(packet, at + LENGTH);
    this.#nonce.next();
  }

  override free(): void {}
}

class ChaChaCipher extends NodeCipher {
  readonly #keys;

  constructor({ cipher, key }: Keys, sequence: number, poly1305: Poly1305 | null) {
    super(sequence, cipher.authLen);
    this.#keys = new ChaChaKeys(key, poly1305);
  }

  protected override seal(packet: Buffer, end: number): void {
    const [field, rest] = [packet.subarray(0, LENGTH), packet.subarray(LENGTH, end)];
    const { cipher, tagKey } = this.#keys.begin(this.outSeqno);
    field.set(this.#keys.length(field, this.outSeqno));
    rest.set(cipher.update(rest));
    packet.set(this.#keys.tag(tagKey, field, rest), end);
  }
}

class ChaChaDecipher extends FramedDecipher {
  readonly #keys;

  constructor({ cipher, key }: Keys, sequence: number, poly1305: Poly1305 | null) {
    super(sequence, { block: cipher.blockLen, tagLength: cipher.authLen, isLengthClear: true });
    this.#keys = new ChaChaKeys(key, poly1305);
  }

  protected override lengthAt(data: Buffer, at: number): number {
    return this.#keys.length(data.subarray(at, at + LENGTH), this.inSeqno).readUInt32BE(0);
  }

  protected override open(data: Buffer, at: number, end: number, after: number): void {
    const [field, rest] = [data.subarray(at, at + LENGTH), data.subarray(at + LENGTH, end)];
    const { cipher, tagKey } = this.#keys.begin(this.inSeqno);
    expectSame(this.#keys.tag(tagKey, field, rest), data.subarray(end, after));
    rest.set(cipher.update(rest));
  }

  override free(): void {}
}

/** Two keys of ChaCha20, one for length fields alone; a packet's number is its nonce. */
class ChaChaKeys {
  readonly #packets;
  readonly #lengths;
  readonly tag: Poly1305;
  readonly #counterAndNonce = Buffer.alloc(16);

  constructor(key: Buffer, poly1305: Poly1305 | null) {
    if (poly1305 === null) throw new Error("Poly1305 is not loaded yet");
    this.#packets = createSecretKey(key.subarray(0, 32));
    this.#lengths = createSecretKey(key.subarray(32));
    this.tag = poly1305;
  }

  /** A packet's cipher, and from the block before it the key of its tag. */
  begin(sequence: number): { cipher: ReturnType<typeof createCipheriv>; tagKey: Buffer } {
    const cipher = this.#start(this.#packets, sequence);
    return { cipher, tagKey: cipher.update(CHACHA_BLOCK).subarray(0, 32) };
  }

  /** The length field, sealed or opened. */
  length(field: Buffer, sequence: number): Buffer {
    return this.#start(this.#lengths, sequence).update(field);
  }

  #start(key: KeyObject, sequence: number): ReturnType<typeof createCipheriv> {
    this.#counterAndNonce.writeUInt32BE(sequence, 12);
    return createCipheriv("chacha20", key, this.#counterAndNonce);
  }
}

/** Counts invocations in its last eight bytes (RFC 5647 section 7.1). */
class Nonce {
  readonly bytes: Buffer;

  constructor(iv: Buffer) {
    this.bytes = Buffer.from(iv);
  }

  next(): void {
    const { bytes } = this;
    for (let at = 11; at >= 4; at--) if ((bytes[at] = (bytes[at]! + 1) & 0xff) !== 0) return;
  }
}

export type Hmac = ReturnType<typeof createHmac>;

/** HMAC over a packet's number and what follows it (RFC 4253 section 6.4). */
export class PacketMac {
  /** Bytes. */
  readonly length: number;
  /** Over what is sealed. */
  readonly isETM: boolean;
  readonly #name: string;
  readonly #key: KeyObject;

  constructor({ actualLen, isETM, sslName }: MacInfo, key: Buffer) {
    this.length = actualLen;
    this.isETM = isETM;
    this.#name = sslName;
    this.#key = createSecretKey(key);
  }

  start(sequence: number): Hmac {
    const number = Buffer.allocUnsafe(4);
    number.writeUInt32BE(sequence, 0);
    return createHmac(this.#name, this.#key).update(number);
  }

  over(sequence: number, bytes: Buffer): Buffer {
    return this.start(sequence).update(bytes).digest();
  }
}

function isChaCha({ cipher }: Keys): boolean {
  return cipher.sslName === "chacha20";
}

function gcm({ sslName }: CipherInfo): CipherGCMTypes {
  return sslName as CipherGCMTypes;
}

function expectSame(computed: Uint8Array, received: Buffer): void {
  if (!timingSafeEqual(computed, received)) throw new Error("the tag is another");
}
