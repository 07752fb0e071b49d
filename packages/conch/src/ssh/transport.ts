/** The lowest layer of SSH: packets, key exchange, services (twisted.conch.ssh.transport; RFC 4253). */
import { getDHGeneratorAndPrime } from "./_kex.js";

export * from "../transport/constants.js";
export { nativeCiphers } from "../codec/ssh2.js";
export { PROFILES, type AlgorithmChoice, type AlgorithmLists, type Profile } from "../transport/algorithms.js";
export { SSHTransportBase, type TransportService } from "../transport/base.js";
export { SSHClientTransport } from "../transport/client.js";
export {
  SSHServerTransport,
  type HostCertificate,
  type HostKeySigner,
  type ServerTransportFactory,
} from "../transport/server.js";
export type { Encryptions } from "../transport/encryptions.js";
export { hassh, hasshServer } from "../transport/hassh.js";
export type { Offer } from "../transport/negotiation.js";
export type { KexInitMoment } from "../transport/settings.js";
export { type ConnectionState, StateKey } from "../transport/state.js";
export type { PacketTap, TapDirection, TappedPacket } from "../transport/tap.js";
export {
  SSHCiphers,
  type CipherContext,
  type CipherEntry,
  type CipherWithKey,
  type MACParts,
} from "../transport/ciphers.js";

/** The group of diffie-hellman-group14. */
export const [DH_GENERATOR, DH_PRIME] = getDHGeneratorAndPrime("diffie-hellman-group14-sha1");
