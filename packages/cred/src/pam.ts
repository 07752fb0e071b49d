/** Logins by the system's Pluggable Authentication Modules (twisted.cred.pamauth). */
export { PluggableAuthenticationModulesChecker, type PAMCheckerOptions } from "./pam/checker.js";
export { PAM_ERROR_MSG, PAM_PROMPT_ECHO_OFF, PAM_PROMPT_ECHO_ON, PAM_TEXT_INFO } from "./pam/conversation.js";
