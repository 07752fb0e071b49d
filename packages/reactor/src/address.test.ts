import { mkdtempSync, linkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isIPAddress, isIPv6Address } from "./abstract.js";
import { internetAddress, IPv4Address, IPv6Address, UNIXAddress } from "./address.js";
import { ValueError } from "./exceptions.js";

test("addresses are equal when type, host and port are, and only to their own kind", () => {
  const address = new IPv4Address("TCP", "10.0.0.1", 22);
  expect(address.equals(new IPv4Address("TCP", "10.0.0.1", 22))).toBe(true);
  for (const other of [
    new IPv4Address("UDP", "10.0.0.1", 22),
    new IPv4Address("TCP", "10.0.0.2", 22),
    new IPv4Address("TCP", "10.0.0.1", 23),
    new IPv6Address("TCP", "10.0.0.1", 22),
    null,
    { type: "TCP", host: "10.0.0.1", port: 22 },
  ]) {
    expect(address.equals(other)).toBe(false);
  }
  const six = new IPv6Address("TCP", "fe80::1%eth0", 22);
  expect([six.host, six.flowInfo, six.scopeID]).toEqual(["fe80::1%eth0", 0, 0]);
  expect(six.equals(new IPv6Address("TCP", "fe80::1%eth0", 22))).toBe(true);
  expect(six.equals(new IPv6Address("TCP", "fe80::1%eth0", 22, 0, 3))).toBe(false);
});

test("another type is a ValueError", () => {
  expect(() => new IPv4Address("SCTP" as "TCP", "10.0.0.1", 22)).toThrow(ValueError);
  expect(() => new IPv6Address("tcp" as "TCP", "::1", 22)).toThrow(ValueError);
});

test("each prints itself", () => {
  expect(String(new IPv4Address("TCP", "10.0.0.1", 22))).toBe("IPv4Address(type=TCP, host=10.0.0.1, port=22)");
  expect(String(new IPv6Address("UDP", "::1", 22))).toBe("IPv6Address(type=UDP, host=::1, port=22)");
  expect(String(new UNIXAddress("/run/x\n"))).toBe('UNIXAddress("/run/x\\n")');
  expect(String(new UNIXAddress(null))).toBe("UNIXAddress(null)");
});

test("an IPv4 peer of a socket for both families has an IPv4 address", () => {
  expect(internetAddress("TCP", "::ffff:192.0.2.1", 1)).toEqual(new IPv4Address("TCP", "192.0.2.1", 1));
  expect(internetAddress("TCP", "::ffff:1", 1)).toBeInstanceOf(IPv6Address);
});

test("UNIX addresses are equal by name or when both are the same file", () => {
  const folder = mkdtempSync(join(tmpdir(), "strombus-"));
  const [one, two, three] = ["one", "two", "three"].map((name) => join(folder, name)) as [string, string, string];
  writeFileSync(one, "");
  linkSync(one, two);
  writeFileSync(three, "");
  expect(new UNIXAddress(one).equals(new UNIXAddress(Buffer.from(one)))).toBe(true);
  expect(new UNIXAddress(one).equals(new UNIXAddress(two))).toBe(true);
  expect(new UNIXAddress(one).equals(new UNIXAddress(three))).toBe(false);
  expect(new UNIXAddress(join(folder, "a")).equals(new UNIXAddress(join(folder, "b")))).toBe(false);
  expect(new UNIXAddress("\0a").equals(new UNIXAddress("\0b"))).toBe(false);
  expect(new UNIXAddress(null).equals(new UNIXAddress(null))).toBe(true);
  expect(new UNIXAddress(null).equals(new UNIXAddress(one))).toBe(false);
  rmSync(folder, { recursive: true });
});

test("isIPAddress wants four parts, isIPv6Address takes a scope, and neither throws on bytes", () => {
  expect(["1.2.3.4", "1.2.3", "256.1.1.1", "::1", "host", ""].map((addr) => isIPAddress(addr))).toEqual([
    true,
    false,
    false,
    false,
    false,
    false,
  ]);
  expect(["::1", "fe80::1%eth0", "1.2.3.4", "host"].map((addr) => isIPv6Address(addr))).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(isIPAddress("::1", 6)).toBe(true);
  expect(isIPAddress(Buffer.from("1.2.3.4"))).toBe(true);
  expect(isIPAddress(Buffer.from([0xff, 0x00]))).toBe(false);
});
