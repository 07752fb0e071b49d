/** What is ours to check about ssh2's codec, and what keys may ask of us (rules D1 to D4). */
import { readFileSync } from "node:fs";
import { BadKeyError, Key } from "@strombus/conch/ssh/keys";
import { PROFILES } from "@strombus/conch/ssh/transport";
import { describe, expect, test } from "vitest";
import { fields, hostKey, loggedIn, pair, secured } from "../support/memory-ssh.js";
import { rsaKey } from "../support/rsa.js";

const ROLES = [
  ["server", "client"],
  ["client", "server"],
] as const;

describe("a decipher", () => {
  for (const cipher of PROFILES.legacy.ciphers) {
    test(`D1: of ${cipher} that has thrown is fed nothing more, and what it gave is ours to keep`, async () => {
      for (const [victim, attacker] of ROLES) {
        const made = await loggedIn((client, server) => {
          client.supportedCiphers = server.supportedCiphers = [cipher];
          client.supportedMACs = server.supportedMACs = ["hmac-sha2-256"];
        });
        const got = victim === "server" ? made.there.got : made.here.got;
        made[attacker].force(94, fields("good"));
        await made.settle();
        expect(got.map(([, body]) => body.toString("latin1", 4))).toEqual(["good"]);
        for (const text of ["changed", "behind it"]) made[attacker].force(94, fields(text));
        const bytes = Buffer.from(made[`${attacker}IO`].getOutBuffer());
        bytes[12]! ^= 0x80;
        made[`${victim}IO`].bufferReceived(Buffer.concat([bytes, Buffer.alloc(70_000)]));
        await made.settle();
        expect(made[victim].said).toHaveLength(1);
        expect([2, 5]).toContain(made[victim].said[0]);
        expect(got).toHaveLength(1);
      }
    });
  }
});

test("D2: CBC, and compression before login, are for the legacy profile", () => {
  for (const [name, { ciphers, compressions }] of Object.entries(PROFILES)) {
    if (name === "legacy") continue;
    expect(ciphers.filter((cipher) => cipher.includes("cbc"))).toEqual([]);
    expect(compressions).not.toContain("zlib");
  }
});

test("D2: what is too long to send is an error of the sender's, before ssh2 sees it", () => {
  const { client } = pair();
  const before = client.outgoingPacketSequence;
  expect(() => client.force(2, Buffer.alloc(34_900))).toThrow(RangeError);
  expect(client.outgoingPacketSequence).toBe(before);
});

describe("a key or a signature", () => {
  const keys = [hostKey, Key.generate("ecdsa", 256), rsaKey()];
  const nonsense: readonly (readonly [string, Buffer])[] = [
    ["nothing", Buffer.alloc(0)],
    ["zeros", Buffer.alloc(100)],
    ["a length that lies", Buffer.from("ffffffff00000000", "hex")],
    ["another type", fields("ssh-dss", Buffer.alloc(40))],
    ["a name of Object's", fields("constructor", "x")],
  ];

  for (const [what, bytes] of nonsense) {
    test(`D3: of ${what} is false or an error, and never true`, () => {
      for (const key of keys) expect(key.verify(bytes, "data")).toBe(false);
      expect(() => Key.fromString(bytes, "blob")).toThrow();
    });
  }

  test("D3: that is well formed, but by another key, of other data or with a bit turned over, is false", () => {
    const others = [Key.generate("ed25519"), Key.generate("ecdsa", 256), rsaKey(1)];
    for (const [n, key] of keys.entries()) {
      const signature = key.sign("data");
      expect(key.verify(signature, "date")).toBe(false);
      expect(others[n]!.verify(signature, "data")).toBe(false);
      const turned = Buffer.from(signature);
      turned[turned.length - 1]! ^= 1;
      expect(key.verify(turned, "data")).toBe(false);
    }
  });

  test("D3: is looked at to its last byte", () => {
    for (const key of keys) {
      const [signature, blob] = [key.sign("data"), key.blob()];
      expect(key.verify(signature, "data")).toBe(true);
      for (const tail of [Buffer.of(0), Buffer.alloc(32)]) {
        expect(key.verify(Buffer.concat([signature, tail]), "data")).toBe(false);
        expect(() => Key.fromString(Buffer.concat([blob, tail]), "blob")).toThrow(BadKeyError);
      }
      for (let end = 0; end < signature.length; end += 7)
        expect(key.verify(signature.subarray(0, end), "data")).toBe(false);
      for (let end = 0; end < blob.length; end += 7)
        expect(() => Key.fromString(blob.subarray(0, end), "blob")).toThrow();
    }
  });

  test("D3: of a host that cannot be read ends with reason 9, and is no error of ours", async () => {
    const blob = hostKey.blob();
    const other = fields("ssh-ed2551u", Buffer.alloc(32, 9));
    for (const wrong of [...nonsense.map(([, bytes]) => bytes), other, blob.subarray(1), blob.subarray(0, -1)]) {
      const { client } = await secured((_client, server) => {
        const reply = fields(wrong, Buffer.alloc(32, 9), fields("ssh-ed25519", Buffer.alloc(64)));
        server.rewrite((number, body) => [[number, number === 31 ? reply : body]]);
      });
      expect([client.said, client.secure]).toEqual([[9], 0]);
    }
  });

  test("D3: names its hash: RSA signs by SHA-2 unless SHA-1 is asked for", () => {
    const rsa = keys[2]!;
    const name = (signature: Buffer) => signature.toString("latin1", 4, 4 + signature.readUInt32BE(0));
    expect(name(rsa.sign("data", "rsa-sha2-256"))).toBe("rsa-sha2-256");
    expect(rsa.verify(rsa.sign("data", "ssh-rsa"), "data", ["rsa-sha2-256", "rsa-sha2-512"])).toBe(false);
  });
});

describe("a key file", () => {
  const armoured = (rounds: number): string => {
    const options = fields(Buffer.alloc(16), rounds);
    const file = Buffer.concat([
      Buffer.from("openssh-key-v1\0"),
      fields("aes256-ctr", "bcrypt", options, 1, hostKey.blob(), Buffer.alloc(160)),
    ]);
    return `-----BEGIN OPENSSH PRIVATE KEY-----\n${file.toString("base64")}\n-----END OPENSSH PRIVATE KEY-----\n`;
  };

  test("D4: of more than 64 KiB is not parsed", () => {
    const file = String(hostKey.toString("openssh"));
    const padded = file.replace("\n", `\n${"\n".repeat(65_536)}`);
    expect(() => Key.fromString(padded)).toThrow(BadKeyError);
    expect(() => Key.fromString(Buffer.alloc(65_537), "blob")).toThrow(BadKeyError);
  });

  test("D4: that asks for more than 2,048 rounds of bcrypt is not decrypted", () => {
    for (const rounds of [2049, 0xffff_ffff]) {
      expect(() => Key.fromString(armoured(rounds), null, "secret")).toThrow(/rounds/);
    }
  });

  test("D4: of an RSA key of more than 16,384 bits, or with a strange exponent, is none", () => {
    const one = (bytes: number) => Buffer.concat([Buffer.of(0), Buffer.alloc(bytes, 0xff)]);
    for (const [e, n] of [
      [Buffer.of(1, 0, 1), one(2049)],
      [Buffer.of(1), one(256)],
      [Buffer.of(4), one(256)],
      [one(9), one(256)],
    ] as const) {
      expect(() => Key.fromString(fields("ssh-rsa", e, n), "blob")).toThrow(BadKeyError);
    }
  });

  test("D4: is what it is with the version of ssh2 that was looked at", () => {
    const conch = readFileSync(new URL("../../packages/conch/package.json", import.meta.url), "utf8");
    const { dependencies } = JSON.parse(conch) as { dependencies: Record<string, string> };
    expect(dependencies["ssh2"]).toBe("1.17.0");
  });
});
