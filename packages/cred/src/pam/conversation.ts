/** PAM's conversation with a user, and what is said about it between our process and the one that PAM runs in. */

import type { PamItem } from "../credentials/interfaces.js";

/** Kinds of items (pam_conv(3)): two ask, two tell. */
export const PAM_PROMPT_ECHO_OFF = 1;
export const PAM_PROMPT_ECHO_ON = 2;
export const PAM_ERROR_MSG = 3;
export const PAM_TEXT_INFO = 4;

/** Who is to be authenticated. */
export interface PAMRequest {
  readonly service: string;
  readonly user: string;
  readonly remoteHost: string | null;
}

/** From PAM's process: a round of the conversation, or how it ended, with what pam_strerror(3) says. */
export type FromPAM = { readonly items: PamItem[] } | { readonly result: number; readonly text: string };

/** To PAM's process: who, or the answers of a round, null for none. */
export type ToPAM = PAMRequest | { readonly answers: string[] | null };
