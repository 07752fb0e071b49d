/** Version 1: one line of text, at most 107 bytes with its end (section 2.1). */
import { isIP } from "node:net";
import { IPv4Address, IPv6Address } from "../../address.js";
import { InvalidNetworkProtocol, InvalidProxyHeader, MissingAddressData } from "./errors.js";
import { type Parsed, withoutAddresses } from "./header.js";

const LONGEST = 107; // bytes
const NAME = Buffer.from("PROXY ");
const PORT = /^(0|[1-9][0-9]{0,4})$/;

/** Whether the bytes, as far as they go, begin like a header of this version. */
export function isV1(data: Buffer): boolean {
  return data.subarray(0, NAME.length).equals(NAME.subarray(0, data.length));
}

/** Null while the line is not complete. @throws InvalidProxyHeader */
export function parseV1(data: Buffer): Parsed | null {
  const end = data.subarray(0, LONGEST).indexOf("\r\n");
  if (end < 0) {
    if (data.length >= LONGEST) throw new InvalidProxyHeader(`no end of line within ${LONGEST} bytes`);
    return null;
  }
  const rest = data.subarray(end + 2);
  const [name, family, ...fields] = data.toString("latin1", 0, end).split(" ");
  if (name !== "PROXY") throw new InvalidProxyHeader("the line does not begin with PROXY");
  if (family === "UNKNOWN") return [withoutAddresses(1), rest]; // whatever follows says nothing
  if (family !== "TCP4" && family !== "TCP6") throw new InvalidNetworkProtocol(`a family ${JSON.stringify(family)}`);
  const [source, destination, sourcePort, destinationPort] = fields;
  if (source === undefined || destination === undefined || sourcePort === undefined || destinationPort === undefined) {
    throw new MissingAddressData("two addresses and two ports are needed");
  }
  const endOf = (host: string, port: string): IPv4Address | IPv6Address => {
    if (isIP(host) !== (family === "TCP4" ? 4 : 6)) throw new InvalidProxyHeader(`no ${family} address`);
    if (!PORT.test(port) || Number(port) > 65535) throw new InvalidProxyHeader("no port number");
    return family === "TCP4"
      ? new IPv4Address("TCP", host, Number(port))
      : new IPv6Address("TCP", host.toLowerCase(), Number(port));
  };
  return [
    { version: 1, source: endOf(source, sourcePort), destination: endOf(destination, destinationPort), tlvs: [] },
    rest,
  ];
}
