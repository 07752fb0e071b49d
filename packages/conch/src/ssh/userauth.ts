/** User authentication (twisted.conch.ssh.userauth; RFC 4252, RFC 4256). */
export { DEFAULT_USER_KEY_ALGORITHMS } from "../transport/algorithms.js";
export { type HostBasedIdentity, SSHUserAuthClient } from "../userauth/client.js";
export {
  MSG_USERAUTH_BANNER,
  MSG_USERAUTH_FAILURE,
  MSG_USERAUTH_INFO_REQUEST,
  MSG_USERAUTH_INFO_RESPONSE,
  MSG_USERAUTH_PASSWD_CHANGEREQ,
  MSG_USERAUTH_PK_OK,
  MSG_USERAUTH_REQUEST,
  MSG_USERAUTH_SUCCESS,
} from "../userauth/numbers.js";
export type { Prompt } from "../userauth/dialogue.js";
export type { Login, UserAuthFactory } from "../userauth/login.js";
export { SSHUserAuthServer } from "../userauth/server.js";
export { transportOf } from "../userauth/scope.js";
