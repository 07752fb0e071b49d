/** HASSH: telling SSH programs apart by the algorithms they offer (https://github.com/salesforce/hassh). */
import { createHash } from "node:crypto";
import type { Offer } from "./negotiation.js";

/** The HASSH of a client, from its KEXINIT: MD5 in hexadecimal digits. */
export function hassh(client: Offer): string {
  return digest([client.keyExchanges, client.ciphersToServer, client.macsToServer, client.compressionsToServer]);
}

/** The HASSHServer of a server, from its KEXINIT. */
export function hasshServer(server: Offer): string {
  return digest([server.keyExchanges, server.ciphersToClient, server.macsToClient, server.compressionsToClient]);
}

function digest(lists: readonly (readonly string[])[]): string {
  return createHash("md5")
    .update(lists.map((names) => names.join(",")).join(";"))
    .digest("hex");
}
