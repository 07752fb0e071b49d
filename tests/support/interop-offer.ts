/** What a peer has, by its own word: the lists of its KEXINIT (RFC 4253 section 7.1). */
import { getNS } from "@strombus/conch/ssh/common";

export interface PeerOffer {
  /** Its version line. */
  readonly version: string;
  readonly kex: readonly string[];
  readonly hostKey: readonly string[];
  readonly cipher: readonly string[];
  readonly mac: readonly string[];
  readonly compression: readonly string[];
}

const COOKIE = 16; // bytes

/** @param body a KEXINIT without its message number */
export function readOffer(version: string, body: Buffer): PeerOffer {
  const [kex, hostKey, cipher, , mac, , compression] = getNS(body.subarray(COOKIE), 8);
  const names = (list: Buffer) => list.toString("latin1").split(",");
  return {
    version,
    kex: names(kex),
    hostKey: names(hostKey),
    cipher: names(cipher),
    mac: names(mac),
    compression: names(compression),
  };
}
