/**
 * Which message may arrive when, and from whom: one table of number, stage and role, asked before anything is dispatched
 * (rules T4, T5, T10 and K1 to K4). What stays open here, such as the order of an exchange, its handlers decide.
 */

/** Where a connection stands when a packet arrives. */
export type Stage =
  | "strictKex" // the first exchange, both sides strict: nothing but the exchange
  | "firstKex"
  | "secured" // keys are on, no service runs
  | "userauth"
  | "loggedIn"
  | "rekey"; // from the peer's KEXINIT to its NEWKEYS

export type Verdict =
  | "dispatch"
  | "ignore"
  | "refuse" // UNIMPLEMENTED
  | "close";

type Row = Readonly<Record<Stage, Verdict>>;

const D = "dispatch";
const I = "ignore";
const R = "refuse";
const X = "close";

const row = (...verdicts: readonly [Verdict, Verdict, Verdict, Verdict, Verdict, Verdict]): Row => {
  const [strictKex, firstKex, secured, userauth, loggedIn, rekey] = verdicts;
  return { strictKex, firstKex, secured, userauth, loggedIn, rekey };
};

//                     strictKex firstKex secured userauth loggedIn rekey
const DISCONNECT = row(D, D, D, D, D, D);
const NOTICE = row(X, D, D, D, D, D); // IGNORE, UNIMPLEMENTED, DEBUG
const EXCHANGE = row(D, D, X, X, X, D); // in turn, as the handlers know it
const KEXINIT = row(D, D, D, D, D, X);
const PEERS_OWN = row(X, X, X, X, X, X); // only our role sends these
const OTHER_TO_49 = row(X, R, R, R, R, R);
const OTHER_TO_79 = row(X, X, X, R, R, R);
const OTHER = row(X, X, X, X, R, R);
const CONNECTION = row(X, X, X, X, D, X);
const PING = row(X, X, X, X, D, X);

const shared = new Map<number, Row>([
  [1, DISCONNECT],
  [2, NOTICE],
  [3, NOTICE],
  [4, NOTICE],
  [20, KEXINIT],
  [192, PING],
  [193, PING],
]);

const fromClient = new Map<number, Row>([
  [5, row(X, X, D, D, R, X)],
  [6, PEERS_OWN],
  [7, row(X, X, D, R, R, X)], // as the first packet; the handler knows
  [50, row(X, X, X, D, I, X)],
  [51, PEERS_OWN],
  [52, PEERS_OWN],
  [53, PEERS_OWN],
  [60, PEERS_OWN],
  [61, row(X, X, X, D, I, X)],
]);

const fromServer = new Map<number, Row>([
  [5, PEERS_OWN],
  [6, row(X, X, D, X, R, X)],
  [7, row(X, X, D, D, R, X)], // RFC 8308 section 2.4 has a second one right before SUCCESS
  [50, PEERS_OWN],
  [51, row(X, X, X, D, I, X)],
  [52, row(X, X, X, D, I, X)],
  [53, row(X, X, X, D, I, X)],
  [60, row(X, X, X, D, I, X)],
  [61, PEERS_OWN],
]);

export function admit(number: number, stage: Stage, peerIsServer: boolean): Verdict {
  return rowOf(number, peerIsServer)[stage];
}

function rowOf(number: number, peerIsServer: boolean): Row {
  if (number >= 80 && number <= 100) return CONNECTION;
  const named = shared.get(number) ?? (peerIsServer ? fromServer : fromClient).get(number);
  if (named !== undefined) return named;
  if (number === 21 || (number >= 30 && number <= 49)) return EXCHANGE;
  if (number < 50) return OTHER_TO_49;
  return number < 80 ? OTHER_TO_79 : OTHER;
}

/** May this number go out between our KEXINIT and our NEWKEYS (RFC 4253 section 7.1)? */
export function maySendDuringKex(number: number): boolean {
  return number <= 49 && number !== 5 && number !== 6 && number !== 7 && number !== 20;
}
