/** Where a server listens, as a line for its user. */
import { IPv4Address, IPv6Address } from "@strombus/reactor/address";
import type { IListeningPort } from "@strombus/reactor/interfaces";

export function announce(listening: IListeningPort) {
  const address = listening.getHost();
  const isInternet = address instanceof IPv4Address || address instanceof IPv6Address;
  console.log(`listening on ${isInternet ? `port ${address.port}` : String(address)}`);
}
