/** The numbers of the connection protocol (RFC 4254 sections 5.1, 5.2 and 9), and names made of channel types. */

export const MSG_GLOBAL_REQUEST = 80;
export const MSG_REQUEST_SUCCESS = 81;
export const MSG_REQUEST_FAILURE = 82;
export const MSG_CHANNEL_OPEN = 90;
export const MSG_CHANNEL_OPEN_CONFIRMATION = 91;
export const MSG_CHANNEL_OPEN_FAILURE = 92;
export const MSG_CHANNEL_WINDOW_ADJUST = 93;
export const MSG_CHANNEL_DATA = 94;
export const MSG_CHANNEL_EXTENDED_DATA = 95;
export const MSG_CHANNEL_EOF = 96;
export const MSG_CHANNEL_CLOSE = 97;
export const MSG_CHANNEL_REQUEST = 98;
export const MSG_CHANNEL_SUCCESS = 99;
export const MSG_CHANNEL_FAILURE = 100;

/** Number to name, as `protocolMessages` has them. */
export const messages: Record<number, string> = {
  80: "MSG_GLOBAL_REQUEST",
  81: "MSG_REQUEST_SUCCESS",
  82: "MSG_REQUEST_FAILURE",
  90: "MSG_CHANNEL_OPEN",
  91: "MSG_CHANNEL_OPEN_CONFIRMATION",
  92: "MSG_CHANNEL_OPEN_FAILURE",
  93: "MSG_CHANNEL_WINDOW_ADJUST",
  94: "MSG_CHANNEL_DATA",
  95: "MSG_CHANNEL_EXTENDED_DATA",
  96: "MSG_CHANNEL_EOF",
  97: "MSG_CHANNEL_CLOSE",
  98: "MSG_CHANNEL_REQUEST",
  99: "MSG_CHANNEL_SUCCESS",
  100: "MSG_CHANNEL_FAILURE",
};

// Why a channel is refused (RFC 4254 section 5.1).
export const OPEN_ADMINISTRATIVELY_PROHIBITED = 1;
export const OPEN_CONNECT_FAILED = 2;
export const OPEN_UNKNOWN_CHANNEL_TYPE = 3;
export const OPEN_RESOURCE_SHORTAGE = 4;

export const EXTENDED_DATA_STDERR = 1;

export const alphanums = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** For each byte itself if it is a letter or a digit, else `_`: how a channel type becomes the name of a method. */
export const TRANSLATE_TABLE: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return alphanums.includes(character) ? character : "_";
});
