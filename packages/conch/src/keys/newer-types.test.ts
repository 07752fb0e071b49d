/** Ed448 (RFC 8032) and ML-DSA-44 with Ed25519: what is not the same as for the older types. */
import { ValueError } from "@strombus/reactor/exceptions";
import { describe, expect, test } from "vitest";
import { BadKeyError, Key } from "../ssh/keys.js";
import { ED25519, ED448, MLDSA44_ED25519, strings } from "./keys.test.fixtures.js";

test("RFC 8032, section 7.4: Ed448's signature of one byte", () => {
  const k =
    "c4eab05d357007c632f3dbb48489924d552b08fe0c353a0d4a1f00acda2c463afbea67c5e8d2877c5e3bc397a659949ef8021e954e0a12274e";
  const a =
    "43ba28f430cdff456ae531545f7ecd0ac834a55d9358c0372bfa0c6c6798c0866aea01eb00742802b8438ea4cb82169c235160627b4c3a9480";
  const value =
    "26b8f91727bd62897af15e41eb43c377efb9c610d48f2335cb0bd0087810f4352541b143c4b981b7e18f62de8ccdf633fc1bf037ab7cd779805e0dbcc0aae1cbcee1afb2e027df36bc04dcecbf154336c19f0af7e0a6472905e799f1953d2a0ff3348ab21aa4adafd1d234441cf807c03a00";
  const [seed, point] = [Buffer.from(k, "hex"), Buffer.from(a, "hex")];
  const key = Key.fromString(strings("ssh-ed448", point, Buffer.concat([seed, point])), "private_blob");
  expect(key.sign(Buffer.of(3)).toString("hex")).toBe(strings("ssh-ed448", Buffer.from(value, "hex")).toString("hex"));
});

describe("both halves of an ML-DSA-44 and Ed25519 key count", () => {
  const DATA = Buffer.from("some data");
  const value = (signature: Buffer) => signature.subarray(4 + 19 + 4);
  const other = Key.generate("mldsa44-ed25519");

  test.each([
    ["ML-DSA", 0, 2420],
    ["Ed25519", 2420, 2484],
  ])("another key's %s half is no signature", (_, from, to) => {
    const mixed = Buffer.from(MLDSA44_ED25519.sign(DATA));
    value(other.sign(DATA)).copy(value(mixed), from, from, to);
    expect(MLDSA44_ED25519.verify(MLDSA44_ED25519.sign(DATA), DATA)).toBe(true);
    expect(MLDSA44_ED25519.verify(mixed, DATA)).toBe(false);
  });

  test("the Ed25519 half alone signs something else", () => {
    const half = Key.fromString(strings("ssh-ed25519", value(MLDSA44_ED25519.blob()).subarray(1312)));
    const signature = strings("ssh-ed25519", value(MLDSA44_ED25519.sign(DATA)).subarray(2420));
    expect(half.verify(signature, DATA)).toBe(false);
  });

  test.each([
    ["ML-DSA", 0],
    ["Ed25519", 32],
  ])("a private key whose %s half belongs to another is a BadKeyError", (_, at) => {
    const blob = Buffer.from(MLDSA44_ED25519.privateBlob());
    blob[blob.length - 64 + at]! ^= 1;
    expect(() => Key.fromString(blob, "private_blob")).toThrow(BadKeyError);
    expect(() => Key.fromString(blob, "private_blob")).toThrow("do not fit together");
  });
});

test("a form that a type has not is a ValueError that says so", () => {
  for (const key of [ED25519, ED448, MLDSA44_ED25519]) {
    expect(() => key.toString("openssh", { subtype: "PEM" })).toThrow(ValueError);
    expect(() => key.toString("openssh", { subtype: "PEM" })).toThrow(
      `${key.type()} keys have no traditional PEM form`,
    );
  }
  expect(() => MLDSA44_ED25519.toString("openssh", { subtype: "PKCS8" })).toThrow(ValueError);
  expect(() => MLDSA44_ED25519.toString("openssh", { subtype: "PKCS8" })).toThrow("no PKCS#8 form");
});
