/** What TLS is done with: the context factories that `listenSSL`, `connectSSL`, `startTLS` and the endpoints take. */
import { readFileSync } from "node:fs";
import type { KeyObject, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { SecureContext, SecureContextOptions, SecureVersion } from "node:tls";
import { implementer } from "../components.js";
import { NotImplementedError, ValueError } from "../exceptions.js";
import { ITLSContextFactory, type TLSSettings } from "../interfaces.js";

/** Versions of TLS, oldest first. Node has none before TLSv1_0. */
export enum TLSVersion {
  SSLv3,
  TLSv1_0,
  TLSv1_1,
  TLSv1_2,
  TLSv1_3,
}

const NODE_VERSION: Readonly<Record<TLSVersion, SecureVersion>> = {
  [TLSVersion.SSLv3]: "TLSv1",
  [TLSVersion.TLSv1_0]: "TLSv1",
  [TLSVersion.TLSv1_1]: "TLSv1.1",
  [TLSVersion.TLSv1_2]: "TLSv1.2",
  [TLSVersion.TLSv1_3]: "TLSv1.3",
};

/** Cipher suites that may be used. */
export class AcceptableCiphers {
  private constructor(readonly list: string) {}

  /** The names of OpenSSL, with colons between; TLS 1.3 suites too. */
  static fromOpenSSLCipherString(list: string): AcceptableCiphers {
    return new AcceptableCiphers(list);
  }
}

/** Parameters for ephemeral Diffie-Hellman. */
export class DiffieHellmanParameters {
  constructor(readonly pem: string | Buffer) {}

  static fromFile(path: string): DiffieHellmanParameters {
    return new DiffieHellmanParameters(readFileSync(path));
  }
}

/** A certificate as it may be given: an object of ours or of Node's, or PEM. */
type CertificateLike = { readonly x509: X509Certificate } | X509Certificate | string | Buffer;
/** A private key as it may be given: a KeyPair, an object of Node's, or PEM. */
type KeyLike = { readonly original: KeyObject } | KeyObject | string | Buffer;
/** Whom to trust, or the one certificate to trust. */
type TrustLike = { readonly ca: readonly string[] | null } | { readonly x509: X509Certificate };

export interface CertificateOptionsArguments {
  /** Comes together with `certificate`. */
  privateKey?: KeyLike | undefined;
  certificate?: CertificateLike | undefined;
  /** Between our certificate and one that the peer knows. */
  extraCertChain?: readonly CertificateLike[] | undefined;
  /** The peer must show a certificate that one of these signed. */
  trustRoot?: TrustLike | undefined;
  /** The older way to say so, which needs `caCerts`; `requireCertificate` (default true) refuses a peer that has none. */
  verify?: boolean | undefined;
  caCerts?: readonly CertificateLike[] | undefined;
  requireCertificate?: boolean | undefined;
  acceptableCiphers?: AcceptableCiphers | undefined;
  dhParameters?: DiffieHellmanParameters | undefined;
  /** ALPN, in order of preference. */
  acceptableProtocols?: readonly string[] | undefined;
  /** At least this version, and never less than TLS 1.2. */
  raiseMinimumTo?: TLSVersion | undefined;
  /** At least this version, even one that is broken. */
  insecurelyLowerMinimumTo?: TLSVersion | undefined;
  /** At most this version. */
  lowerMaximumSecurityTo?: TLSVersion | undefined;
  /** Default false. */
  enableSessionTickets?: boolean | undefined;
}

const SSL_OP_NO_TICKET = 0x4000;

/** For servers, and for clients that do without a check of the server's name. TLS 1.2 at least. */
@implementer(ITLSContextFactory)
export class CertificateOptions implements ITLSContextFactory {
  readonly #arguments: CertificateOptionsArguments;
  readonly #versions: { minVersion: SecureVersion; maxVersion: SecureVersion };
  #context: SecureContext | null = null;

  /**
   * @throws ValueError for a key without certificate or the reverse, a chain without them, a minimum above the maximum
   * @throws TypeError for two ways at once to say whom to trust, or which versions
   */
  constructor(args: CertificateOptionsArguments = {}) {
    const { privateKey, certificate, extraCertChain = [], trustRoot, verify, caCerts, requireCertificate } = args;
    if ((privateKey === undefined) !== (certificate === undefined)) {
      throw new ValueError("a private key and its certificate come together");
    }
    if (extraCertChain.length > 0 && privateKey === undefined) {
      throw new ValueError("a chain leads from a certificate, and there is none");
    }
    if (trustRoot !== undefined && [verify, caCerts, requireCertificate].some((arg) => arg !== undefined)) {
      throw new TypeError("trustRoot takes the place of verify, caCerts and requireCertificate");
    }
    if ((verify === true) !== (caCerts !== undefined)) {
      throw new ValueError("verify and caCerts come together");
    }
    this.#arguments = args;
    this.#versions = versionsOf(args);
  }

  /** Node's own; made once. @throws what node:tls says of the key or the certificate */
  getContext(): SecureContext {
    return (this.#context ??= process.getBuiltinModule("node:tls").createSecureContext(this.#contextOptions()));
  }

  settingsForTLS(isClient: boolean): TLSSettings {
    const { trustRoot, verify = false, requireCertificate = true, acceptableProtocols = [] } = this.#arguments;
    const mustVerify = trustRoot !== undefined || verify;
    return {
      secureContext: this.getContext(),
      requestCert: mustVerify,
      rejectUnauthorized: mustVerify && (isClient || requireCertificate),
      ...(acceptableProtocols.length === 0 ? {} : { ALPNProtocols: [...acceptableProtocols] }),
      // The chain is verified, if at all; whose it is, optionsForClientTLS asks.
      ...(isClient ? { checkServerIdentity: () => undefined } : {}),
    };
  }

  #contextOptions(): SecureContextOptions {
    const {
      privateKey,
      certificate,
      extraCertChain = [],
      trustRoot,
      caCerts,
      acceptableCiphers,
      dhParameters,
      enableSessionTickets = false,
    } = this.#arguments;
    const ca = caCerts?.map(pemOf) ?? (trustRoot === undefined ? null : authoritiesOf(trustRoot));
    return {
      ...this.#versions,
      ...(privateKey === undefined || certificate === undefined
        ? {}
        : { key: keyOf(privateKey), cert: [certificate, ...extraCertChain].map(pemOf).join("\n") }),
      ...(ca === null ? {} : { ca: [...ca] }),
      ...(acceptableCiphers === undefined ? {} : { ciphers: acceptableCiphers.list }),
      ...(dhParameters === undefined ? {} : { dhparam: dhParameters.pem }),
      ...(enableSessionTickets ? {} : { secureOptions: SSL_OP_NO_TICKET }),
    };
  }
}

export interface ClientTLSOptions {
  /** Default what this Node trusts. */
  trustRoot?: TrustLike | undefined;
  /** Shown if the server asks. A PrivateCertificate. */
  clientCertificate?:
    { readonly x509: X509Certificate; readonly privateKey: { readonly original: KeyObject } } | undefined;
  acceptableProtocols?: readonly string[] | undefined;
  extraCertificateOptions?: Omit<CertificateOptionsArguments, "trustRoot" | "acceptableProtocols"> | undefined;
}

/**
 * For a client: the server's chain is verified, and that its certificate is for `hostname`, a name or an IP address.
 * @throws TypeError unless the name is text
 */
export function optionsForClientTLS(
  hostname: string,
  { trustRoot = { ca: null }, clientCertificate, acceptableProtocols, extraCertificateOptions }: ClientTLSOptions = {},
): ITLSContextFactory {
  if (typeof (hostname as unknown) !== "string") throw new TypeError("the name of a host is text");
  const name = hostname.replace(/\.$/, "");
  const options = new CertificateOptions({
    ...extraCertificateOptions,
    ...(clientCertificate === undefined
      ? {}
      : { privateKey: clientCertificate.privateKey, certificate: clientCertificate }),
    trustRoot,
    acceptableProtocols,
  });
  return new ClientTLS(name, options);
}

@implementer(ITLSContextFactory)
class ClientTLS implements ITLSContextFactory {
  constructor(
    readonly hostname: string,
    readonly options: CertificateOptions,
  ) {}

  settingsForTLS(isClient: boolean): TLSSettings {
    const { checkServerIdentity } = process.getBuiltinModule("node:tls");
    return {
      ...this.options.settingsForTLS(isClient),
      ...(isIP(this.hostname) === 0 ? { servername: this.hostname } : {}), // RFC 6066 section 3: names only
      checkServerIdentity: (_, certificate) => checkServerIdentity(this.hostname, certificate),
    };
  }
}

/** For a server with several names: the certificate is the one of the name that the client asks for (SNI). */
@implementer(ITLSContextFactory)
export class ContextByName implements ITLSContextFactory {
  readonly #byName = new Map<string, CertificateOptions>();
  readonly #otherwise: CertificateOptions;

  /** @param byName names such as "example.org", or "*.example.org" for all names with one label more */
  constructor(byName: Iterable<readonly [name: string, options: CertificateOptions]>, otherwise: CertificateOptions) {
    for (const [name, options] of byName) this.#byName.set(name.toLowerCase(), options);
    this.#otherwise = otherwise;
  }

  settingsForTLS(isClient: boolean): TLSSettings {
    return {
      ...this.#otherwise.settingsForTLS(isClient),
      SNICallback: (servername, done) => {
        try {
          done(null, this.#find(servername.toLowerCase()).getContext());
        } catch (error) {
          done(error as Error);
        }
      },
    };
  }

  #find(name: string): CertificateOptions {
    return this.#byName.get(name) ?? this.#byName.get(name.replace(/^[^.]*/, "*")) ?? this.#otherwise;
  }
}

/** For a server: key and certificate in PEM files, which are read at once. */
export class DefaultOpenSSLContextFactory extends CertificateOptions {
  constructor(privateKeyFileName: string, certificateFileName: string) {
    super({ privateKey: readFileSync(privateKeyFileName), certificate: readFileSync(certificateFileName) });
  }
}

/** For a client that verifies nothing. Prefer `optionsForClientTLS`. */
export class ClientContextFactory extends CertificateOptions {}

function versionsOf(args: CertificateOptionsArguments): { minVersion: SecureVersion; maxVersion: SecureVersion } {
  const { raiseMinimumTo, insecurelyLowerMinimumTo, lowerMaximumSecurityTo = TLSVersion.TLSv1_3 } = args;
  if (raiseMinimumTo !== undefined && insecurelyLowerMinimumTo !== undefined) {
    throw new TypeError("the minimum is raised or lowered, not both");
  }
  const raised = raiseMinimumTo === TLSVersion.TLSv1_3 ? TLSVersion.TLSv1_3 : TLSVersion.TLSv1_2;
  const minimum = insecurelyLowerMinimumTo ?? raised;
  if (minimum > lowerMaximumSecurityTo) throw new ValueError("the minimum is above the maximum");
  if (lowerMaximumSecurityTo === TLSVersion.SSLv3) throw new NotImplementedError("Node has no SSLv3");
  return { minVersion: NODE_VERSION[minimum], maxVersion: NODE_VERSION[lowerMaximumSecurityTo] };
}

function authoritiesOf(trust: TrustLike): readonly string[] | null {
  return "x509" in trust ? [pemOf(trust)] : trust.ca;
}

function pemOf(certificate: CertificateLike): string {
  if (typeof certificate === "string" || Buffer.isBuffer(certificate)) return certificate.toString();
  return ("x509" in certificate ? certificate.x509 : certificate).toString();
}

function keyOf(key: KeyLike): string | Buffer {
  if (typeof key === "string" || Buffer.isBuffer(key)) return key;
  return ("original" in key ? key.original : key).export({ type: "pkcs8", format: "pem" });
}
