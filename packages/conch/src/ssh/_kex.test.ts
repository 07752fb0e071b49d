import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { ConchError } from "../error.js";
import { methods } from "../kex/methods.js";
import {
  getDHGeneratorAndPrime,
  getHashProcessor,
  getKex,
  getSupportedKeyExchanges,
  isEllipticCurve,
  isFixedGroup,
} from "./_kex.js";
import { DH_GENERATOR, DH_PRIME } from "./transport.js";

test("a method is by a curve, in a fixed group, or in one that is exchanged", () => {
  const kinds = (name: string) => [isEllipticCurve(name), isFixedGroup(name)];
  expect(kinds("curve25519-sha256@libssh.org")).toEqual([true, false]);
  expect(kinds("mlkem768x25519-sha256")).toEqual([true, false]);
  expect(kinds("diffie-hellman-group14-sha1")).toEqual([false, true]);
  expect(kinds("diffie-hellman-group-exchange-sha256")).toEqual([false, false]);
});

test("each has a place among the others, and a hash", () => {
  const places = [...methods.keys()].map((name) => getKex(name).preference);
  expect(places).toEqual(places.map((_place, index) => index + 1));
  for (const [name, hash] of [
    ["curve25519-sha256", "sha256"],
    ["ecdh-sha2-nistp384", "sha384"],
    ["ecdh-sha2-nistp521", "sha512"],
    ["diffie-hellman-group14-sha1", "sha1"],
  ] as const) {
    expect(getHashProcessor(name)().update("x").digest()).toEqual(createHash(hash).update("x").digest());
  }
});

test("a fixed group has a generator and a prime, those of group14 under names of their own", () => {
  expect(getDHGeneratorAndPrime("diffie-hellman-group14-sha256")).toEqual([DH_GENERATOR, DH_PRIME]);
  expect([DH_GENERATOR, DH_PRIME.toString(16).length, DH_PRIME % 8n]).toEqual([2n, 512, 7n]);
  expect(getDHGeneratorAndPrime("diffie-hellman-group18-sha512")[1].toString(2)).toHaveLength(8192);
  expect(() => getDHGeneratorAndPrime("curve25519-sha256")).toThrow(ConchError);
});

test("a name that there is none of is a ConchError", () => {
  for (const name of ["unknown", "constructor", "", null]) {
    for (const ask of [getKex, isEllipticCurve, isFixedGroup, getHashProcessor, getDHGeneratorAndPrime]) {
      expect(() => ask(name)).toThrow(ConchError);
    }
  }
});

test("those that are supported are sound, and in their order", () => {
  const names = getSupportedKeyExchanges();
  expect(names.filter((name) => name.endsWith("sha1"))).toEqual([]);
  expect(names.filter((name) => name.startsWith("ecdh"))).toEqual([
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
  ]);
  const places = names.map((name) => getKex(name).preference);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
});
