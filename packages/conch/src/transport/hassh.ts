/** HASSH: telling SSH programs apart by the algorithms they offer (https://github.com/salesforce/hassh). */
import { hash } from "node:crypto";
import type { Offer } from "./negotiation.js";

/** The HASSH of a client, from its KEXINIT: MD5 in hexadecimal digits. */
export function hassh(client: Offer): string {
  return digest([client.keyExchanges, client.ciphersToServer, client.macsToServer, client.compressionsToServer]);
}

/** The HASSHServer of a server, from its KEXINIT. */
export function hasshServer(server: Offer): string {
  return digest([server.keyExchanges, server.ciphersToClient, server.macsToClient, server.compressionsToClient]);
}

/** What an offer is told by: a client's HASSH or a server's; null where Node.js has no MD5 (FIPS). */
export function fingerprintOf(offer: Offer, ofServer: boolean): string | null {
  try {
    return ofServer ? hasshServer(offer) : hassh(offer);
  } catch {
    return null;
  }
}

function digest(lists: readonly (readonly string[])[]): string {
  return hash("md5", lists.map((names) => names.join(",")).join(";"), "hex");
}
