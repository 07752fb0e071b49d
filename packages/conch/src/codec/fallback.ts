/** Packets under what ssh2 has where its addon is missing: node:crypto, and Poly1305 in WebAssembly. */
import type { Codec } from "ssh2/lib/protocol/crypto.js";
import type { Cipher, Decipher, Keys } from "./cipher.js";

export class FallbackCipher implements Cipher {
  readonly tagRoom = 0;
  readonly #cipher;
  #chunks: Buffer[] = [];

  constructor(codec: Codec, keys: Keys, sequence: number) {
    this.#cipher = codec.createCipher({
      outbound: {
        seqno: sequence,
        onWrite: (chunk: Buffer) => this.#chunks.push(chunk),
        cipherInfo: keys.cipher,
        cipherKey: keys.key,
        cipherIV: keys.iv,
        macInfo: keys.mac ?? undefined,
        macKey: keys.macKey,
        forceNative: true, // "native" to Node, as ssh2 means it: its fallback
      },
    });
  }

  get outSeqno(): number {
    return this.#cipher.outSeqno;
  }

  encrypt(packet: Buffer): Buffer {
    this.#chunks = [];
    this.#cipher.encrypt(packet);
    return Buffer.concat(this.#chunks);
  }

  free(): void {
    this.#cipher.free();
  }
}

export class FallbackDecipher implements Decipher {
  payload: Buffer | null = null;
  readonly #decipher;

  constructor(codec: Codec, keys: Keys, sequence: number) {
    this.#decipher = codec.createDecipher({
      inbound: {
        seqno: sequence,
        onPayload: (payload: Buffer): false => {
          this.payload = payload;
          return false; // no more than one
        },
        decipherInfo: keys.cipher,
        decipherKey: keys.key,
        decipherIV: keys.iv,
        macInfo: keys.mac ?? undefined,
        macKey: keys.macKey,
        forceNative: true, // "native" to Node, as ssh2 means it: its fallback
      },
    });
  }

  get inSeqno(): number {
    return this.#decipher.inSeqno;
  }

  decrypt(data: Buffer, start: number, end: number): number {
    return this.#decipher.decrypt(data, start, end) ?? end;
  }

  free(): void {
    this.#decipher.free();
  }
}
