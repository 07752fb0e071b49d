/** Keys, certificates and trust for TLS (twisted.internet.ssl). Node's TLS loads when it is first used. */
export {
  Certificate,
  type CertificateDigest,
  type DistinguishedName,
  KeyPair,
  PrivateCertificate,
  type TrustRoot,
  platformTrust,
  trustRootFromCertificates,
} from "./ssl/certificates.js";
export {
  AcceptableCiphers,
  CertificateOptions,
  type CertificateOptionsArguments,
  ClientContextFactory,
  type ClientTLSOptions,
  ContextByName,
  DefaultOpenSSLContextFactory,
  DiffieHellmanParameters,
  TLSVersion,
  optionsForClientTLS,
} from "./ssl/options.js";
export { SSLError, VerificationError } from "./error.js";
