/** The strings and integers of SSH as functions (twisted.conch.ssh.common; RFC 4251 section 5). */
import { AssertionError } from "@strombus/reactor/exceptions";
import { mpintBytes, toBuffer, type BytesLike } from "../wire/writer.js";

/** N values of type T; when N is not known at compile time, some. */
type Several<T, N extends number, Got extends T[] = []> = number extends N
  ? T[]
  : Got["length"] extends N
    ? Got
    : Several<T, N, [...Got, T]>;

/** A string: its length in bytes as a uint32, then the bytes. */
export function NS(t: BytesLike): Buffer {
  const bytes = toBuffer(t);
  const string = Buffer.allocUnsafe(4 + bytes.length);
  string.writeUInt32BE(bytes.length, 0);
  string.set(bytes, 4);
  return string;
}

/**
 * Takes `count` strings off the front of `s` and returns them, and what follows them, as views.
 * @throws RangeError when the input ends inside one.
 */
export function getNS<const N extends number = 1>(s: Uint8Array, count?: N): [...Several<Buffer, N>, Buffer] {
  const [strings, rest] = takeStrings(s, count ?? 1);
  return [...strings, rest] as [...Several<Buffer, N>, Buffer];
}

/** An integer that is not negative: the string of its shortest big-endian form, with a clear top bit. @throws AssertionError */
export function MP(n: bigint | number): Buffer {
  const value = BigInt(n);
  if (value < 0n) throw new AssertionError(`${value} is negative`);
  return NS(mpintBytes(value));
}

/**
 * Takes `count` integers off the front of `data` and returns them, and what follows them. A set top bit is no sign.
 * @throws RangeError when the input ends inside one.
 */
export function getMP<const N extends number = 1>(data: Uint8Array, count?: N): [...Several<bigint, N>, Buffer] {
  const [strings, rest] = takeStrings(data, count ?? 1);
  const integers = strings.map((bytes) => (bytes.length === 0 ? 0n : BigInt(`0x${bytes.toString("hex")}`)));
  return [...integers, rest] as [...Several<bigint, N>, Buffer];
}

/** The first of `c` that is in `s` too, else null: how algorithms are negotiated. */
export function ffs<T>(c: Iterable<T>, s: Iterable<T>): T | null {
  const others = new Set(s);
  for (const each of c) if (others.has(each)) return each;
  return null;
}

function takeStrings(input: Uint8Array, count: number): [strings: Buffer[], rest: Buffer] {
  const bytes = toBuffer(input);
  const strings: Buffer[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (bytes.length - at < 4) throw new RangeError(`a length of 4 bytes was due, ${bytes.length - at} are left`);
    const length = bytes.readUInt32BE(at);
    at += 4;
    if (bytes.length - at < length) throw new RangeError(`${length} bytes were due, ${bytes.length - at} are left`);
    strings.push(bytes.subarray(at, at + length));
    at += length;
  }
  return [strings, bytes.subarray(at)];
}
