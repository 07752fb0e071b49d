/** What a hybrid exchange asks of its lattice: a mechanism that encapsulates a key. All values are raw bytes. */

export interface Kem {
  /** A fresh pair: the encapsulation key, and what opens a ciphertext made with it. */
  pair(): { readonly encapsulationKey: Buffer; decapsulate(ciphertext: Buffer): Buffer };
  /** @throws KeyExchangeError if the key cannot be one (for ML-KEM, FIPS 203 section 7.2). */
  encapsulate(encapsulationKey: Buffer): { readonly ciphertext: Buffer; readonly secret: Buffer };
}

/** In bytes. */
export interface KemSizes {
  readonly encapsulationKey: number;
  readonly ciphertext: number;
}

/** Of Streamlined NTRU Prime 761, with the hash that confirms a ciphertext. */
export const SNTRUP761_SIZES: KemSizes = { encapsulationKey: 1158, ciphertext: 1039 };
