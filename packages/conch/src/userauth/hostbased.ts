/** A `hostbased` request and what its signature covers (RFC 4252 section 9). */
import { ProtocolError } from "../error.js";
import { HostBasedData, HostBasedSigned } from "../messages/userauth.js";
import { MSG_USERAUTH_REQUEST } from "./numbers.js";

export interface HostBasedRequest {
  readonly algorithm: string;
  /** The client host's key. */
  readonly blob: Buffer;
  /** As it came; OpenSSH writes a dot behind it. */
  readonly hostname: string;
  readonly clientUsername: string;
  readonly signature: Buffer;
}

/** Reads the method's data; the buffers are copies. @throws ProtocolError if it is malformed. */
export function readHostBasedRequest(data: Uint8Array): HostBasedRequest {
  const { blob, signature, ...names } = HostBasedData.decode(data);
  if (signature.length === 0) throw new ProtocolError("an empty signature");
  return { ...names, blob: Buffer.from(blob), signature: Buffer.from(signature) };
}

/** What the signature must cover, made of what we know (A6). */
export function signedByHost(
  sessionID: Uint8Array,
  user: string,
  service: string,
  request: Omit<HostBasedRequest, "signature">,
): Buffer {
  const { algorithm, blob, hostname, clientUsername } = request;
  const number = MSG_USERAUTH_REQUEST;
  return HostBasedSigned.encode({
    sessionID,
    number,
    user,
    service,
    method: "hostbased",
    algorithm,
    blob,
    hostname,
    clientUsername,
  });
}
