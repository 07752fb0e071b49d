/**
 * Messages 30 to 49 belong to the key exchange in use. In the methods of two messages each side sends one value: the
 * string of RFC 5656 and RFC 8731 and the mpint of RFC 4253 section 8 look alike on the wire.
 */
import { bytes } from "../wire/fields.js";
import { message } from "../wire/message.js";

export const KexPairInit = message("KEX_PAIR_INIT", 30, { value: bytes });
export const KexPairReply = message("KEX_PAIR_REPLY", 31, { hostKey: bytes, value: bytes, signature: bytes });
