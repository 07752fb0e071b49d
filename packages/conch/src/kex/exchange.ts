/** What both sides compute once they share K: the exchange hash (RFC 4253 section 8) and the keys (section 7.2). */
import { hash as digest } from "node:crypto";
import type { CipherAlgorithm, MacAlgorithm } from "../codec/algorithms.js";
import type { DirectionKeys } from "../codec/packets.js";
import { Writer } from "../wire/writer.js";
import type { HashName } from "./method.js";

/** The strings that are hashed, all as they travelled. */
export interface Transcript {
  readonly clientVersion: Buffer;
  readonly serverVersion: Buffer;
  /** KEXINIT payloads, message numbers included. */
  readonly clientKexInit: Buffer;
  readonly serverKexInit: Buffer;
  readonly hostKey: Buffer;
  /** Of a group exchange, the request and the group, as one. */
  readonly prelude?: Buffer | undefined;
  /** Each side's value. */
  readonly clientValue: Buffer;
  readonly serverValue: Buffer;
  /** K with its length, as its method encodes it. */
  readonly secret: Buffer;
}

/** H */
export function exchangeHash(hash: HashName, transcript: Transcript): Buffer {
  const out = new Writer(4096);
  out.string(transcript.clientVersion);
  out.string(transcript.serverVersion);
  out.string(transcript.clientKexInit);
  out.string(transcript.serverKexInit);
  out.string(transcript.hostKey);
  if (transcript.prelude !== undefined) out.raw(transcript.prelude);
  out.string(transcript.clientValue);
  out.string(transcript.serverValue);
  out.raw(transcript.secret);
  return digest(hash, out.payload(), "buffer");
}

/** What an exchange leaves behind, from which keys are derived. */
export interface Agreement {
  readonly hash: HashName;
  /** K with its length. */
  readonly secret: Buffer;
  readonly exchangeHash: Buffer;
  readonly sessionID: Buffer;
}

export type Direction = "clientToServer" | "serverToClient";

/** The letters of RFC 4253 section 7.2: initial IV, cipher key, MAC key. */
const LETTERS: Record<Direction, readonly [iv: Buffer, key: Buffer, macKey: Buffer]> = {
  clientToServer: [Buffer.from("A"), Buffer.from("C"), Buffer.from("E")],
  serverToClient: [Buffer.from("B"), Buffer.from("D"), Buffer.from("F")],
};

export function deriveKeys(
  agreement: Agreement,
  direction: Direction,
  cipher: CipherAlgorithm,
  mac: MacAlgorithm | null,
): DirectionKeys {
  const [iv, key, macKey] = LETTERS[direction];
  return {
    cipher,
    mac,
    iv: derive(agreement, iv, cipher.ivLength),
    key: derive(agreement, key, cipher.keyLength),
    macKey: derive(agreement, macKey, mac?.keyLength ?? 0),
  };
}

/** HASH(K, H, letter, session id), prolonged by HASH(K, H, all so far) until `length` bytes are there. */
function derive({ hash, secret, exchangeHash, sessionID }: Agreement, letter: Buffer, length: number): Buffer {
  if (length === 0) return Buffer.alloc(0);
  const next = (...more: readonly Buffer[]): Buffer =>
    digest(hash, Buffer.concat([secret, exchangeHash, ...more]), "buffer");
  let block = next(letter, sessionID);
  while (block.length < length) block = Buffer.concat([block, next(block)]);
  return block.subarray(0, length);
}
