/** Comparison of secrets in a time that does not depend on what they hold. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { BytesLike } from "@strombus/reactor/interfaces";

/** Nobody outside this process can prepare inputs for what is compared. */
const key = randomBytes(32);

/** Whether two secrets are the same bytes; text counts as UTF-8. */
export function sameBytes(a: BytesLike, b: BytesLike): boolean {
  return timingSafeEqual(tag(a), tag(b));
}

/** Tags have one length, so not even the lengths of the secrets are compared. */
function tag(secret: BytesLike): Buffer {
  return createHmac("sha256", key).update(secret).digest();
}
