import { IPv4Address, IPv6Address, UNIXAddress } from "@strombus/reactor/address";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hostOf, isIn, networks, sourceOf } from "./source.js";

const BY_DEFAULT = { ipv4Prefix: 32, ipv6Prefix: 64 };

describe("a source", () => {
  test("is an IPv4 address", () => {
    expect(sourceOf("192.0.2.1", BY_DEFAULT)).toBe(sourceOf("192.0.2.1", BY_DEFAULT));
    expect(sourceOf("192.0.2.1", BY_DEFAULT)).not.toBe(sourceOf("192.0.2.2", BY_DEFAULT));
  });

  test("is an IPv6 network of 64 bits, however the address is written", () => {
    const one = sourceOf("2001:db8:1:2:3:4:5:6", BY_DEFAULT);
    for (const same of ["2001:db8:1:2::", "2001:DB8:0001:2:ffff::1", "2001:db8:1:2:0:0:192.0.2.1"]) {
      expect(sourceOf(same, BY_DEFAULT)).toBe(one);
    }
    for (const other of ["2001:db8:1:3::", "2001:db8::", "::1", "::"])
      expect(sourceOf(other, BY_DEFAULT)).not.toBe(one);
  });

  test("is as large as it is set, to the bit", () => {
    const grain = { ipv4Prefix: 20, ipv6Prefix: 45 };
    expect(sourceOf("10.1.16.9", grain)).toBe(sourceOf("10.1.31.255", grain));
    expect(sourceOf("10.1.16.9", grain)).not.toBe(sourceOf("10.1.32.0", grain));
    expect(sourceOf("2001:db8:7::", grain)).toBe(sourceOf("2001:db8::1", grain));
    expect(sourceOf("2001:db8:8::", grain)).not.toBe(sourceOf("2001:db8::1", grain));
  });

  test("of no bits at all is everybody", () => {
    const grain = { ipv4Prefix: 0, ipv6Prefix: 0 };
    expect(sourceOf("10.1.16.9", grain)).toBe(sourceOf("192.0.2.1", grain));
    expect(sourceOf("2001:db8:7::", grain)).toBe(sourceOf("::1", grain));
  });

  test("is found for every address that there is", () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (host) => {
        expect(sourceOf(host, BY_DEFAULT)).toMatch(/^([0-9a-f]{8}\/32|[0-9a-f]{16}0{16}\/64)$/);
      }),
    );
  });

  test("has a host only where the address has one", () => {
    expect(hostOf(new IPv4Address("TCP", "192.0.2.1", 1))).toBe("192.0.2.1");
    expect(hostOf(new IPv6Address("TCP", "fe80::1%eth0", 1))).toBe("fe80::1");
    expect(hostOf(new UNIXAddress("/run/socket"))).toBeNull();
    expect(hostOf(new IPv4Address("TCP", "no address", 1))).toBeNull();
  });
});

describe("a list of networks", () => {
  test("holds what is in them, and hosts by themselves", () => {
    const list = networks(["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"]);
    for (const inside of ["192.0.2.200", "2001:db8:5::1", "198.51.100.7"]) expect(isIn(list, inside)).toBe(true);
    for (const outside of ["192.0.3.1", "2001:db9::", "198.51.100.8"]) expect(isIn(list, outside)).toBe(false);
  });

  for (const wrong of ["", "localhost", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/8/8", "::/129", "192.0.2.0/-1"]) {
    test(`takes no ${JSON.stringify(wrong)}`, () => expect(() => networks([wrong])).toThrow(RangeError));
  }
});
