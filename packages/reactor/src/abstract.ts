/** What is an IP address (twisted.internet.abstract). */
import { isIP } from "node:net";

/** Four decimal parts, or with family 6 an IPv6 literal. Never throws. */
export function isIPAddress(addr: string | Uint8Array, family: 4 | 6 = 4): boolean {
  return isIP(textOf(addr)) === family;
}

/** An IPv6 literal, with or without a `%scope`. Never throws. */
export function isIPv6Address(addr: string | Uint8Array): boolean {
  return isIPAddress(addr, 6);
}

function textOf(addr: string | Uint8Array): string {
  return typeof addr === "string" ? addr : Buffer.from(addr).toString("latin1");
}
