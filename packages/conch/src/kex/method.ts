/** What a key exchange method of two messages does: each side sends one value (RFC 4253 section 8, RFC 5656, RFC 8731). */

export type HashName = "sha1" | "sha256" | "sha384" | "sha512";

/** A method by name. Every value is the body of the string (or mpint) that carries it on the wire. */
export interface PairMethod {
  readonly name: string;
  readonly hash: HashName;
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
