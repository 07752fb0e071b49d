/** What may be wrong with a PROXY header. */

/** It is no header, or one that breaks the rules. */
export class InvalidProxyHeader extends Error {
  override readonly name: string = "InvalidProxyHeader";
  readonly code: string = "ERR_PROXY_HEADER";
}

/** It names a family or a protocol that does not exist. */
export class InvalidNetworkProtocol extends InvalidProxyHeader {
  override readonly name: string = "InvalidNetworkProtocol";
  override readonly code: string = "ERR_PROXY_NETWORK_PROTOCOL";
}

/** Addresses are missing or cut. */
export class MissingAddressData extends InvalidProxyHeader {
  override readonly name: string = "MissingAddressData";
  override readonly code: string = "ERR_PROXY_ADDRESS";
}
