import { createDiffieHellmanGroup, createPrivateKey, type KeyObject } from "node:crypto";
import { describe, expect, test } from "vitest";
import { KeyExchangeError } from "../error.js";
import { deriveKeys, exchangeHash } from "./exchange.js";
import { mpintBytes } from "../wire/writer.js";
import { checkPublicValue, pairModulo } from "./group.js";
import type { Method, Pair } from "./method.js";
import { methods } from "./methods.js";
import { hybrid } from "./hybrid.js";
import type { Kem } from "./kem.js";
import { MLKEM_SIZES, nativeMlKem, nobleMlKem, type MlKemName } from "./mlkem.js";
import { x25519, x25519Secret } from "./x25519.js";

const hex = (text: string): Buffer => Buffer.from(text, "hex");

/** Each method's exchange of values; a group exchange settles its group before, here one of RFC 3526. */
function pairOf(method: Method): Pair {
  return method.kind === "groupExchange"
    ? pairModulo(createDiffieHellmanGroup("modp14").getPrime(), Buffer.of(2))
    : method;
}

for (const { name, pair } of [...methods.values()].map((each) => ({ name: each.name, pair: pairOf(each) }))) {
  describe(name, () => {
    test("both sides come to the same secret, another each time", () => {
      const secrets = [1, 2].map(() => {
        const client = pair.initiate();
        const server = pair.respond(client.value);
        const secret = client.complete(server.value);
        expect(secret).toEqual(server.secret);
        return secret.toString("hex");
      });
      expect(secrets[0]).not.toBe(secrets[1]);
    });

    test("an empty, a prolonged and a curve's shortened value are refused on both sides", () => {
      const { value } = pair.initiate();
      const wrongs: Buffer[] = [Buffer.alloc(0), Buffer.concat([value, Buffer.alloc(9)])];
      if (!name.startsWith("diffie-hellman")) wrongs.push(value.subarray(1)); // any number may be a group's
      for (const wrong of wrongs) {
        expect(() => pair.respond(wrong)).toThrow(KeyExchangeError);
        expect(() => pair.initiate().complete(wrong)).toThrow(KeyExchangeError);
      }
    });

    test("a value whose last 32 bytes are 0 is refused where a curve is", () => {
      if (name.startsWith("diffie-hellman")) return;
      const client = pair.initiate();
      const value = Buffer.from(client.value).fill(0, client.value.length - 32);
      expect(() => pair.respond(value)).toThrow(KeyExchangeError);
      const { value: answer } = pair.respond(client.value);
      const weak = Buffer.from(answer).fill(0, answer.length - 32);
      expect(() => client.complete(weak)).toThrow(KeyExchangeError);
    });
  });
}

describe("a Diffie-Hellman value", () => {
  const prime = createDiffieHellmanGroup("modp14").getPrime();
  const near = (difference: number): Buffer => {
    const number = BigInt(`0x${prime.toString("hex")}`) + BigInt(difference);
    return mpintBytes(number);
  };

  for (const [title, value] of [
    ["0", hex("")],
    ["1", hex("01")],
    ["negative", hex("80")],
    ["longer than need be", hex("00017f1f")],
    ["p - 1", near(-1)],
    ["p", near(0)],
    ["above p", near(2)],
    ["of three bits", hex("0700000000")],
  ] as const) {
    test(`that is ${title} is refused (K8, K9)`, () => {
      expect(() => checkPublicValue(value, prime)).toThrow(KeyExchangeError);
    });
  }

  test("just inside is taken", () => {
    expect(() => checkPublicValue(near(-2), prime)).not.toThrow();
    expect(() => checkPublicValue(hex("0f"), prime)).not.toThrow();
  });
});

/** A private key from its 32 bytes (RFC 8410). */
const x25519Key = (bytes: Buffer): KeyObject =>
  createPrivateKey({
    key: Buffer.concat([hex("302e020100300506032b656e04220420"), bytes]),
    format: "der",
    type: "pkcs8",
  });

test("X25519 gives the secret of RFC 7748 section 6.1", () => {
  const alice = x25519Key(hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
  const bob = hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  expect(x25519Secret(alice, bob).toString("hex")).toBe(
    "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
  );
});

describe.each(["ml-kem-768", "ml-kem-1024"] as const)("%s", (name: MlKemName) => {
  const implementations = (): Kem[] => {
    const native = nativeMlKem(name);
    return native === null ? [nobleMlKem(name)] : [native, nobleMlKem(name)];
  };

  test("every implementation here opens what every other one sealed", () => {
    const kems = implementations();
    for (const opener of kems) {
      for (const sealer of kems) {
        const pair = opener.pair();
        const { ciphertext, secret } = sealer.encapsulate(pair.encapsulationKey);
        expect([pair.encapsulationKey.length, ciphertext.length]).toEqual(Object.values(MLKEM_SIZES[name]));
        expect([secret.length, pair.decapsulate(ciphertext)]).toEqual([32, secret]);
      }
    }
  });

  test("a key that is not reduced is refused (FIPS 203 section 7.2)", () => {
    for (const kem of implementations()) {
      const method = hybrid("hybrid", MLKEM_SIZES[name], () => kem, x25519, "sha256");
      const value = Buffer.from(method.initiate().value);
      value.fill(0xff, 0, 384);
      expect(() => method.respond(value)).toThrow(KeyExchangeError);
    }
  });
});

describe("keys", () => {
  const cipher = { name: "c", keyLength: 64, ivLength: 12, blockSize: 16, aead: false, cbc: false, info: {} as never };
  const mac = { name: "m", keyLength: 32, etm: false, info: {} as never };
  const agreement = {
    hash: "sha256",
    secret: hex("0000000101"),
    exchangeHash: Buffer.alloc(32, 1),
    sessionID: Buffer.alloc(32, 2),
  } as const;

  test("are as long as the algorithms want, and differ by letter and direction", () => {
    const there = deriveKeys(agreement, "clientToServer", cipher, mac);
    const back = deriveKeys(agreement, "serverToClient", cipher, mac);
    expect([there.iv.length, there.key.length, there.macKey.length]).toEqual([12, 64, 32]);
    const all = [there.iv, there.key, there.macKey, back.iv, back.key, back.macKey].map((key) =>
      key.toString("hex", 0, 12),
    );
    expect(new Set(all).size).toBe(6);
  });

  test("the exchange hash covers every part", () => {
    const parts = {
      clientVersion: hex("01"),
      serverVersion: hex("02"),
      clientKexInit: hex("03"),
      serverKexInit: hex("04"),
      hostKey: hex("05"),
      clientValue: hex("06"),
      serverValue: hex("07"),
      secret: hex("0000000108"),
    };
    const hashes = new Set([exchangeHash("sha256", parts).toString("hex")]);
    for (const name of Object.keys(parts)) {
      hashes.add(exchangeHash("sha256", { ...parts, [name]: hex("ff") }).toString("hex"));
    }
    expect(hashes.size).toBe(9);
  });
});

test("X25519 with an all-zero value is refused", () => {
  expect(() => x25519Secret(x25519Key(Buffer.alloc(32, 7)), Buffer.alloc(32))).toThrow(KeyExchangeError);
});
