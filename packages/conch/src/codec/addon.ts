/**
 * Packets under the ciphers of ssh2's native addon (RFC 4253 section 6, RFC 5647, OpenSSH's PROTOCOL.chacha20poly1305):
 * the addon seals and opens in place, this lays out what it works on.
 */
import { FramedDecipher, LENGTH } from "./framed.js";
import type { Cipher, Decipher, Keys } from "./cipher.js";

interface Freed {
  free(): void;
}

interface Sealing extends Freed {
  /** Seals a whole packet with room for its tag behind it; AES-GCM has its own count. */
  encrypt(packet: Buffer, sequence: number): void;
}

type Keyed = [name: string, key: Buffer, iv: Buffer];
type KeyedWithMac = [...Keyed, macName: string, macKey: Buffer, etm: boolean];

/** What the addon exports, as of the version that package.json pins. `decrypt` throws where a packet is not genuine. */
export interface Addon {
  readonly AESGCMCipher: new (...keyed: Keyed) => Sealing;
  readonly ChaChaPolyCipher: new (key: Buffer) => Sealing;
  readonly GenericCipher: new (...keyed: KeyedWithMac) => Sealing;
  readonly AESGCMDecipher: new (...keyed: Keyed) => Freed & {
    decrypt(packet: Buffer, length: number, tag: Buffer): void;
  };
  readonly ChaChaPolyDecipher: new (key: Buffer) => Freed & {
    decryptLen(field: Buffer, sequence: number): number;
    decrypt(packet: Buffer, tag: Buffer, sequence: number): void;
  };
  readonly GenericDecipher: new (...keyed: [...KeyedWithMac, macLength: number]) => Freed & {
    decryptBlock(block: Buffer): void;
    /** `length` is the packet's length field, in the clear. */
    decrypt(packet: Buffer, sequence: number, length: Buffer, mac: Buffer): void;
  };
}

export function addonCipher(addon: Addon, keys: Keys, sequence: number): Cipher {
  return new AddonCipher(sealing(addon, keys), sequence, keys.mac?.actualLen ?? keys.cipher.authLen);
}

function sealing(addon: Addon, { cipher, key, iv, mac, macKey }: Keys): Sealing {
  if (mac !== null) return new addon.GenericCipher(cipher.sslName, key, iv, mac.sslName, macKey, mac.isETM);
  return cipher.sslName === "chacha20"
    ? new addon.ChaChaPolyCipher(key)
    : new addon.AESGCMCipher(cipher.sslName, key, iv);
}

export function addonDecipher(addon: Addon, keys: Keys, sequence: number): Decipher {
  if (keys.mac !== null) return new MacDecipher(addon, keys, sequence);
  return keys.cipher.sslName === "chacha20"
    ? new ChaChaDecipher(addon, keys, sequence)
    : new GcmDecipher(addon, keys, sequence);
}

class AddonCipher implements Cipher {
  outSeqno: number;
  readonly tagRoom: number;
  readonly #sealing: Sealing;

  constructor(sealing: Sealing, sequence: number, tagRoom: number) {
    this.outSeqno = sequence;
    this.tagRoom = tagRoom;
    this.#sealing = sealing;
  }

  encrypt(packet: Buffer): Buffer {
    this.#sealing.encrypt(packet, this.outSeqno);
    this.outSeqno = (this.outSeqno + 1) >>> 0;
    return packet;
  }

  free(): void {
    this.#sealing.free();
  }
}

class GcmDecipher extends FramedDecipher {
  readonly #opening;

  constructor(addon: Addon, { cipher, key, iv }: Keys, sequence: number) {
    super(sequence, { block: cipher.blockLen, tagLength: cipher.authLen, isLengthClear: true });
    this.#opening = new addon.AESGCMDecipher(cipher.sslName, key, iv);
  }

  protected override lengthAt(data: Buffer, at: number): number {
    return data.readUInt32BE(at);
  }

  protected override open(data: Buffer, at: number, end: number, after: number): void {
    this.#opening.decrypt(data.subarray(at + LENGTH, end), end - at - LENGTH, data.subarray(end, after));
  }

  override free(): void {
    this.#opening.free();
  }
}

class ChaChaDecipher extends FramedDecipher {
  readonly #opening;

  constructor(addon: Addon, { cipher, key }: Keys, sequence: number) {
    super(sequence, { block: cipher.blockLen, tagLength: cipher.authLen, isLengthClear: true });
    this.#opening = new addon.ChaChaPolyDecipher(key);
  }

  protected override lengthAt(data: Buffer, at: number): number {
    return this.#opening.decryptLen(data.subarray(at, at + LENGTH), this.inSeqno); // and it keeps the field for the tag
  }

  protected override open(data: Buffer, at: number, end: number, after: number): void {
    this.#opening.decrypt(data.subarray(at + LENGTH, end), data.subarray(end, after), this.inSeqno);
  }

  override free(): void {
    this.#opening.free();
  }
}

/** A stream cipher with a MAC: over the packet (RFC 4253 section 6.4), or over what is sealed ("-etm"). */
class MacDecipher extends FramedDecipher {
  readonly #opening;
  readonly #isETM: boolean;

  constructor(addon: Addon, keys: Keys, sequence: number) {
    const { cipher, key, iv, macKey } = keys;
    const { sslName, isETM, actualLen } = keys.mac!;
    super(sequence, { block: cipher.blockLen, tagLength: actualLen, isLengthClear: isETM });
    this.#isETM = isETM;
    this.#opening = new addon.GenericDecipher(cipher.sslName, key, iv, sslName, macKey, isETM, actualLen);
  }

  protected override lengthAt(data: Buffer, at: number): number {
    if (!this.#isETM) this.#opening.decryptBlock(data.subarray(at, at + LENGTH));
    return data.readUInt32BE(at);
  }

  protected override open(data: Buffer, at: number, end: number, after: number): void {
    const [field, packet, mac] = [
      data.subarray(at, at + LENGTH),
      data.subarray(at + LENGTH, end),
      data.subarray(end, after),
    ];
    this.#opening.decrypt(packet, this.inSeqno, field, mac);
  }

  override free(): void {
    this.#opening.free();
  }
}
