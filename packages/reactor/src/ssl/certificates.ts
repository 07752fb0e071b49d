/** Certificates and their keys, and whom to trust. */
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { providedBy } from "../components.js";
import { CertificateError } from "../error.js";
import { ValueError } from "../exceptions.js";
import { ISSLTransport, type ITransport } from "../interfaces.js";
import { CertificateOptions } from "./options.js";

/** The parts of a subject's or issuer's name: CN, O, OU, L, ST, C, ... */
export type DistinguishedName = ReadonlyMap<string, string>;

export type CertificateDigest = "md5" | "sha1" | "sha256" | "sha384" | "sha512";

/** A certificate of anybody's. */
export class Certificate {
  readonly x509: X509Certificate;

  /** @throws ValueError if it is none */
  constructor(certificate: X509Certificate | string | Uint8Array) {
    this.x509 = certificate instanceof X509Certificate ? certificate : parsed(certificate);
  }

  /** @throws ValueError */
  static loadPEM(data: string | Uint8Array): Certificate {
    return new Certificate(data);
  }

  /** DER. @throws ValueError */
  static load(data: Uint8Array): Certificate {
    return new Certificate(data);
  }

  /** The certificate that the peer showed. @throws CertificateError if it has shown none, yet or at all */
  static peerFromTransport(transport: ITransport): Certificate {
    const certificate = providedBy(ISSLTransport, transport) ? transport.getPeerCertificate() : null;
    if (certificate === null) throw new CertificateError("the peer has shown no certificate");
    return new Certificate(certificate);
  }

  /** The certificate that this side showed. @throws CertificateError */
  static hostFromTransport(transport: ITransport): Certificate {
    const certificate = providedBy(ISSLTransport, transport) ? transport.getHostCertificate() : null;
    if (certificate === null) throw new CertificateError("this side has shown no certificate");
    return new Certificate(certificate);
  }

  dumpPEM(): string {
    return this.x509.toString();
  }

  dump(): Buffer {
    return this.x509.raw;
  }

  /** Hexadecimal pairs with colons between. */
  digest({ method = "md5" }: { method?: CertificateDigest } = {}): string {
    const hex = createHash(method).update(this.x509.raw).digest("hex").toUpperCase();
    return hex.match(/../g)!.join(":");
  }

  getSubject(): DistinguishedName {
    return nameOf(this.x509.subject);
  }

  getIssuer(): DistinguishedName {
    return nameOf(this.x509.issuer);
  }

  serialNumber(): bigint {
    return BigInt(`0x${this.x509.serialNumber}`);
  }

  getPublicKey(): KeyObject {
    return this.x509.publicKey;
  }

  equals(other: unknown): boolean {
    return other instanceof Certificate && other.x509.raw.equals(this.x509.raw);
  }

  toString(): string {
    return `<${this.constructor.name} Subject=${JSON.stringify(this.x509.subject)} Issuer=${JSON.stringify(this.x509.issuer)}>`;
  }
}

/** A private key. */
export class KeyPair {
  constructor(readonly original: KeyObject) {}

  /** PEM, or DER (PKCS #8). @throws ValueError */
  static load(data: string | Uint8Array): KeyPair {
    try {
      const pem = typeof data === "string" || Buffer.from(data).includes("-----BEGIN ");
      const key = pem
        ? Buffer.from(data as Uint8Array)
        : ({ key: Buffer.from(data), format: "der", type: "pkcs8" } as const);
      return new KeyPair(createPrivateKey(key));
    } catch (error) {
      throw new ValueError("not a private key", { cause: error });
    }
  }

  /** A new RSA key. */
  static generate({ size = 2048 }: { size?: number } = {}): KeyPair {
    // Not the generator's own KeyObject: on Node 20 its use may wait for ever for a lock that the two share.
    const { privateKey } = generateKeyPairSync("rsa", {
      modulusLength: size,
      publicKeyEncoding: { format: "der", type: "spki" },
      privateKeyEncoding: { format: "der", type: "pkcs8" },
    });
    return KeyPair.load(privateKey);
  }

  dumpPEM(): string {
    return this.original.export({ type: "pkcs8", format: "pem" }).toString();
  }
}

/** A certificate with its private key. */
export class PrivateCertificate extends Certificate {
  readonly privateKey: KeyPair;

  /** @throws ValueError if the key does not belong to it */
  constructor(certificate: X509Certificate | string | Uint8Array, privateKey: KeyPair) {
    super(certificate);
    if (!this.x509.checkPrivateKey(privateKey.original)) {
      throw new ValueError("the private key does not belong to the certificate");
    }
    this.privateKey = privateKey;
  }

  /** Both in one PEM text. @throws ValueError */
  static override loadPEM(data: string | Uint8Array): PrivateCertificate {
    return new PrivateCertificate(data, KeyPair.load(data));
  }

  static fromCertificateAndKeyPair(certificate: Certificate, keyPair: KeyPair): PrivateCertificate {
    return new PrivateCertificate(certificate.x509, keyPair);
  }

  override dumpPEM(): string {
    return super.dumpPEM() + this.privateKey.dumpPEM();
  }

  /** For `listenSSL` and `startTLS`; with authorities the peer must show a certificate that one of them signed. */
  options(...authorities: Certificate[]): CertificateOptions {
    return new CertificateOptions({
      privateKey: this.privateKey,
      certificate: this,
      ...(authorities.length === 0 ? {} : { trustRoot: trustRootFromCertificates(authorities) }),
    });
  }
}

/** Whom to trust: certificates in PEM, or null for those that Node trusts. */
export interface TrustRoot {
  readonly ca: readonly string[] | null;
}

/** What this Node trusts: its own list and NODE_EXTRA_CA_CERTS, or the system's where Node was started so. */
export function platformTrust(): TrustRoot {
  return { ca: null };
}

/** Those who were signed by one of these. @throws TypeError for what is no certificate */
export function trustRootFromCertificates(certificates: Iterable<Certificate>): TrustRoot {
  return {
    ca: Array.from(certificates, (certificate: unknown) => {
      if (!(certificate instanceof Certificate)) throw new TypeError("certificates are given as Certificate objects");
      return certificate.x509.toString();
    }),
  };
}

function parsed(data: string | Uint8Array): X509Certificate {
  try {
    return new X509Certificate(Buffer.from(data as Uint8Array));
  } catch (error) {
    throw new ValueError("not a certificate", { cause: error });
  }
}

/** Node has a line for each part. */
function nameOf(text: string): DistinguishedName {
  const parts = new Map<string, string>();
  for (const line of text.split("\n")) {
    const at = line.indexOf("=");
    if (at > 0) parts.set(line.slice(0, at), line.slice(at + 1));
  }
  return parts;
}
