/** curve25519-sha256 and its older name (RFC 8731). */
import type { CurveMethod } from "./method.js";
import { asMpint } from "./secret.js";
import { x25519Pair, x25519Secret } from "./x25519.js";

export function curve25519(name: string): CurveMethod {
  return {
    kind: "curve",
    name,
    hash: "sha256",
    initiate() {
      const { publicBytes, privateKey } = x25519Pair();
      return { value: publicBytes, complete: (serverValue) => asMpint(x25519Secret(privateKey, serverValue)) };
    },
    respond(clientValue) {
      const { publicBytes, privateKey } = x25519Pair();
      return { value: publicBytes, secret: asMpint(x25519Secret(privateKey, clientValue)) };
    },
  };
}
