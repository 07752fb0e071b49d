/** A `publickey` request and what its signature covers (RFC 4252 section 7; OpenSSH PROTOCOL section 3.1, host-bound). */
import { hash } from "node:crypto";
import { ProtocolError } from "../error.js";
import { HostBoundData, HostBoundSigned, PublicKeyData, PublicKeySigned } from "../messages/userauth.js";
import { Reader } from "../wire/reader.js";
import { MSG_USERAUTH_REQUEST } from "./numbers.js";

/** The method whose signature names the server's host key too. */
export const HOST_BOUND = "publickey-hostbound-v00@openssh.com";

export interface PublicKeyRequest {
  /** `publickey` or {@link HOST_BOUND}. */
  readonly method: string;
  /** As it came: any value but 0 says that a signature follows, and the value is signed. */
  readonly flag: number;
  readonly algorithm: string;
  readonly blob: Buffer;
  /** Of a host-bound request. */
  readonly hostKey: Buffer | null;
  /** Null in a query. */
  readonly signature: Buffer | null;
}

/** Reads the method's data; the buffers are copies. @throws ProtocolError if it is malformed. */
export function readPublicKeyRequest(method: string, data: Uint8Array): PublicKeyRequest {
  const fields = method === HOST_BOUND ? HostBoundData.decode(data) : { hostKey: null, ...PublicKeyData.decode(data) };
  return {
    method,
    flag: fields.hasSignature,
    algorithm: fields.algorithm,
    blob: Buffer.from(fields.blob),
    hostKey: fields.hostKey && Buffer.from(fields.hostKey),
    signature: readSignature(fields.hasSignature !== 0, fields.tail),
  };
}

/** What the signature must cover, made of what we know, not of what the peer sent (A6). */
export function signedData(
  sessionID: Uint8Array,
  user: string,
  service: string,
  request: Omit<PublicKeyRequest, "signature">,
): Buffer {
  const fields = {
    sessionID,
    number: MSG_USERAUTH_REQUEST,
    user,
    service,
    method: request.method,
    hasSignature: request.flag,
    algorithm: request.algorithm,
    blob: request.blob,
  };
  if (request.hostKey === null) return PublicKeySigned.encode(fields);
  return HostBoundSigned.encode({ hostKey: request.hostKey, ...fields });
}

/** As OpenSSH prints it. */
export function fingerprintOf(blob: Uint8Array): string {
  return `SHA256:${hash("sha256", blob, "base64").replace(/=+$/, "")}`;
}

function readSignature(due: boolean, tail: Buffer): Buffer | null {
  const from = new Reader(tail);
  const signature = due ? Buffer.from(from.string()) : null;
  from.end();
  if (signature?.length === 0) throw new ProtocolError("an empty signature");
  return signature;
}
