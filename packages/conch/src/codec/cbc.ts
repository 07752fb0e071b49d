/**
 * Opens packets under a cipher in CBC mode (RFC 4253 section 6.3), from peers that have nothing better. Where it fails at
 * once for a wrong length, whoever may inject bytes learns from that what an encrypted block holds (Albrecht,
 * Paterson and Watson, "Plaintext Recovery Attacks Against SSH", 2009). Here, as in OpenSSH, every failure comes after as
 * many bytes as the longest packet has, after as much work, and with one message.
 */
import { createDecipheriv, createSecretKey, timingSafeEqual } from "node:crypto";
import type { CipherInfo, Decipher, Keys } from "./cipher.js";
import { LENGTH } from "./framed.js";
import { PacketMac, type Hmac } from "./node-crypto.js";

const MAX_PIECES = 64; // of a packet that comes in pieces; more are joined

export class CbcDecipher implements Decipher {
  inSeqno: number;
  payload: Buffer | null = null;
  readonly #decipher;
  readonly #info: CipherInfo;
  readonly #mac: PacketMac;
  readonly #longest: number;
  /** Bytes that the next step needs. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #wanted: number;
  /** The packet in hand, once its length is known; without ETM its first block is clear already. */
  #first: Buffer | null = null;
  #length = 0;
  /** What the MAC of a packet that failed has been computed over, in bytes; -1 while all is well. */
  #failedAfter = -1;

  /** `maxPacket` is the largest length field, in bytes, that is no error. */
  constructor(keys: Keys, sequence: number, maxPacket: number) {
    this.inSeqno = sequence;
    this.#info = keys.cipher;
    this.#mac = new PacketMac(keys.mac!, keys.macKey);
    this.#longest = LENGTH + maxPacket + this.#mac.length;
    this.#decipher = createDecipheriv(keys.cipher.sslName, createSecretKey(keys.key), keys.iv).setAutoPadding(false);
    this.#wanted = this.#head;
  }

  decrypt(data: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end) {
      const taken = Math.min(this.#wanted - this.#heldBytes, end - at);
      this.#held.push(data.subarray(at, at + taken));
      this.#heldBytes += taken;
      at += taken;
      if (this.#heldBytes < this.#wanted) {
        this.#own();
        return at;
      }
      const bytes = this.#held.length === 1 ? this.#held[0]! : Buffer.concat(this.#held, this.#heldBytes);
      this.#held = [];
      this.#heldBytes = 0;
      const payload = this.#step(bytes);
      if (payload === null) continue;
      this.payload = payload;
      return at;
    }
    return at;
  }

  free(): void {}

  /** Bytes from which the length can be told. */
  get #head(): number {
    return this.#mac.isETM ? LENGTH : this.#info.blockLen;
  }

  /** The input belongs to the caller: what we keep of it becomes ours, in pieces that are worth it. */
  #own(): void {
    const last = this.#held.length - 1;
    this.#held[last] = Buffer.from(this.#held[last]!);
    if (last >= MAX_PIECES) this.#held = [Buffer.concat(this.#held, this.#heldBytes)];
  }

  #step(bytes: Buffer): Buffer | null {
    if (this.#failedAfter >= 0) return this.#giveUp();
    if (this.#first === null) this.#begin(bytes);
    else return this.#finish(this.#first, bytes);
    return null;
  }

  #begin(head: Buffer): void {
    const [cipher, mac] = [this.#info, this.#mac];
    const first = mac.isETM ? Buffer.from(head) : this.#decipher.update(head);
    const length = first.readUInt32BE(0);
    const aligned = mac.isETM ? length : LENGTH + length;
    const most = this.#longest - LENGTH - mac.length;
    if (length > most || length < cipher.blockLen - (mac.isETM ? 0 : LENGTH) || aligned % cipher.blockLen !== 0) {
      this.#fail(head.length, 0);
      return;
    }
    this.#first = first;
    this.#length = length;
    this.#wanted = LENGTH + length - head.length + mac.length;
  }

  #finish(first: Buffer, bytes: Buffer): Buffer | null {
    const mac = this.#mac;
    const body = bytes.subarray(0, bytes.length - mac.length);
    const hmac = mac.start(this.inSeqno);
    let packet: Buffer;
    if (mac.isETM) {
      if (!matches(hmac.update(first).update(body), bytes.subarray(body.length))) {
        return this.#fail(first.length + bytes.length, first.length + body.length);
      }
      packet = this.#decipher.update(body);
    } else {
      const clear = Buffer.concat([first, this.#decipher.update(body)]);
      if (!matches(hmac.update(clear), bytes.subarray(body.length))) {
        return this.#fail(first.length + bytes.length, clear.length);
      }
      packet = clear.subarray(LENGTH);
    }
    const padding = packet[0]!;
    if (padding + 1 > this.#length) throw new RangeError("Bad packet length"); // by the peer itself: the MAC was right
    this.inSeqno = (this.inSeqno + 1) >>> 0;
    this.#first = null;
    this.#wanted = this.#head;
    return packet.subarray(1, this.#length - padding);
  }

  /** Takes as many bytes as the longest packet has, counted from this packet's start, before anything is seen to be wrong. */
  #fail(taken: number, macked: number): null {
    this.#failedAfter = macked;
    this.#wanted = this.#longest - taken;
    return this.#wanted > 0 ? null : this.#giveUp();
  }

  #giveUp(): never {
    const rest = Buffer.alloc(this.#longest - this.#failedAfter);
    this.#mac.start(this.inSeqno).update(rest).digest();
    throw new Error("Invalid MAC");
  }
}

function matches(hmac: Hmac, received: Buffer): boolean {
  return timingSafeEqual(hmac.digest(), received);
}
