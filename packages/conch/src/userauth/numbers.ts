/** Message numbers of user authentication (RFC 4252 section 6, RFC 4256 section 5). */

export const MSG_USERAUTH_REQUEST = 50;
export const MSG_USERAUTH_FAILURE = 51;
export const MSG_USERAUTH_SUCCESS = 52;
export const MSG_USERAUTH_BANNER = 53;
export const MSG_USERAUTH_PK_OK = 60;
/** Shares 60: what the number means depends on the method in use. */
export const MSG_USERAUTH_PASSWD_CHANGEREQ = 60;
/** Shares 60: what the number means depends on the method in use. */
export const MSG_USERAUTH_INFO_REQUEST = 60;
export const MSG_USERAUTH_INFO_RESPONSE = 61;

export const protocolMessages: Readonly<Record<number, string>> = {
  [MSG_USERAUTH_REQUEST]: "MSG_USERAUTH_REQUEST",
  [MSG_USERAUTH_FAILURE]: "MSG_USERAUTH_FAILURE",
  [MSG_USERAUTH_SUCCESS]: "MSG_USERAUTH_SUCCESS",
  [MSG_USERAUTH_BANNER]: "MSG_USERAUTH_BANNER",
  [MSG_USERAUTH_PK_OK]: "MSG_USERAUTH_PK_OK",
  [MSG_USERAUTH_INFO_RESPONSE]: "MSG_USERAUTH_INFO_RESPONSE",
};
