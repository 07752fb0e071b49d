/** What a key may ask of us before we believe in it: checked before any costly work. */

/** Bytes of a key file or of any other text or blob that holds a key. */
export const MAX_KEY_FILE = 64 * 1024;

/** Rounds of bcrypt_pbkdf that a key file may ask for; ssh-keygen writes 16 or 24. */
export const MAX_BCRYPT_ROUNDS = 2048;

/** Any number in the key derivation of an encrypted PKCS#8 file, iterations among them. */
export const MAX_PBE_PARAMETER = 4_194_304;

/** Bits of an RSA modulus. */
export const MAX_RSA_BITS = 16_384;

/** Bits of an RSA public exponent: more would only make verifying slow. */
export const MAX_RSA_EXPONENT_BITS = 64;

/** KiB of memory, and KiB times passes, that a PuTTY key may ask Argon2 for; puttygen asks for 8,192 and about 13. */
export const MAX_ARGON2_MEMORY = 262_144;
export const MAX_ARGON2_WORK = 2_097_152;
