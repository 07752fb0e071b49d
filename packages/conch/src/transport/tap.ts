/** Looking at the packets of a connection as they pass, and changing them: for recorders, gateways and honeypots. */

/** "in" comes from the peer, "out" goes to it. */
export type TapDirection = "in" | "out";

/** Message number and body. */
export type TappedPacket = readonly [messageNum: number, payload: Uint8Array];

/**
 * Is shown each packet in the order in which it is on the wire, decrypted, passwords and all; `payload` is the body and a
 * copy. What comes
 * in is shown before it is admitted, what goes out right before it is sealed. Returns nothing to let the packet pass,
 * else what takes its place: no packet to drop it, another one to change it, several to inject some. Those are not shown
 * again; what takes the place of an incoming packet must be admissible where it stands. Messages 20 to 49 are part of the
 * key exchange, which fails when they change.
 *
 * ```ts
 * transport.packetTap = (direction, messageNum, payload) => {
 *   record(direction, messageNum, payload);
 *   if (direction === "in" && messageNum === MSG_IGNORE) return []; // dropped
 * };
 * ```
 */
export type PacketTap = (
  direction: TapDirection,
  messageNum: number,
  payload: Buffer,
) => readonly TappedPacket[] | undefined | void;
