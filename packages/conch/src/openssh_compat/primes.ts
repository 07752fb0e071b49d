/** OpenSSH's file of groups for group exchange, `/etc/ssh/moduli` (twisted.conch.openssh_compat.primes; moduli(5)). */
import { readFileSync } from "node:fs";
import { ValueError } from "@strombus/reactor/exceptions";
import type { Group, Primes } from "../ssh/factory.js";

/** Time, type, tests, tries, size, generator and modulus. */
const FIELDS = 7;

/**
 * Groups by their bits. Whether the moduli are primes is for whoever made the file to know.
 * @throws ValueError for a line that is no group, and the errors of the file system.
 */
export function parseModuliFile(filename: string | URL): Primes {
  const primes = new Map<number, Group[]>();
  readFileSync(filename, "latin1")
    .split("\n")
    .forEach((line, index) => {
      const fields = line.trim().split(/\s+/);
      if (fields[0] === "" || fields[0]!.startsWith("#")) return;
      const [size, generator, modulus] = fields.slice(4);
      if (fields.length !== FIELDS || !/^\d{1,6}$/.test(size!) || !isHex(generator!) || !isHex(modulus!)) {
        throw new ValueError(`line ${index + 1} of the moduli file is no group`);
      }
      const bits = Number(size) + 1; // the file counts from 0
      const groups = primes.get(bits) ?? [];
      groups.push([BigInt(`0x${generator!}`), BigInt(`0x${modulus!}`)]);
      primes.set(bits, groups);
    });
  return primes;
}

function isHex(text: string): boolean {
  return /^[0-9a-fA-F]+$/.test(text);
}
