/**
 * The packet ciphers of `ssh2` and nothing else of it: the one module that loads them. Its native addon is the fastest
 * SSH codec in npm; where it was not built, ssh2's own fallback on node:crypto serves.
 */
import { createRequire } from "node:module";
import type { Codec } from "ssh2/lib/protocol/crypto.js";
import { addonCipher, addonDecipher, type Addon } from "./addon.js";
import type { Cipher, CipherInfo, Decipher, Keys, MacInfo } from "./cipher.js";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

/** From 24.19 on, Node 24 aborts when an object of such an addon is garbage-collected (nodejs/node#65446). */
const addonAborts = major === 24 && minor >= 19;

interface Loaded {
  readonly addon: Addon | null;
  /** What serves without it. */
  readonly fallback: Codec | null;
}

let loaded: Loaded | null = null;
let pending: Promise<void> | null = null;

/**
 * Loads what ciphers packets, if that has not been done. It takes its part of a server's start, so nothing waits for it
 * before the first connection does.
 */
export function loadCodec(): void {
  load();
}

function load(): Loaded {
  return (loaded ??= loadAddon() ?? loadFallback());
}

function loadAddon(): Loaded | null {
  if (addonAborts) return null;
  try {
    const addon = createRequire(import.meta.url)("ssh2/lib/protocol/crypto/build/Release/sshcrypto.node") as Addon;
    return { addon, fallback: null };
  } catch {
    return null; // it was not built, or for another machine
  }
}

function loadFallback(): Loaded {
  const fallback = createRequire(import.meta.url)("ssh2/lib/protocol/crypto.js") as Codec;
  pending = fallback.init.then(() => void (pending = null));
  pending.catch(() => {}); // each key exchange hears of it
  return { addon: null, fallback };
}

/** Whether packets run on the native addon: it was built, and this Node can bear it. */
export function nativeCiphers(): boolean {
  return load().addon !== null;
}

/** Until ciphers can be made, null from then on: the fallback's Poly1305 is a WebAssembly module that loads by itself. */
export function ciphersPending(): Promise<void> | null {
  load();
  return pending;
}

const stream = { discardLen: 0, stream: true };

/** The ciphers that we use of those that ssh2 has. */
export const cipherInfo: ReadonlyMap<string, CipherInfo> = new Map([
  ["chacha20-poly1305@openssh.com", { sslName: "chacha20", blockLen: 8, keyLen: 64, ivLen: 0, authLen: 16, ...stream }],
  ["aes256-gcm@openssh.com", { sslName: "aes-256-gcm", blockLen: 16, keyLen: 32, ivLen: 12, authLen: 16, ...stream }],
  ["aes128-gcm@openssh.com", { sslName: "aes-128-gcm", blockLen: 16, keyLen: 16, ivLen: 12, authLen: 16, ...stream }],
  ["aes256-ctr", { sslName: "aes-256-ctr", blockLen: 16, keyLen: 32, ivLen: 16, authLen: 0, ...stream }],
  ["aes192-ctr", { sslName: "aes-192-ctr", blockLen: 16, keyLen: 24, ivLen: 16, authLen: 0, ...stream }],
  ["aes128-ctr", { sslName: "aes-128-ctr", blockLen: 16, keyLen: 16, ivLen: 16, authLen: 0, ...stream }],
]);

export const macInfo: ReadonlyMap<string, MacInfo> = new Map([
  ["hmac-sha2-256-etm@openssh.com", { sslName: "sha256", len: 32, actualLen: 32, isETM: true }],
  ["hmac-sha2-512-etm@openssh.com", { sslName: "sha512", len: 64, actualLen: 64, isETM: true }],
  ["hmac-sha2-256", { sslName: "sha256", len: 32, actualLen: 32, isETM: false }],
  ["hmac-sha2-512", { sslName: "sha512", len: 64, actualLen: 64, isETM: false }],
  ["hmac-sha2-384", { sslName: "sha384", len: 48, actualLen: 48, isETM: false }], // Twisted's
  ["hmac-sha1-etm@openssh.com", { sslName: "sha1", len: 20, actualLen: 20, isETM: true }],
  ["hmac-sha1", { sslName: "sha1", len: 20, actualLen: 20, isETM: false }],
]);

export function createCipher(keys: Keys, sequence: number): Cipher {
  const { addon, fallback } = load();
  return addon === null ? new FallbackCipher(fallback!, keys, sequence) : addonCipher(addon, keys, sequence);
}

export function createDecipher(keys: Keys, sequence: number): Decipher {
  const { addon, fallback } = load();
  return addon === null ? new FallbackDecipher(fallback!, keys, sequence) : addonDecipher(addon, keys, sequence);
}

/** ssh2's fallback gives what is sealed by pieces, and what is opened by a callback. */
class FallbackCipher implements Cipher {
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

class FallbackDecipher implements Decipher {
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
