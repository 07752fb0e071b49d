/** How a shared secret is hashed by most methods (RFC 4253 section 8, RFC 5656 section 4, RFC 8731 section 3.1). */
import { mpintFromMagnitude, Writer } from "../wire/writer.js";

/** K as an mpint with its length: the secret's bytes read as a big-endian number. */
export function asMpint(secret: Buffer): Buffer {
  const out = new Writer(secret.length + 5);
  out.string(mpintFromMagnitude(secret));
  return out.payload();
}
