/**
 * Messages 30 to 49 belong to the key exchange in use. In the methods of two messages each side sends one value: the
 * string of RFC 5656 and RFC 8731 and the mpint of RFC 4253 section 8 look alike on the wire, and so all numbers are
 * strings here, whose form the methods check.
 */
import { bytes, uint32 } from "../wire/fields.js";
import { message } from "../wire/message.js";

export const KexPairInit = message("KEX_PAIR_INIT", 30, { value: bytes });
export const KexPairReply = message("KEX_PAIR_REPLY", 31, { hostKey: bytes, value: bytes, signature: bytes });

// Group exchange (RFC 4419 section 5); sizes are in bits.
export const KexGroupRequestOld = message("KEX_DH_GEX_REQUEST_OLD", 30, { preferred: uint32 });
export const KexGroup = message("KEX_DH_GEX_GROUP", 31, { prime: bytes, generator: bytes });
export const KexGroupInit = message("KEX_DH_GEX_INIT", 32, { value: bytes });
export const KexGroupReply = message("KEX_DH_GEX_REPLY", 33, { hostKey: bytes, value: bytes, signature: bytes });
export const KexGroupRequest = message("KEX_DH_GEX_REQUEST", 34, { min: uint32, preferred: uint32, max: uint32 });
