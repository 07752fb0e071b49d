/** The defence of a server before login: who is let in at all. */
export { DEFAULT_PENALTIES, Defence, type DefenceOptions, type Refusal } from "./defence/defence.js";
export type { PenaltyTerms } from "./defence/penalties.js";
export type { Gate, Offence, Visit } from "./transport/gate.js";
