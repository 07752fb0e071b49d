/** What a client gives an agent: a private key, or one with its certificate (draft-ietf-sshm-ssh-agent, section 3.2). */
import { readPrivateFields } from "../keys/blob.js";
import { isCertified } from "../keys/certificate-names.js";
import { Certificate } from "../keys/certificate.js";
import { BadKeyError, Key } from "../ssh/keys.js";
import { Reader } from "../wire/reader.js";
import { Writer } from "../wire/writer.js";

export interface Identity {
  /** Under which the key is known: its public blob, or its certificate. */
  readonly blob: Buffer;
  readonly key: Key;
}

/** Reads the fields of one and leaves `from` behind them. @throws BadKeyError for what is neither. */
export function readIdentity(from: Reader, body: Buffer): Identity {
  const type = new Reader(body).text();
  if (!isCertified(type)) {
    const key = Key.fromString(readPrivateFields(from).privateBlob(), "private_blob");
    return { blob: key.blob(), key };
  }
  from.text();
  const blob = Buffer.from(from.string());
  const certificate = Certificate.fromString(blob);
  if (certificate.sshType !== type) throw new BadKeyError("a certificate of another type than it is said to be");
  const key = Key.fromString(privateBlobOf(certificate.key, from), "private_blob");
  if (!key.public().equals(certificate.key)) throw new BadKeyError("a certificate of another key");
  return { blob, key };
}

/** A certificate has the public half, and only what is private follows. */
function privateBlobOf(certified: Key, from: Reader): Buffer {
  const out = new Writer(2048);
  const copy = (source: Reader, fields: number) => {
    for (let left = fields; left > 0; left--) out.string(source.string());
  };
  const type = certified.sshType();
  switch (certified.type()) {
    case "Ed25519":
      out.string(type);
      copy(from, 2);
      break;
    case "EC":
    case "MLDSA44-Ed25519":
      out.raw(certified.blob());
      copy(from, 1);
      break;
    case "RSA": {
      const fields = new Reader(certified.blob());
      fields.string();
      const [e, n] = [fields.string(), fields.string()];
      for (const each of [type, n, e]) out.string(each);
      copy(from, 4);
      break;
    }
    default:
      throw new BadKeyError(`no private part of a certificate for keys of type ${type}`);
  }
  return out.payload();
}
