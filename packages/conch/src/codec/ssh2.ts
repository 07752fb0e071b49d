/**
 * The packet ciphers of `ssh2` and nothing else of it: the one module that imports them. Its native addon is the fastest
 * SSH codec in npm; where it was not built, ssh2's own fallback on node:crypto serves.
 */
import codec from "ssh2/lib/protocol/crypto.js";
import { keepsake } from "./keepsake.js";

/** Seals packets of one direction: `allocPacket` gives a packet with its payload to be filled in from byte 5. */
export interface Cipher {
  readonly outSeqno: number;
  allocPacket(payloadLength: number): Buffer;
  /** Encrypts in place where it can and hands what is to be written to `onWrite`, in one chunk or several. */
  encrypt(packet: Buffer): void;
  free(): void;
}

/** Opens packets of one direction. */
export interface Decipher {
  readonly inSeqno: number;
  /**
   * Takes bytes from `start` on, decrypting in place, until `onPayload` returns false: then it returns where the packet
   * ended. `undefined` means that everything was taken. After a throw it must not be fed again.
   */
  decrypt(data: Buffer, start: number, end: number): number | undefined;
  free(): void;
}

/** A row of ssh2's cipher table; lengths in bytes. */
export interface CipherInfo {
  readonly sslName: string;
  readonly blockLen: number;
  readonly keyLen: number;
  readonly ivLen: number;
  /** 0, or the length of an AEAD cipher's tag. */
  readonly authLen: number;
}

/** A row of ssh2's MAC table; `len` is the key's length and `actualLen` what travels, in bytes. */
export interface MacInfo {
  readonly sslName: string;
  readonly len: number;
  readonly actualLen: number;
  readonly isETM: boolean;
}

export interface Keys {
  readonly cipher: CipherInfo;
  readonly key: Buffer;
  readonly iv: Buffer;
  /** Unused under an AEAD cipher. */
  readonly mac: MacInfo | null;
  readonly macKey: Buffer;
}

/** What ssh2's chunks and payloads go to. A payload is a view, with its padding length in the byte before it. */
export type OnWrite = (chunk: Buffer) => void;
export type OnPayload = (payload: Buffer) => false;

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

/** From 24.19 on, Node 24 aborts when an object of such an addon is garbage-collected (nodejs/node#65446). */
const addonAborts = major === 24 && minor >= 19;

/** Whether packets run on the native addon: it was built, and this Node can bear it. */
export const nativeCiphers: boolean = codec.bindingAvailable && !addonAborts;

/**
 * Until ciphers can be made, null from then on: the fallback's Poly1305 is a WebAssembly module that loads by itself. No
 * module waits for it, or none could be loaded by `require`.
 */
export let ciphersPending: Promise<void> | null = nativeCiphers
  ? null
  : codec.init.then(() => void (ciphersPending = null));
ciphersPending?.catch(() => {}); // each key exchange hears of it

export const cipherInfo = new Map<string, CipherInfo>(Object.entries(codec.CIPHER_INFO));
export const macInfo = new Map<string, MacInfo>(Object.entries(codec.MAC_INFO));

export function createCipher(keys: Keys, sequence: number, onWrite: OnWrite): Cipher {
  return codec.createCipher({
    outbound: {
      seqno: sequence,
      onWrite,
      cipherInfo: keys.cipher,
      cipherKey: keys.key,
      cipherIV: keys.iv,
      macInfo: keys.mac ?? undefined,
      macKey: keys.macKey,
      forceNative: !nativeCiphers, // "native" to Node, as ssh2 means it: its fallback
    },
  });
}

/** Where ssh2's deciphers keep a packet's length and tag until they are whole: a few bytes each, as long as the keys. */
const SCRATCH = ["_block", "_lenBuf", "_mac", "_tag"] as const;

export function createDecipher(keys: Keys, sequence: number, onPayload: OnPayload): Decipher {
  const decipher = codec.createDecipher({
    inbound: {
      seqno: sequence,
      onPayload,
      decipherInfo: keys.cipher,
      decipherKey: keys.key,
      decipherIV: keys.iv,
      macInfo: keys.mac ?? undefined,
      macKey: keys.macKey,
      forceNative: !nativeCiphers, // "native" to Node, as ssh2 means it: its fallback
    },
  });
  for (const name of SCRATCH) {
    const buffer = decipher[name];
    if (Buffer.isBuffer(buffer)) decipher[name] = keepsake(buffer.length);
  }
  return decipher;
}

/** The clear packets before the first NEWKEYS. */
export function nullCipher(sequence: number, onWrite: OnWrite): Cipher {
  return new codec.NullCipher(sequence, onWrite);
}

export function nullDecipher(sequence: number, onPayload: OnPayload): Decipher {
  return new codec.NullDecipher(sequence, onPayload);
}
