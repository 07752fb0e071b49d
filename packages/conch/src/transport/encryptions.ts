/** What protects a connection, by name. Sealing and opening packets is the codec's, in one step, and not to be called by hand. */
import type { Protection } from "../codec/packets.js";

/** The two directions as we see them. A cipher that authenticates by itself stands for the MAC too. */
export interface Encryptions {
  readonly outCipType: string;
  readonly inCipType: string;
  readonly outMACType: string;
  readonly inMACType: string;
  /** In bytes; "none" counts as 8. */
  readonly encBlockSize: number;
  readonly decBlockSize: number;
  /** Bytes of the MAC of what comes in. */
  readonly verifyDigestSize: number;
}

/** null is no protection. */
export function encryptionsOf(outgoing: Protection | null, incoming: Protection | null): Encryptions {
  return {
    outCipType: outgoing?.cipher.name ?? "none",
    inCipType: incoming?.cipher.name ?? "none",
    outMACType: macOf(outgoing),
    inMACType: macOf(incoming),
    encBlockSize: outgoing?.cipher.blockSize ?? 8,
    decBlockSize: incoming?.cipher.blockSize ?? 8,
    verifyDigestSize: incoming === null ? 0 : (incoming.mac?.info.actualLen ?? incoming.cipher.info.authLen),
  };
}

function macOf(protection: Protection | null): string {
  return protection === null ? "none" : (protection.mac?.name ?? protection.cipher.name);
}
