/** Where connections come from, in the grain in which they are counted: an IPv4 address, an IPv6 network of /64. */
import { BlockList, isIP } from "node:net";
import type { IAddress } from "@strombus/reactor/interfaces";

/** Bits of an address that count as one source. */
export interface Grain {
  readonly ipv4Prefix: number;
  readonly ipv6Prefix: number;
}

/** The host of an address as a number in text; null where there is none, as with a UNIX socket. */
export function hostOf(address: IAddress): string | null {
  const { host } = address as { host?: unknown };
  if (typeof host !== "string") return null;
  const bare = host.split("%", 1)[0]!; // fe80::1%eth0
  return isIP(bare) === 0 ? null : bare;
}

/** A key that two hosts share if they are one source. @throws RangeError for what is no IP address. */
export function sourceOf(host: string, { ipv4Prefix, ipv6Prefix }: Grain): string {
  const bytes = isIP(host) === 4 ? ipv4Bytes(host) : ipv6Bytes(host);
  let left = bytes.length === 4 ? ipv4Prefix : ipv6Prefix;
  const bits = left;
  for (let at = 0; at < bytes.length; at++, left -= 8) {
    if (left < 8) bytes[at]! &= 0xff00 >> Math.max(0, left);
  }
  return `${bytes.toString("hex")}/${bits}`;
}

/** Hosts and networks (`192.0.2.1`, `2001:db8::/32`) as a list to ask. @throws RangeError for one that is malformed. */
export function networks(list: Iterable<string>): BlockList {
  const found = new BlockList();
  for (const each of list) {
    const [host = "", prefix, ...more] = each.split("/");
    const version = isIP(host);
    const bits = prefix === undefined ? (version === 4 ? 32 : 128) : /^\d{1,3}$/.test(prefix) ? Number(prefix) : NaN;
    if (version === 0 || more.length > 0 || !(bits <= (version === 4 ? 32 : 128))) {
      throw new RangeError(`${JSON.stringify(each)} is neither an IP address nor a network such as 192.0.2.0/24`);
    }
    found.addSubnet(host, bits, version === 4 ? "ipv4" : "ipv6");
  }
  return found;
}

/** Whether an address, in the spelling of the system, is loopback's: all clients are asked, and a list takes its time. */
export function isLoopback(host: string): boolean {
  return host.startsWith("127.") || host === "::1" || host.startsWith("::ffff:127.");
}

export function isIn(list: BlockList, host: string): boolean {
  return list.check(host, isIP(host) === 4 ? "ipv4" : "ipv6");
}

function ipv4Bytes(host: string): Buffer {
  return Buffer.from(host.split(".").map(Number));
}

function ipv6Bytes(host: string): Buffer {
  const [head = "", tail] = host.split("::");
  const [front, back] = [groups(head), tail === undefined ? [] : groups(tail)];
  const bytes = Buffer.alloc(16);
  if (front.length + back.length > 8) throw new RangeError(`${JSON.stringify(host.slice(0, 64))} is no IP address`);
  front.forEach((group, index) => bytes.writeUInt16BE(group, 2 * index));
  back.forEach((group, index) => bytes.writeUInt16BE(group, 16 - 2 * (back.length - index)));
  return bytes;
}

/** The 16-bit groups of a part of an IPv6 address, which may end in an IPv4 address. */
function groups(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}
