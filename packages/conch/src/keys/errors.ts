/** What can be wrong with a key (twisted.conch.ssh.keys). */

/** Data that is no key we understand: unknown type, malformed or inconsistent content, wrong passphrase. */
export class BadKeyError extends Error {
  override readonly name = "BadKeyError";
  readonly code = "ERR_SSH_BAD_KEY";
}

/** An encrypted private key, and no passphrase was given. */
export class EncryptedKeyError extends Error {
  override readonly name = "EncryptedKeyError";
  readonly code = "ERR_SSH_ENCRYPTED_KEY";
}

/** A fingerprint format that does not exist. */
export class BadFingerPrintFormat extends Error {
  override readonly name = "BadFingerPrintFormat";
  readonly code = "ERR_SSH_BAD_FINGERPRINT_FORMAT";
}

/** A signature algorithm that does not belong to the key's type. */
export class BadSignatureAlgorithmError extends Error {
  override readonly name = "BadSignatureAlgorithmError";
  readonly code = "ERR_SSH_BAD_SIGNATURE_ALGORITHM";
}

/** A passphrase given as text holds a code point that Unicode has not assigned, so its normal form may yet change. */
export class PassphraseNormalizationError extends Error {
  override readonly name = "PassphraseNormalizationError";
  readonly code = "ERR_SSH_PASSPHRASE_NORMALIZATION";
}

/** A certificate that is well made, and does not prove what it should; the message says why. */
export class CertificateError extends Error {
  override readonly name = "CertificateError";
  readonly code = "ERR_SSH_CERTIFICATE";
}
