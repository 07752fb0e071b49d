/**
 * Telling clients of all host keys, so that they know a new one before the old one goes (OpenSSH's PROTOCOL 2.5): the
 * server names its keys after login by `hostkeys-00@openssh.com`, and proves by `hostkeys-prove-00@openssh.com` that it
 * has those that the client asks about.
 */
import { isCertified } from "../keys/certificate-names.js";
import { Key } from "../ssh/keys.js";
import { bytes, text } from "../wire/fields.js";
import { layout } from "../wire/message.js";
import { Reader } from "../wire/reader.js";
import { keep, Writer } from "../wire/writer.js";

export const HOSTKEYS = "hostkeys-00@openssh.com";
export const HOSTKEYS_PROVE = "hostkeys-prove-00@openssh.com";

/** The answer to a global request: no or yes, or yes with data. */
export type GlobalRequestAnswer = boolean | readonly [true, Buffer] | PromiseLike<boolean | readonly [true, Buffer]>;

/** What a proof signs. */
const HostKeyProof = layout("host key proof", { purpose: text, sessionID: bytes, blob: bytes });

interface PublicHalf {
  blob(): Buffer;
}

interface PrivateHalf {
  sign(data: Buffer, algorithm?: string): Buffer | PromiseLike<Buffer>;
}

/** The halves of a server's host keys, by format. */
export interface HostKeyPairs {
  readonly publicKeys: Readonly<Record<string, PublicHalf>> | null;
  readonly privateKeys: Readonly<Record<string, PrivateHalf>> | null;
}

/** What the server says of its keys: their blobs. Certificates go without saying. */
export function announcedKeys({ publicKeys }: HostKeyPairs): Buffer {
  return encodeStrings(plainKeys(publicKeys).map(([, key]) => key.blob()));
}

/**
 * Proofs for the keys that a client asks about, in its order; false if one of them is not ours, or is named twice.
 *
 * @param rsaAlgorithm by which RSA keys sign, never SHA-1
 * @throws ProtocolError for a request that is malformed
 */
export function proveKeys(
  pairs: HostKeyPairs,
  sessionID: Buffer,
  rsaAlgorithm: string,
  request: Buffer,
): GlobalRequestAnswer {
  const ours = new Map(plainKeys(pairs.publicKeys).map(([format, key]) => [key.blob().toString("hex"), format]));
  const signatures: (Buffer | PromiseLike<Buffer>)[] = [];
  for (const blob of decodeStrings(request)) {
    const id = blob.toString("hex");
    const format = ours.get(id);
    const key = format === undefined ? undefined : pairs.privateKeys?.[format];
    if (key === undefined) return false;
    ours.delete(id);
    signatures.push(key.sign(proofData(sessionID, blob), format === "ssh-rsa" ? rsaAlgorithm : format));
  }
  if (signatures.length === 0) return false;
  if (signatures.every((each) => Buffer.isBuffer(each))) return [true, encodeStrings(signatures)];
  return proofsLater(signatures);
}

async function proofsLater(signatures: readonly (Buffer | PromiseLike<Buffer>)[]): Promise<readonly [true, Buffer]> {
  return [true, encodeStrings(await Promise.all(signatures.map(async (each) => each)))];
}

/** By which algorithm an RSA key signs its proof: as the exchange did, else the best that the client has. */
export function rsaProofAlgorithm(settled: string | null, clientTakes: readonly string[]): string {
  if (settled?.startsWith("rsa-sha2-") === true) return settled;
  return clientTakes.includes("rsa-sha2-256") && !clientTakes.includes("rsa-sha2-512")
    ? "rsa-sha2-256"
    : "rsa-sha2-512";
}

/** Whether the server's answer proves that it has these keys. */
export function keysAreProven(blobs: readonly Buffer[], sessionID: Buffer, answer: Buffer): boolean {
  const signatures = decodeStrings(answer);
  return (
    signatures.length === blobs.length &&
    blobs.every((blob, index) => Key.fromString(blob, "blob").verify(signatures[index]!, proofData(sessionID, blob)))
  );
}

export function encodeStrings(strings: readonly Uint8Array[]): Buffer {
  const out = new Writer();
  for (const each of strings) out.string(each);
  return out.payload();
}

/** Strings up to the end of the input, copied. @throws ProtocolError for one that is cut short. */
export function decodeStrings(data: Buffer): Buffer[] {
  const from = new Reader(data);
  const strings: Buffer[] = [];
  while (from.remaining > 0) strings.push(keep(from.string()));
  return strings;
}

function plainKeys(keys: HostKeyPairs["publicKeys"]): [format: string, key: PublicHalf][] {
  return Object.entries(keys ?? {}).filter(([format]) => !isCertified(format));
}

function proofData(sessionID: Buffer, blob: Buffer): Buffer {
  return HostKeyProof.encode({ purpose: HOSTKEYS_PROVE, sessionID, blob });
}
