/** ecdh-sha2-nistp256, -384 and -521 (RFC 5656 section 4): points travel uncompressed. */
import { createECDH, type ECDH } from "node:crypto";
import { KeyExchangeError } from "../error.js";
import type { HashName, CurveMethod } from "./method.js";
import { asMpint } from "./secret.js";

/** `curve` as OpenSSL names it; `length` of a coordinate, in bytes. */
export function ecdh(name: string, curve: string, length: number, hash: HashName): CurveMethod {
  const secretOf = (ours: ECDH, point: Buffer): Buffer => {
    if (point.length !== 1 + 2 * length || point[0] !== 4) {
      throw new KeyExchangeError(`a value of ${name} is an uncompressed point of ${1 + 2 * length} bytes`);
    }
    try {
      return asMpint(ours.computeSecret(point));
    } catch (cause) {
      throw new KeyExchangeError(`the value is no point of ${curve}`, { cause });
    }
  };
  return {
    kind: "curve",
    name,
    hash,
    initiate() {
      const ours = createECDH(curve);
      return { value: ours.generateKeys(), complete: (serverValue) => secretOf(ours, serverValue) };
    },
    respond(clientValue) {
      const ours = createECDH(curve);
      const value = ours.generateKeys();
      return { value, secret: secretOf(ours, clientValue) };
    },
  };
}
