import { createHash } from "node:crypto";
import { KeyError } from "@strombus/reactor/exceptions";
import { describe, expect, test } from "vitest";
import { calcHA1, calcHA2, calcResponse } from "./digest.js";

// The example of RFC 2617 section 3.5.
const nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
const nc = "00000001";
const cnonce = "0a4f113b";
const HA1 = "939e7578ed9e3c518a452acee763bce9";
const mufasa = ["Mufasa", "testrealm@host.com", "Circle Of Life"] as const;

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}

describe("calcHA1", () => {
  test("hashes user, realm and password, for md5-sess once more with the nonces", () => {
    expect(calcHA1("md5", ...mufasa, nonce, cnonce)).toBe(HA1);
    expect(calcHA1("md5-sess", ...mufasa, nonce, cnonce)).toBe("5edb191b66dce1584c16cb7e7346fcee");
    expect(calcHA1("sha", "u", "r", "p", null, null)).toBe(createHash("sha1").update("u:r:p").digest("hex"));
    const [user, realm, password] = mufasa;
    expect(calcHA1("md5", Buffer.from(user), realm, Buffer.from(password), nonce, cnonce)).toBe(HA1);
  });

  test("takes a hash made before instead of the three", () => {
    expect(calcHA1("md5", null, null, null, nonce, cnonce, HA1)).toBe(HA1);
    expect(calcHA1("md5-sess", null, null, null, nonce, cnonce, HA1)).toBe("5edb191b66dce1584c16cb7e7346fcee");
    expect(calcHA1("md5", "u", null, null, nonce, cnonce, "")).toBe("");
  });

  test("refuses a hash made before together with user, realm or password", () => {
    const [user, realm, password] = mufasa;
    expect(() => calcHA1("md5", user, null, null, nonce, cnonce, HA1)).toThrow(TypeError);
    expect(() => calcHA1("md5", null, realm, null, nonce, cnonce, HA1)).toThrow(TypeError);
    expect(() => calcHA1("md5", null, null, password, nonce, cnonce, HA1)).toThrow(TypeError);
  });

  test("knows md5, md5-sess and sha", () => {
    for (const algorithm of ["MD5", "sha-256", "constructor", ""]) {
      expect(() => calcHA1(algorithm, "u", "r", "p", nonce, cnonce)).toThrow(KeyError);
    }
  });
});

test("calcHA2 adds the hash of the body for auth-int only", () => {
  expect(calcHA2("md5", "GET", "/", "auth", "body")).toBe(md5("GET:/"));
  expect(calcHA2("md5", "GET", "/", "auth-int", "body")).toBe(md5("GET:/:body"));
  expect(() => calcHA2("md5", "GET", "/", "auth-int", null)).toThrow(TypeError);
  expect(() => calcHA2("md5", "GET", null, "auth", null)).toThrow(TypeError);
});

test("calcResponse is that of RFC 2617, and counts requests only where there are counter and client nonce", () => {
  const HA2 = calcHA2("md5", "GET", "/dir/index.html", "auth", null);
  expect(calcResponse(HA1, HA2, "md5", nonce, nc, cnonce, "auth")).toBe("6629fae49393a05397450978507c4ef1");
  const short = md5(`${HA1}:${nonce}:${HA2}`);
  expect(calcResponse(HA1, HA2, "md5", nonce, nc, null, "auth")).toBe(short);
  expect(calcResponse(HA1, HA2, "md5", nonce, "", cnonce, "auth")).toBe(short);
});
