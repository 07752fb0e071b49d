/** Version 2: binary (section 2.2). */
import { IPv4Address, IPv6Address, type InternetType, UNIXAddress } from "../../address.js";
import type { IAddress } from "../../interfaces.js";
import { InvalidNetworkProtocol, InvalidProxyHeader, MissingAddressData } from "./errors.js";
import { type Parsed, type ProxyTLV, withoutAddresses } from "./header.js";

const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const FIXED = 16; // bytes: signature, version and command, family and protocol, length
const LONGEST = 16384; // bytes; certificates fit, and no balancer sends more
const LOCAL = 0;
const PROXY = 1;

/** The bytes that two addresses take, by family: unspecified, INET, INET6, UNIX. */
const ADDRESS_SIZE = [0, 12, 36, 216] as const;
/** By protocol: unspecified, STREAM, DGRAM. */
const TYPES: readonly (InternetType | null)[] = [null, "TCP", "UDP"];

/** Whether the bytes, as far as they go, begin like a header of this version. */
export function isV2(data: Buffer): boolean {
  return data.subarray(0, SIGNATURE.length).equals(SIGNATURE.subarray(0, data.length));
}

/** Null while it is not complete. @throws InvalidProxyHeader */
export function parseV2(data: Buffer): Parsed | null {
  if (!isV2(data)) throw new InvalidProxyHeader("no signature");
  if (data.length < FIXED) return null;
  const [versionAndCommand, familyAndProtocol, length] = [data[12]!, data[13]!, data.readUInt16BE(14)];
  const command = versionAndCommand & 15;
  if (versionAndCommand >> 4 !== 2) throw new InvalidProxyHeader(`version ${versionAndCommand >> 4}`);
  if (command !== LOCAL && command !== PROXY) throw new InvalidProxyHeader(`command ${command}`);
  const [family, protocol] = [familyAndProtocol >> 4, familyAndProtocol & 15];
  const [size, type] = [ADDRESS_SIZE[family], TYPES[protocol]];
  if (size === undefined || type === undefined) {
    throw new InvalidNetworkProtocol(`family ${family}, protocol ${protocol}`);
  }
  if (FIXED + length > LONGEST) throw new InvalidProxyHeader(`a header of ${length} bytes`);
  if (data.length < FIXED + length) return null;

  const body = data.subarray(FIXED, FIXED + length);
  const rest = data.subarray(FIXED + length);
  // The balancer itself, or nothing it can say: what follows is to be ignored.
  if (command === LOCAL || type === null || family === 0) return [withoutAddresses(2), rest];
  if (body.length < size) throw new MissingAddressData(`${body.length} bytes of addresses`);
  const tlvs = readTLVs(body.subarray(size));
  const [source, destination] = addressesIn(body, family, type);
  return [{ version: 2, source, destination, tlvs }, rest];
}

function addressesIn(body: Buffer, family: number, type: InternetType): [source: IAddress, destination: IAddress] {
  if (family === 3) return [unixName(body.subarray(0, 108)), unixName(body.subarray(108, 216))];
  const size = family === 1 ? 4 : 16;
  const [source, destination] = [body.subarray(0, size), body.subarray(size, 2 * size)];
  const [sourcePort, destinationPort] = [body.readUInt16BE(2 * size), body.readUInt16BE(2 * size + 2)];
  return [internet(source, sourcePort, type), internet(destination, destinationPort, type)];
}

function internet(bytes: Buffer, port: number, type: InternetType): IPv4Address | IPv6Address {
  if (bytes.length === 4) return new IPv4Address(type, bytes.join("."), port);
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16));
  // A URL writes an IPv6 address the canonical way (RFC 5952).
  return new IPv6Address(type, new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1), port);
}

function unixName(bytes: Buffer): UNIXAddress {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  return new UNIXAddress(Buffer.from(bytes.subarray(0, end)));
}

/** @throws InvalidProxyHeader if one is cut */
function readTLVs(data: Buffer): ProxyTLV[] {
  const tlvs: ProxyTLV[] = [];
  for (let at = 0; at < data.length;) {
    if (data.length - at < 3) throw new InvalidProxyHeader("a cut TLV");
    const end = at + 3 + data.readUInt16BE(at + 1);
    if (end > data.length) throw new InvalidProxyHeader("a cut TLV");
    tlvs.push({ type: data[at]!, value: Buffer.from(data.subarray(at + 3, end)) });
    at = end;
  }
  return tlvs;
}
