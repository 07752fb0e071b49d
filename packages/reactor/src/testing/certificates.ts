/** Certificates for tests of TLS, made on the spot: no key lies in a repository, none expires. X.509 v3 (RFC 5280). */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIPv4 } from "node:net";
import { Certificate, KeyPair, PrivateCertificate } from "../ssl.js";

const YEARS = 365 * 24 * 3600 * 1000; // milliseconds

export interface IssueOptions {
  /** Days from now; negative is a certificate that has expired. Default 30. */
  days?: number;
}

/** An authority that only the tests trust. */
export class TestAuthority {
  readonly certificate: Certificate;
  readonly #name: string;
  readonly #key: KeyObject;

  constructor(name = "Test authority") {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#name = name;
    this.#key = privateKey;
    const isAuthority = extension("551d13", sequence(tag(0x01, Buffer.from([0xff]))), true); // basicConstraints: CA
    this.certificate = new Certificate(signed(name, name, publicKey, privateKey, [isAuthority], 365));
  }

  /** A certificate for these host names and IPv4 addresses, with its key. */
  issue(names: string | readonly string[], { days = 30 }: IssueOptions = {}): PrivateCertificate {
    const all = typeof names === "string" ? [names] : names;
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const alternatives = all.map((name) =>
      isIPv4(name) ? tag(0x87, Buffer.from(name.split(".").map(Number))) : tag(0x82, Buffer.from(name)),
    );
    const subjectAltName = extension("551d11", sequence(...alternatives));
    const der = signed(all[0] ?? "", this.#name, publicKey, this.#key, [subjectAltName], days);
    return new PrivateCertificate(der, new KeyPair(privateKey));
  }
}

function signed(
  subject: string,
  issuer: string,
  publicKey: KeyObject,
  signer: KeyObject,
  extensions: readonly Buffer[],
  days: number,
): Buffer {
  const algorithm = sequence(oid("2a8648ce3d040302")); // ecdsa-with-SHA256
  const until = Date.now() + days * 24 * 3600 * 1000;
  const body = sequence(
    tag(0xa0, integer(Buffer.from([2]))), // version 3
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    nameOf(issuer),
    sequence(time(Math.min(Date.now(), until) - YEARS), time(until)),
    nameOf(subject),
    publicKey.export({ type: "spki", format: "der" }),
    tag(0xa3, sequence(...extensions)),
  );
  const signature = sign("sha256", body, signer);
  return sequence(body, algorithm, tag(0x03, Buffer.concat([Buffer.from([0]), signature])));
}

function nameOf(commonName: string): Buffer {
  return sequence(tag(0x31, sequence(oid("550403"), tag(0x0c, Buffer.from(commonName)))));
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  return sequence(oid(id), ...(critical ? [tag(0x01, Buffer.from([0xff]))] : []), tag(0x04, value));
}

function time(at: number): Buffer {
  const text = new Date(at).toISOString().replace(/[-:T]|\.\d+/g, "");
  return tag(0x18, Buffer.from(text)); // GeneralizedTime
}

function integer(bytes: Buffer): Buffer {
  return tag(0x02, bytes);
}

function oid(hex: string): Buffer {
  return tag(0x06, Buffer.from(hex, "hex"));
}

function sequence(...parts: Buffer[]): Buffer {
  return tag(0x30, Buffer.concat(parts));
}

function tag(type: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([type, ...size]), content]);
}
