/** Where a connection comes from, against lists of addresses (PATTERNS in ssh_config(5), `from` in sshd(8)). */
import { BlockList, isIP } from "node:net";
import { ValueError } from "@strombus/reactor/exceptions";
import { matchesPattern } from "./pattern.js";

/** One entry of a list: a network, or a pattern of an address's text. */
interface Entry {
  readonly negated: boolean;
  readonly matches: (address: string) => boolean;
}

/** A list of addresses; by element, and an entry that is negated refuses whatever the others say. */
export class SourceList {
  readonly #entries: readonly Entry[];

  /**
   * @param text entries with commas between them: addresses, networks such as 10.0.0.0/8, and with `patterns` also `*`, `?`
   *   and, for what is not to match, `!`. Names of hosts match no address: nobody's DNS is asked.
   * @throws ValueError when an entry is malformed
   */
  constructor(text: string, { patterns }: { readonly patterns: boolean }) {
    this.#entries = text.split(",").map((each) => entryOf(each, patterns));
  }

  matches(address: string): boolean {
    const plain = plainAddress(address);
    const hits = this.#entries.filter((each) => each.matches(plain));
    return hits.length > 0 && !hits.some((each) => each.negated);
  }
}

/** IPv4 as it is, also where a socket for both families shows it as IPv6; no zone. */
export function plainAddress(address: string): string {
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  return mapped ?? address.replace(/%.*$/, "");
}

function entryOf(entry: string, patterns: boolean): Entry {
  const negated = patterns && entry.startsWith("!");
  const text = negated ? entry.slice(1) : entry;
  const family = isIP(text.replace(/\/\d+$/, ""));
  if (family !== 0) return { negated, matches: network(text, family === 4 ? "ipv4" : "ipv6") };
  if (!patterns || !/^[\w.:*?-]+$/.test(text))
    throw new ValueError(`${JSON.stringify(entry.slice(0, 64))} is no address`);
  return { negated, matches: (address) => matchesPattern(address, text) };
}

function network(text: string, family: "ipv4" | "ipv6"): (address: string) => boolean {
  const [base = "", length] = text.split("/");
  const most = family === "ipv4" ? 32 : 128;
  const prefix = length === undefined ? most : Number(length);
  if (prefix > most) throw new ValueError(`${JSON.stringify(text)} has too long a prefix`);
  const list = new BlockList();
  list.addSubnet(base, prefix, family);
  return (address) => isIP(address) === (family === "ipv4" ? 4 : 6) && list.check(address, family);
}
