/** Numbers of the agent protocol (draft-miller-ssh-agent). A frame is its length, the number and the body. */

export const AGENTC_REQUEST_RSA_IDENTITIES = 1;
export const AGENT_RSA_IDENTITIES_ANSWER = 2;
export const AGENT_FAILURE = 5;
export const AGENT_SUCCESS = 6;
export const AGENTC_REMOVE_RSA_IDENTITY = 8;
export const AGENTC_REMOVE_ALL_RSA_IDENTITIES = 9;
export const AGENTC_REQUEST_IDENTITIES = 11;
export const AGENT_IDENTITIES_ANSWER = 12;
export const AGENTC_SIGN_REQUEST = 13;
export const AGENT_SIGN_RESPONSE = 14;
export const AGENTC_ADD_IDENTITY = 17;
export const AGENTC_REMOVE_IDENTITY = 18;
export const AGENTC_REMOVE_ALL_IDENTITIES = 19;
export const AGENTC_ADD_SMARTCARD_KEY = 20;
export const AGENTC_REMOVE_SMARTCARD_KEY = 21;
export const AGENTC_LOCK = 22;
export const AGENTC_UNLOCK = 23;
export const AGENTC_ADD_ID_CONSTRAINED = 25;
export const AGENTC_ADD_SMARTCARD_KEY_CONSTRAINED = 26;
export const AGENTC_EXTENSION = 27;
export const AGENT_EXTENSION_FAILURE = 28;
export const AGENT_EXTENSION_RESPONSE = 29;

/** What limits the use of a key that is added. */
export const AGENT_CONSTRAIN_LIFETIME = 1;
export const AGENT_CONSTRAIN_CONFIRM = 2;
export const AGENT_CONSTRAIN_EXTENSION = 255;

/** What a client asks, by number; `REQUEST_X` is answered by the method `agentc_REQUEST_X`. */
export const messages = new Map<number, string>([
  [AGENTC_REQUEST_RSA_IDENTITIES, "REQUEST_RSA_IDENTITIES"],
  [AGENTC_REMOVE_RSA_IDENTITY, "REMOVE_RSA_IDENTITY"],
  [AGENTC_REMOVE_ALL_RSA_IDENTITIES, "REMOVE_ALL_RSA_IDENTITIES"],
  [AGENTC_REQUEST_IDENTITIES, "REQUEST_IDENTITIES"],
  [AGENTC_SIGN_REQUEST, "SIGN_REQUEST"],
  [AGENTC_ADD_IDENTITY, "ADD_IDENTITY"],
  [AGENTC_REMOVE_IDENTITY, "REMOVE_IDENTITY"],
  [AGENTC_REMOVE_ALL_IDENTITIES, "REMOVE_ALL_IDENTITIES"],
  [AGENTC_ADD_SMARTCARD_KEY, "ADD_SMARTCARD_KEY"],
  [AGENTC_REMOVE_SMARTCARD_KEY, "REMOVE_SMARTCARD_KEY"],
  [AGENTC_LOCK, "LOCK"],
  [AGENTC_UNLOCK, "UNLOCK"],
  [AGENTC_ADD_ID_CONSTRAINED, "ADD_ID_CONSTRAINED"],
  [AGENTC_ADD_SMARTCARD_KEY_CONSTRAINED, "ADD_SMARTCARD_KEY_CONSTRAINED"],
  [AGENTC_EXTENSION, "EXTENSION"],
]);

/** Signature algorithms of RSA keys as flags of a SIGN_REQUEST; 0 is the key's own. */
export const RSA_FLAGS: ReadonlyMap<string, number> = new Map([
  ["rsa-sha2-256", 2],
  ["rsa-sha2-512", 4],
]);
