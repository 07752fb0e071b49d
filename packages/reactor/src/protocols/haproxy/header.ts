/** What a PROXY header says: https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt */
import type { IAddress } from "../../interfaces.js";

/** More about the connection, in version 2: a type and its value, such as 0xEA for the endpoint of AWS. */
export interface ProxyTLV {
  readonly type: number;
  readonly value: Buffer;
}

/** The real ends of the connection; without them (LOCAL, UNKNOWN) the connection's own are. */
export interface ProxyHeader {
  readonly version: 1 | 2;
  readonly source: IAddress | null;
  readonly destination: IAddress | null;
  readonly tlvs: readonly ProxyTLV[];
}

/** A header, and the bytes behind it. */
export type Parsed = readonly [header: ProxyHeader, rest: Buffer];

export function withoutAddresses(version: 1 | 2): ProxyHeader {
  return { version, source: null, destination: null, tlvs: [] };
}
