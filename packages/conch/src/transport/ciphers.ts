/**
 * SSHCiphers (twisted.conch.ssh.transport): the ciphers and MACs of a connection without its packets, by node:crypto. The
 * transports of this package seal packets in one step and do without it; it is for programs and tests that use Twisted's
 * class by itself. AEAD ciphers, which have no separate MAC, are not in it.
 */
import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from "node:crypto";
import { KeyError, RuntimeError } from "@strombus/reactor/exceptions";

/** The cipher's name without its mode, as OpenSSL has it; the length of its key in bytes; the mode. */
export type CipherEntry = readonly [algorithm: string | null, keyBytes: number, mode: "cbc" | "ctr" | null];

/** Hash, the padded key XOR 0x36 and XOR 0x5c (RFC 2104), digest length in bytes; and the padded key itself. */
export type MACParts = [hash: string | null, innerPad: Buffer | "", outerPad: Buffer | "", digestSize: number] & {
  key?: Buffer;
};

/** One direction of a cipher; its state runs on from call to call. */
export interface CipherContext {
  update(blocks: Uint8Array): Buffer;
}

/** A cipher with its key and initial vector. */
export interface CipherWithKey {
  readonly algorithm: string | null;
  /** In bytes. */
  readonly blockSize: number;
  encryptor(): CipherContext;
  decryptor(): CipherContext;
}

const AES_BLOCK = 16; // bytes
const DES_BLOCK = 8;

const HASHES: Readonly<Record<string, readonly [digestSize: number, blockSize: number]>> = {
  sha512: [64, 128],
  sha384: [48, 128],
  sha256: [32, 64],
  sha1: [20, 64],
  md5: [16, 64],
};

/** Ciphers and MACs of both directions, as in Twisted. */
export class SSHCiphers {
  static readonly cipherMap: ReadonlyMap<string, CipherEntry> = new Map<string, CipherEntry>([
    ["3des-cbc", ["des-ede3", 24, "cbc"]],
    ["aes256-cbc", ["aes-256", 32, "cbc"]],
    ["aes192-cbc", ["aes-192", 24, "cbc"]],
    ["aes128-cbc", ["aes-128", 16, "cbc"]],
    ["aes128-ctr", ["aes-128", 16, "ctr"]],
    ["aes192-ctr", ["aes-192", 24, "ctr"]],
    ["aes256-ctr", ["aes-256", 32, "ctr"]],
    ["3des-ctr", ["des-ede3", 24, "ctr"]],
    ["none", [null, 0, null]],
  ]);
  /** Names of hashes. */
  static readonly macMap: ReadonlyMap<string, string | null> = new Map([
    ["hmac-sha2-512", "sha512"],
    ["hmac-sha2-384", "sha384"],
    ["hmac-sha2-256", "sha256"],
    ["hmac-sha1", "sha1"],
    ["hmac-md5", "md5"],
    ["none", null],
  ]);

  readonly outCipType: string;
  readonly inCipType: string;
  readonly outMACType: string;
  readonly inMACType: string;
  /** Block sizes in bytes; those of "none" are 8. */
  encBlockSize = 0;
  decBlockSize = 0;
  /** Bytes of the MAC of what comes in. */
  verifyDigestSize = 0;
  outMAC: MACParts = [null, "", "", 0];
  inMAC: MACParts = [null, "", "", 0];
  #encryptor: CipherContext | null = null;
  #decryptor: CipherContext | null = null;

  constructor(outCip: string, inCip: string, outMac: string, inMac: string) {
    this.outCipType = outCip;
    this.inCipType = inCip;
    this.outMACType = outMac;
    this.inMACType = inMac;
  }

  /**
   * Keys are cut to what the ciphers take, MAC keys to the length of the digest.
   * @throws KeyError for a name that is in neither map.
   */
  setKeys(outIV: Buffer, outKey: Buffer, inIV: Buffer, inKey: Buffer, outInteg: Buffer, inInteg: Buffer): void {
    const outgoing = this._getCipher(this.outCipType, outIV, outKey);
    const incoming = this._getCipher(this.inCipType, inIV, inKey);
    this.#encryptor = outgoing.encryptor();
    this.encBlockSize = outgoing.blockSize;
    this.#decryptor = incoming.decryptor();
    this.decBlockSize = incoming.blockSize;
    this.outMAC = this._getMAC(this.outMACType, outInteg);
    this.inMAC = this._getMAC(this.inMACType, inInteg);
    this.verifyDigestSize = this.inMAC[3];
  }

  /** Whole blocks. @throws RuntimeError before `setKeys`. */
  encrypt(blocks: Uint8Array): Buffer {
    return keyed(this.#encryptor).update(blocks);
  }

  /** Whole blocks. @throws RuntimeError before `setKeys`. */
  decrypt(blocks: Uint8Array): Buffer {
    return keyed(this.#decryptor).update(blocks);
  }

  /** The MAC of outgoing data, by its packet's number; empty when there is none. */
  makeMAC(seqid: number, data: Uint8Array): Buffer {
    return computeMAC(this.outMAC, seqid, data);
  }

  /** Whether this is the MAC of incoming data; compared in constant time. */
  verify(seqid: number, data: Uint8Array, mac: Uint8Array): boolean {
    const expected = computeMAC(this.inMAC, seqid, data);
    return mac.length === expected.length && timingSafeEqual(mac, expected);
  }

  _getCipher(cip: string, iv: Buffer, key: Buffer): CipherWithKey {
    const entry = SSHCiphers.cipherMap.get(cip);
    if (entry === undefined) throw new KeyError(cip);
    const [algorithm, keyBytes, mode] = entry;
    if (algorithm === null || mode === null) return NONE;
    const blockSize = algorithm === "des-ede3" ? DES_BLOCK : AES_BLOCK;
    const [cutKey, cutIV] = [key.subarray(0, keyBytes), iv.subarray(0, blockSize)];
    if (mode === "ctr" && algorithm === "des-ede3") {
      const context = () => new Counting(algorithm, cutKey, cutIV); // OpenSSL has no such mode
      return { algorithm, blockSize, encryptor: context, decryptor: context };
    }
    const name = `${algorithm}-${mode}`;
    return {
      algorithm,
      blockSize,
      encryptor: () => createCipheriv(name, cutKey, cutIV).setAutoPadding(false),
      decryptor: () => createDecipheriv(name, cutKey, cutIV).setAutoPadding(false),
    };
  }

  _getMAC(mac: string, key: Buffer): MACParts {
    const hash = SSHCiphers.macMap.get(mac);
    if (hash === undefined) throw new KeyError(mac);
    if (hash === null) return [null, "", "", 0];
    const [digestSize, blockSize] = HASHES[hash]!;
    const padded = Buffer.alloc(blockSize);
    padded.set(key.subarray(0, digestSize));
    const parts: MACParts = [hash, xor(padded, 0x36), xor(padded, 0x5c), digestSize];
    parts.key = padded;
    return parts;
  }
}

/** The cipher "none". */
const NONE: CipherWithKey = {
  algorithm: null,
  blockSize: 8,
  encryptor: () => ({ update: (blocks) => Buffer.from(blocks) }),
  decryptor: () => ({ update: (blocks) => Buffer.from(blocks) }),
};

/** Counter mode (RFC 4344 section 4) of a block cipher; encrypting and decrypting are the same. */
class Counting implements CipherContext {
  readonly #cipher;
  readonly #counter: Buffer;
  #stream = Buffer.alloc(0);

  constructor(algorithm: string, key: Buffer, iv: Buffer) {
    this.#cipher = createCipheriv(`${algorithm}-ecb`, key, null).setAutoPadding(false);
    this.#counter = Buffer.from(iv);
  }

  update(blocks: Uint8Array): Buffer {
    const out = Buffer.from(blocks);
    for (let at = 0; at < out.length; at++) {
      if (this.#stream.length === 0) this.#next();
      out[at]! ^= this.#stream[0]!;
      this.#stream = this.#stream.subarray(1);
    }
    return out;
  }

  #next(): void {
    this.#stream = this.#cipher.update(this.#counter);
    for (let at = this.#counter.length - 1; at >= 0; at--) {
      this.#counter[at]! += 1; // modulo 256
      if (this.#counter[at] !== 0) return;
    }
  }
}

function keyed(context: CipherContext | null): CipherContext {
  if (context === null) throw new RuntimeError("no keys are set");
  return context;
}

/** HMAC over the number as a uint32 and the data (RFC 4253 section 6.4). */
function computeMAC({ 0: hash, key }: MACParts, seqid: number, data: Uint8Array): Buffer {
  if (hash === null || key === undefined) return Buffer.alloc(0);
  const number = Buffer.alloc(4);
  number.writeUInt32BE(seqid >>> 0, 0);
  return createHmac(hash, key).update(number).update(data).digest();
}

function xor(bytes: Buffer, value: number): Buffer {
  return bytes.map((byte) => byte ^ value) as Buffer;
}
