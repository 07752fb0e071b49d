/** Which format a key is in, by how it starts. */
import { Reader } from "../wire/reader.js";

const LINE = /^(?:ssh-|ecdsa-sha2-|sk-ecdsa-sha2-nistp256|sk-ssh-ed25519)/;
const BLOB =
  /^(?:\0\0\0\x07ssh-|\0\0\0\x13ecdsa-|\0\0\0\x0bssh-ed25519|\0\0\0\x09ssh-ed448|\0\0\0\x13ssh-mldsa44-ed25519|\0\0\0\x22sk-ecdsa-sha2-nistp256@openssh\.com|\0\0\0\x1ask-ssh-ed25519@openssh\.com)/;

/** A key type of `Key.fromString`, or null. */
export function guessFormat(data: Buffer): string | null {
  const start = data.toString("latin1", 0, 64);
  if (start.startsWith("\0")) return BLOB.test(start) ? guessBlob(data) : null;
  if (LINE.test(start)) return "public_openssh";
  if (start.startsWith("-----BEGIN")) return "private_openssh";
  if (start.startsWith("---- BEGIN SSH2 ENCRYPTED")) return "private_sshcom";
  if (start.startsWith("---- BEGIN SSH2")) return "public_rfc4716";
  if (start.startsWith("PuTTY-User-Key-File-")) return "private_putty";
  if (start.startsWith("{")) return "public_lsh";
  if (start.startsWith("(")) return "private_lsh";
  return null;
}

/** Only private keys of the agent's version 3 have more than four fields behind their name. */
function guessBlob(data: Buffer): string {
  try {
    const from = new Reader(data);
    for (let strings = 0; from.remaining > 0; strings++) {
      if (strings > 4) return "agentv3";
      from.string();
    }
  } catch {
    // Too short for its last string: the reader of the blob says so better.
  }
  return "blob";
}
