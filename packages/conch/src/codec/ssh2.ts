/**
 * What ciphers packets: the native addon of `ssh2`, the fastest SSH codec in npm, or node:crypto where that was not built,
 * with the Poly1305 of ssh2, which node:crypto lacks. This is the one module that loads anything of ssh2.
 */
import { createRequire } from "node:module";
import { addonCipher, addonDecipher, type Addon } from "./addon.js";
import type { Cipher, Decipher, Keys } from "./cipher.js";
import { nodeCipher, nodeDecipher, type Poly1305 } from "./node-crypto.js";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

/** From 24.19 on, Node 24 aborts when an object of such an addon is garbage-collected (nodejs/node#65446). */
const addonAborts = major === 24 && minor >= 19;

let addon: Addon | null | undefined; // undefined before it was looked for
let poly1305: Poly1305 | null = null;
let pending: Promise<void> | null = null;

/**
 * Loads what ciphers packets, if that has not been done. It takes its part of a server's start, so nothing waits for it
 * before the first connection does.
 */
export function loadCodec(): void {
  load();
}

function load(): Addon | null {
  if (addon !== undefined) return addon;
  addon = loadAddon();
  if (addon === null) {
    pending = loadPoly1305().then((loaded) => {
      poly1305 = loaded;
      pending = null;
    });
    pending.catch(() => {}); // each key exchange hears of it
  }
  return addon;
}

function loadAddon(): Addon | null {
  if (addonAborts) return null;
  try {
    return createRequire(import.meta.url)("ssh2/lib/protocol/crypto/build/Release/sshcrypto.node") as Addon;
  } catch {
    return null; // it was not built, or for another machine
  }
}

/** ssh2's WebAssembly, made by Emscripten. */
interface Poly1305Module {
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  cwrap(
    name: "poly1305_auth",
    returns: null,
    takes: readonly string[],
  ): (tag: number, first: Buffer, firstLength: number, rest: Buffer, restLength: number, key: Buffer) => void;
}

/** @internal for tests */
export async function loadPoly1305(): Promise<Poly1305> {
  const load = createRequire(import.meta.url)("ssh2/lib/protocol/crypto/poly1305.js") as () => Promise<Poly1305Module>;
  const wasm = await load();
  const tag = wasm._malloc(16);
  const auth = wasm.cwrap("poly1305_auth", null, ["number", "array", "number", "array", "number", "array"]);
  return (key, field, rest) => {
    auth(tag, field, field.length, rest, rest.length, key);
    return wasm.HEAPU8.subarray(tag, tag + 16);
  };
}

/** Whether packets run on the native addon: it was built, and this Node can bear it. */
export function nativeCiphers(): boolean {
  return load() !== null;
}

/** Until ciphers can be made, null from then on: Poly1305 is a WebAssembly module that loads by itself. */
export function ciphersPending(): Promise<void> | null {
  load();
  return pending;
}

export function createCipher(keys: Keys, sequence: number): Cipher {
  const addon = load();
  return addon === null ? nodeCipher(keys, sequence, poly1305) : addonCipher(addon, keys, sequence);
}

export function createDecipher(keys: Keys, sequence: number): Decipher {
  const addon = load();
  return addon === null ? nodeDecipher(keys, sequence, poly1305) : addonDecipher(addon, keys, sequence);
}
