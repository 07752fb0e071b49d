/** Messages 1 to 29: the transport itself (RFC 4253 sections 7, 10 and 11; RFC 8308; OpenSSH's PROTOCOL 1.8). */
import { boolean, bytes, counted, nameList, raw, text, trailingText, uint32 } from "../wire/fields.js";
import { message } from "../wire/message.js";

/** Text and language tag are missing in what some old peers send. */
export const Disconnect = message("DISCONNECT", 1, {
  reason: uint32,
  description: trailingText,
  language: trailingText,
});
export const Ignore = message("IGNORE", 2, { data: bytes });
export const Unimplemented = message("UNIMPLEMENTED", 3, { sequence: uint32 });
export const Debug = message("DEBUG", 4, { alwaysDisplay: boolean, message: text, language: trailingText });
export const ServiceRequest = message("SERVICE_REQUEST", 5, { service: text });
export const ServiceAccept = message("SERVICE_ACCEPT", 6, { service: text });
export const ExtInfo = message("EXT_INFO", 7, { extensions: counted({ name: text, value: bytes }) });

export const KexInit = message("KEXINIT", 20, {
  cookie: raw(16),
  keyExchanges: nameList,
  hostKeys: nameList,
  ciphersToServer: nameList,
  ciphersToClient: nameList,
  macsToServer: nameList,
  macsToClient: nameList,
  compressionsToServer: nameList,
  compressionsToClient: nameList,
  languagesToServer: nameList,
  languagesToClient: nameList,
  firstKexPacketFollows: boolean,
  reserved: uint32,
});
export const NewKeys = message("NEWKEYS", 21, {});

/** OpenSSH's PROTOCOL 1.8: answered by a PONG with the same data. */
export const Ping = message("PING", 192, { data: bytes });
export const Pong = message("PONG", 193, { data: bytes });
