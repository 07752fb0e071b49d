/**
 * Diffie-Hellman in a group that somebody sent or that stands in a file, over key objects of node:crypto: its
 * DiffieHellman would test the prime first, which takes half a minute for one of 8,192 bits. Keys go in and come out as
 * DER: PKCS#8 and SubjectPublicKeyInfo with the parameters of PKCS#3.
 */
import { createPrivateKey, createPublicKey, diffieHellman, randomBytes } from "node:crypto";
import { KeyExchangeError } from "../error.js";
import { mpintFromMagnitude } from "../wire/writer.js";

/** A private exponent. Numbers are big-endian. */
export interface Exponent {
  readonly publicValue: Buffer;
  /** g^xy for their g^y, which was checked. */
  secret(theirs: Buffer): Buffer;
}

/** Twice the bits of the best key that is drawn from the secret (RFC 4419 section 6.2). */
const EXPONENT_LENGTH = 64;

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const SEQUENCE = 0x30;
/** dhKeyAgreement, 1.2.840.113549.1.3.1, with its tag and length. */
const DH_KEY_AGREEMENT = Buffer.from("06092a864886f70d010301", "hex");

/** @throws KeyExchangeError for a group that cannot be used. */
export function foreignExponent(prime: Buffer, generator: Buffer): Exponent {
  const algorithm = element(
    SEQUENCE,
    DH_KEY_AGREEMENT,
    element(SEQUENCE, integer(prime), integer(generator)), // DHParameter
  );
  const x = randomBytes(EXPONENT_LENGTH);
  x[0]! |= 0x80;
  const pkcs8 = element(SEQUENCE, integer(Buffer.of(0)), algorithm, element(OCTET_STRING, integer(x)));
  try {
    const privateKey = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
    return {
      publicValue: publicValueIn(createPublicKey(privateKey).export({ format: "der", type: "spki" })),
      secret: (theirs) => {
        const spki = element(SEQUENCE, algorithm, element(BIT_STRING, Buffer.of(0), integer(theirs)));
        try {
          const publicKey = createPublicKey({ key: spki, format: "der", type: "spki" });
          return diffieHellman({ privateKey, publicKey });
        } catch (cause) {
          throw new KeyExchangeError("the Diffie-Hellman value is not usable", { cause });
        }
      },
    };
  } catch (cause) {
    throw new KeyExchangeError("the Diffie-Hellman group is not usable", { cause });
  }
}

function integer(magnitude: Buffer): Buffer {
  const bytes = mpintFromMagnitude(magnitude); // the same two's complement, but for 0
  return element(INTEGER, bytes.length === 0 ? Buffer.of(0) : bytes);
}

function element(tag: number, ...contents: readonly Buffer[]): Buffer {
  const body = Buffer.concat(contents);
  const size = body.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.of(tag, ...length), body]);
}

/** SEQUENCE { algorithm, BIT STRING { INTEGER } } */
function publicValueIn(spki: Buffer): Buffer {
  const { body } = first(spki);
  const bits = first(body.subarray(first(body).end)).body;
  return first(bits.subarray(1)).body;
}

/** The element at the start of `der`, as OpenSSL wrote it. */
function first(der: Buffer): { readonly body: Buffer; readonly end: number } {
  const bytes = der[1]! < 0x80 ? 0 : der[1]! - 0x80;
  const start = 2 + bytes;
  const end = start + (bytes === 0 ? der[1]! : der.readUIntBE(2, bytes));
  return { body: der.subarray(start, end), end };
}
