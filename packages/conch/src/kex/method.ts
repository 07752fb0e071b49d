/** What key exchange methods do (RFC 4253 section 8, RFC 4419, RFC 5656, RFC 8731). */

export type HashName = "sha1" | "sha256" | "sha384" | "sha512";

/** An exchange in which each side sends one value. Every value is the body of the string or mpint that carries it. */
export interface Pair {
  /** The client's side: its value, and what it makes of the server's. */
  initiate(): Initiator;
  /**
   * The server's side: answers a client's value.
   * @throws KeyExchangeError if that value is not one of this method.
   */
  respond(clientValue: Buffer): { readonly value: Buffer; readonly secret: Buffer };
}

export interface Initiator {
  readonly value: Buffer;
  /**
   * The shared secret K, encoded as it is hashed: its length, then its bytes.
   * @throws KeyExchangeError if the server's value is not one of this method.
   */
  complete(serverValue: Buffer): Buffer;
}

/** Two messages: a value each way, of a curve or of a hybrid with one. */
export interface CurveMethod extends Pair {
  readonly kind: "curve";
  readonly name: string;
  readonly hash: HashName;
}

/** Two messages: Diffie-Hellman in a group that both sides know. */
export interface FixedGroupMethod extends Pair {
  readonly kind: "fixedGroup";
  readonly name: string;
  readonly hash: HashName;
  /** As node:crypto names it. */
  readonly group: string;
}

/** Four messages: the client asks for a group of some size, and the server has the choice. */
export interface GroupExchangeMethod {
  readonly kind: "groupExchange";
  readonly name: string;
  readonly hash: HashName;
}

export type PairMethod = CurveMethod | FixedGroupMethod;
export type Method = PairMethod | GroupExchangeMethod;
