/** ssh2's own codec, in JavaScript, which knows nothing of ours: a second opinion. */
import codec from "ssh2/lib/protocol/crypto.js";
import type { Keys } from "./cipher.js";

await codec.init; // its Poly1305 loads by itself

type Sealing = ReturnType<typeof codec.createCipher>;
type Opening = ReturnType<typeof codec.createDecipher>;

/** A cipher of it; what it seals is given to `written` by pieces. */
export function ssh2Cipher(keys: Keys, sequence: number, written: (chunk: Buffer) => void): Sealing {
  return codec.createCipher({ outbound: { ...told(keys, sequence), onWrite: written } });
}

/** A decipher of it, which stops behind each payload. */
export function ssh2Decipher(keys: Keys, sequence: number, opened: (payload: Buffer) => void): Opening {
  const onPayload = (payload: Buffer): false => {
    opened(payload);
    return false;
  };
  return codec.createDecipher({ inbound: { ...told(keys, sequence), onPayload } });
}

/** The same for either direction, whose names for it differ. It works on the IV that it is given. */
function told({ cipher, key, iv, mac, macKey }: Keys, sequence: number): object {
  const info = { ...cipher, discardLen: 0, stream: !cipher.sslName.endsWith("cbc") };
  const [cipherInfo, cipherKey, cipherIV] = [info, key, Buffer.from(iv)];
  const names = { cipherInfo, decipherInfo: info, cipherKey, decipherKey: key, cipherIV, decipherIV: cipherIV };
  return { ...names, seqno: sequence, macInfo: mac ?? undefined, macKey, forceNative: true };
}
