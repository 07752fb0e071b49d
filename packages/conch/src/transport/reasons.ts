/** What an error means to the peer: the reason of our DISCONNECT, and whose fault it is (RFC 4253 section 11.1). */
import { DisconnectError } from "../error.js";
import {
  DISCONNECT_BY_APPLICATION,
  DISCONNECT_COMPRESSION_ERROR,
  DISCONNECT_CONNECTION_LOST,
  DISCONNECT_KEY_EXCHANGE_FAILED,
  DISCONNECT_MAC_ERROR,
  DISCONNECT_PROTOCOL_ERROR,
  DISCONNECT_PROTOCOL_VERSION_NOT_SUPPORTED,
} from "./constants.js";
import { FloodError } from "./identification.js";

/** The reasons that are about what the peer sent: it broke the protocol... */
export const BREACH: ReadonlySet<number> = new Set([
  DISCONNECT_PROTOCOL_ERROR,
  DISCONNECT_MAC_ERROR,
  DISCONNECT_COMPRESSION_ERROR,
  DISCONNECT_PROTOCOL_VERSION_NOT_SUPPORTED,
]);

/** ...or there is no algorithm that both have. */
export const BAD_INPUT: ReadonlySet<number> = new Set([...BREACH, DISCONNECT_KEY_EXCHANGE_FAILED]);

/** What the peer is told of an error: what failed, and nothing of why when the fault is not its own. */
export function described(error: unknown): [reason: number, description: string] {
  if (error instanceof DisconnectError) return [error.reason, error.message];
  if (error instanceof FloodError) return [DISCONNECT_CONNECTION_LOST, error.message];
  return [DISCONNECT_BY_APPLICATION, "internal error"];
}
