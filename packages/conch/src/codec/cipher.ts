/** What ciphers packets, and what it is told; rows of algorithms are as in ssh2's tables. */

/** Seals packets of one direction. */
export interface Cipher {
  /** The number of the next packet. */
  readonly outSeqno: number;
  /** Bytes that it wants behind a packet, for its tag. */
  readonly tagRoom: number;
  /** What is to be written for a packet, encrypted in place where it can be. */
  encrypt(packet: Buffer): Buffer;
  free(): void;
}

/** Opens packets of one direction. */
export interface Decipher {
  /** The number of the next packet. */
  readonly inSeqno: number;
  /** What `decrypt` has come upon, to be taken out: a view, with its padding length in the byte before it. */
  payload: Buffer | null;
  /**
   * Takes bytes from `start` on, decrypting in place, up to the end of a packet or to `end`, and returns how far it came.
   * After a throw it must not be fed again.
   */
  decrypt(data: Buffer, start: number, end: number): number;
  free(): void;
}

/** What the codec is told of a cipher; lengths in bytes. */
export interface CipherInfo {
  /** OpenSSL's name. */
  readonly sslName: string;
  readonly blockLen: number;
  readonly keyLen: number;
  readonly ivLen: number;
  /** 0, or the length of an AEAD cipher's tag. */
  readonly authLen: number;
}

/** What the codec is told of a MAC; `len` is the key's length and `actualLen` what travels, in bytes. */
export interface MacInfo {
  readonly sslName: string;
  readonly len: number;
  readonly actualLen: number;
  readonly isETM: boolean;
}

export interface Keys {
  readonly cipher: CipherInfo;
  readonly key: Buffer;
  readonly iv: Buffer;
  /** Unused under an AEAD cipher. */
  readonly mac: MacInfo | null;
  readonly macKey: Buffer;
}
