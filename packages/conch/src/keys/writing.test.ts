/** What keys are written as. */
import { createPrivateKey } from "node:crypto";
import { describe, expect, test } from "vitest";
import { KeyError, ValueError } from "@strombus/reactor/exceptions";
import { BadKeyError } from "../ssh/keys.js";
import { pack } from "../ssh/sexpy.js";
import { mpintBytes } from "../wire/writer.js";
import { RSA, DSA, P256, P384, P521, ED25519, KEYS, strings, numbers, point, secret } from "./keys.test.fixtures.js";

describe("writing", () => {
  test("public blobs have the fields of RFC 4253, 5656 and 8709", () => {
    const { e, n } = numbers(RSA);
    const { p, q, g, y } = numbers(DSA);
    expect(RSA.blob()).toEqual(strings("ssh-rsa", e!, n!));
    expect(DSA.blob()).toEqual(strings("ssh-dss", p!, q!, g!, y!));
    expect(P521.blob()).toEqual(strings("ecdsa-sha2-nistp521", "nistp521", point(P521)));
    expect(ED25519.blob()).toEqual(strings("ssh-ed25519", secret(ED25519).a));
  });

  test("private blobs have the fields of the agent", () => {
    const { n, e, d, p, q } = numbers(RSA);
    const blob = RSA.privateBlob();
    expect(blob.subarray(0, strings("ssh-rsa", n!, e!, d!).length)).toEqual(strings("ssh-rsa", n!, e!, d!));
    expect(blob.subarray(-strings(p!, q!).length)).toEqual(strings(p!, q!));
    const between = blob.subarray(strings("ssh-rsa", n!, e!, d!).length + 4, -strings(p!, q!).length);
    expect((BigInt(`0x${between.toString("hex")}`) * q!) % p!).toBe(1n);
    const dsa = numbers(DSA);
    expect(DSA.privateBlob()).toEqual(strings("ssh-dss", dsa["p"]!, dsa["q"]!, dsa["g"]!, dsa["y"]!, dsa["x"]!));
    const { privateValue } = numbers(P256);
    expect(P256.privateBlob()).toEqual(strings("ecdsa-sha2-nistp256", "nistp256", point(P256), privateValue!));
    const { a, k } = secret(ED25519);
    expect(ED25519.privateBlob()).toEqual(strings("ssh-ed25519", a, Buffer.concat([k, a])));
    for (const key of KEYS) expect(() => key.public().privateBlob()).toThrow(KeyError);
  });

  test("a public line ends with its comment, or with nothing", () => {
    const bare = `ssh-ed25519 ${ED25519.blob().toString("base64")}`;
    const half = ED25519.public();
    expect(half.toString("openssh").toString()).toBe(bare);
    expect(half.toString("OpenSSH", { comment: "" }).toString()).toBe(bare);
    expect(half.toString("openssh", { comment: "me\u00fc", subtype: "any" }).toString()).toBe(`${bare} me\u00fc`);
    expect(half.toString("openssh", null, null, "me").toString()).toBe(`${bare} me`);
  });

  test("PEM is what OpenSSL writes", () => {
    const rsa = createPrivateKey(RSA.toString("openssh"));
    expect(RSA.toString("openssh").toString()).toBe(rsa.export({ type: "pkcs1", format: "pem" }));
    const ec = createPrivateKey(P384.toString("openssh", { subtype: "PEM" }));
    expect(P384.toString("openssh").toString()).toBe(ec.export({ type: "sec1", format: "pem" }));
  });

  test("Ed25519 has no PEM form, and there is no other subtype", () => {
    expect(ED25519.toString("openssh").toString()).toMatch(/^-----BEGIN OPENSSH PRIVATE KEY-----\n/);
    expect(() => ED25519.toString("openssh", { subtype: "PEM" })).toThrow(ValueError);
    expect(() => RSA.toString("openssh", { subtype: "other" })).toThrow(ValueError);
    expect(() => RSA.toString("bad_type")).toThrow(BadKeyError);
  });

  test("extra stands for comment or passphrase, not beside them", () => {
    expect(RSA.public().toString("openssh", "me").toString()).toMatch(/ me$/);
    expect(RSA.toString("openssh", "secret").toString()).toContain("DEK-Info");
    expect(() => RSA.toString("openssh", "secret", null, "comment")).toThrow(TypeError);
    expect(() => RSA.toString("openssh", { extra: "secret", passphrase: "secret" })).toThrow(TypeError);
  });

  test("the LSH form is an s-expression with p and q the other way round", () => {
    const m = (value: bigint): Buffer => mpintBytes(value);
    const { n, e, d, p, q } = numbers(RSA) as { n: bigint; e: bigint; d: bigint; p: bigint; q: bigint };
    const publicKey = pack([["public-key", ["rsa-pkcs1-sha1", ["n", m(n)], ["e", m(e)]]]]);
    expect(RSA.public().toString("lsh").toString()).toBe(`{${publicKey.toString("base64")}}`);
    const text = RSA.toString("lsh");
    const head = pack([
      ["n", m(n)],
      ["e", m(e)],
      ["d", m(d)],
      ["p", m(q)],
      ["q", m(p)],
      ["a", m(d % (q - 1n))],
      ["b", m(d % (p - 1n))],
    ]);
    expect(text.subarray(0, 25).toString()).toBe("(11:private-key(9:rsa-pkc");
    expect(text.includes(head)).toBe(true);
    const dsa = numbers(DSA);
    const fields = ["p", "q", "g", "y", "x"].map((name) => [name, m(dsa[name]!)]);
    expect(DSA.toString("lsh")).toEqual(pack([["private-key", ["dsa", ...fields]]]));
    for (const key of [P256, ED25519]) expect(() => key.toString("lsh")).toThrow(BadKeyError);
  });

  test("the agentv3 form is for private RSA and DSA keys", () => {
    const { e, d, n, u, p, q } = numbers(RSA);
    expect(RSA.toString("agentv3")).toEqual(strings("ssh-rsa", e!, d!, n!, u!, p!, q!));
    expect(DSA.toString("agentv3")).toEqual(DSA.privateBlob());
    for (const key of [RSA.public(), P256, ED25519]) expect(() => key.toString("agentv3")).toThrow(BadKeyError);
  });
});
