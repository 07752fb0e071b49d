import { createHash } from "node:crypto";
import { providedBy } from "@strombus/reactor/components";
import { describe, expect, test } from "vitest";
import { calcHA1, calcHA2, calcResponse } from "../digest.js";
import { LoginFailed } from "../error.js";
import { DigestCredentialFactory, DigestedCredentials } from "./digest.js";
import { IUsernameDigestHash } from "./interfaces.js";

const REALM = "test realm";
const ADDRESS = "10.2.3.4";
const CNONCE = "29fc54aa1641c6fa0e151419361c8f23";

class Factory extends DigestCredentialFactory {
  now = 0;
  nonce: string | null = null;
  constructor(algorithm = "md5") {
    super(algorithm, REALM);
  }
  protected override _getTime(): number {
    return this.now;
  }
  protected override _generateNonce(): string {
    return this.nonce ?? super._generateNonce();
  }
  opaque(nonce: string, address: string | null): string {
    return this._generateOpaque(nonce, address);
  }
  verify(opaque: string, nonce: string, address: string | null): boolean {
    return this._verifyOpaque(opaque, nonce, address);
  }
}

type Fields = Record<string, string>;

/** An answer to a challenge for "ann" with the password "secret", some fields replaced or, with "", left out of the list. */
function respond(factory: DigestCredentialFactory, change: Fields = {}, address: string | null = ADDRESS): Fields {
  const { nonce, opaque, algorithm } = factory.getChallenge(address);
  const fields: Fields = { username: "ann", realm: REALM, nonce, opaque, uri: "/write/", qop: "auth", nc: "00000001" };
  Object.assign(fields, { cnonce: CNONCE, algorithm }, change);
  const name = (fields["algorithm"] ?? "md5").toLowerCase();
  const HA1 = calcHA1(name, "ann", REALM, "secret", nonce, CNONCE);
  const HA2 = calcHA2(name, "GET", fields["uri"]!, "auth", null);
  return { ...fields, response: calcResponse(HA1, HA2, name, nonce, fields["nc"]!, CNONCE, "auth") };
}

function quoted(fields: Fields): string {
  return Object.entries(fields)
    .map(([key, value]) => `${key}="${value}"`)
    .join(", ");
}

function unquoted(fields: Fields): string {
  return Object.entries(fields)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}

function without(fields: Fields, ...names: string[]): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => !names.includes(key)));
}

describe("a digest challenge", () => {
  test("has nonce, opaque, qop, algorithm and realm, and is new every time", () => {
    const factory = new DigestCredentialFactory("md5", REALM);
    const challenge = factory.getChallenge(ADDRESS);
    expect(challenge).toMatchObject({ qop: "auth", algorithm: "md5", realm: REALM });
    expect(challenge.nonce).toMatch(/^[0-9a-f]{24}$/);
    expect(challenge.opaque).not.toContain("\n");
    expect(factory.getChallenge(ADDRESS).nonce).not.toBe(challenge.nonce);
    expect([factory.scheme, factory.CHALLENGE_LIFETIME_SECS, factory.privateKey.length]).toEqual(["digest", 900, 12]);
  });

  for (const [address, opaque] of [
    ["192.0.2.1", "7577f51ba9d792af62724f2fb1abe5c7-YWJjLDE5Mi4wLjIuMSwxMDAw"],
    [null, "888ad7b01e4c982d95820c788058fade-YWJjLCwxMDAw"],
    ["", "888ad7b01e4c982d95820c788058fade-YWJjLCwxMDAw"],
  ] as const) {
    test(`has a known opaque for the address ${JSON.stringify(address)}`, () => {
      const factory = new Factory();
      Object.assign(factory, { privateKey: "k", now: 1000.9, nonce: "abc" });
      expect(factory.getChallenge(address).opaque).toBe(opaque);
    });
  }
});

describe("a digest response", () => {
  for (const algorithm of ["md5", "MD5", "sha"]) {
    for (const write of [quoted, unquoted]) {
      test(`agrees with its password only (${algorithm}, ${write.name})`, () => {
        const factory = new Factory(algorithm);
        const credentials = factory.decode(write(respond(factory)), "GET", ADDRESS);
        expect([credentials.username, credentials.method, credentials.realm]).toEqual(["ann", "GET", REALM]);
        expect(credentials.checkPassword("secret")).toBe(true);
        expect(credentials.checkPassword(Buffer.from("secret"))).toBe(true);
        expect(credentials.checkPassword("secrets")).toBe(false);
      });
    }
  }

  const factory = new Factory();
  const decode = (fields: Fields, method = "GET", address: string | null = ADDRESS) =>
    factory.decode(Buffer.from(quoted(fields)), method, address);

  test("may hold a comma in a quoted uri, and line breaks between fields", () => {
    const fields = respond(factory, { uri: "/some,other/path" });
    expect(decode(fields).checkPassword("secret")).toBe(true);
    expect(factory.decode(quoted(fields).replaceAll(", ", ",\r\n "), "GET", ADDRESS).checkPassword("secret")).toBe(
      true,
    );
  });

  test("may leave the algorithm out", () => {
    expect(decode(without(respond(factory), "algorithm")).checkPassword("secret")).toBe(true);
  });

  test("may come from a client without an address, where the challenge went to one", () => {
    expect(decode(respond(factory, {}, null), "GET", null).checkPassword("secret")).toBe(true);
  });

  test("may be one of several to the same challenge", () => {
    factory.nonce = "0123456789abcdef";
    for (const nc of ["00000001", "00000002"]) {
      expect(decode(respond(factory, { nc })).checkPassword("secret")).toBe(true);
    }
    factory.nonce = null;
  });

  test("does not agree when the request has another method than the one hashed", () => {
    expect(decode(respond(factory), "POST").checkPassword("secret")).toBe(false);
  });

  test("can be checked with H(A1), and provides IUsernameDigestHash", () => {
    const credentials = decode(respond(factory));
    const digestHash = createHash("md5").update(`ann:${REALM}:secret`).digest("hex");
    expect(providedBy(IUsernameDigestHash, credentials)).toBe(true);
    expect(credentials.checkHash(digestHash)).toBe(true);
    expect(credentials.checkHash(digestHash.replace(/^./, "x"))).toBe(false);
  });

  test("has fields that are case sensitive, of which the last of a name counts, and a blank before = drops the pair", () => {
    const text = `${quoted(respond(factory))}, Uri="/x", cnonce="first", cnonce=last, odd ="value", __proto__="p"`;
    const { fields } = factory.decode(text, "GET", ADDRESS);
    expect([fields.get("Uri"), fields.get("uri"), fields.get("cnonce"), fields.has("odd")]).toEqual([
      "/x",
      "/write/",
      "last",
      false,
    ]);
    expect(fields.get("__proto__")).toBe("p");
  });

  test("uses the server's realm, not the one among the fields", () => {
    const credentials = decode({ ...respond(factory), realm: "evil" });
    expect(credentials.realm).toBe(REALM);
    expect(credentials.checkPassword("secret")).toBe(true);
  });

  for (const change of [
    { algorithm: "constructor" },
    { algorithm: "md5-sess", cnonce: null },
    { uri: null },
    { nonce: null },
    { qop: "auth-int" },
    { response: null },
  ]) {
    test(`with the fields ${JSON.stringify(change)} counts as a wrong password`, () => {
      const fields = new Map<string, string | null>(Object.entries({ ...respond(factory), ...change }));
      for (const [key, value] of fields) if (value === null) fields.delete(key);
      const credentials = new DigestedCredentials("ann", "GET", REALM, fields as Map<string, string>);
      expect([credentials.checkPassword("secret"), credentials.checkHash("00")]).toEqual([false, false]);
    });
  }
});

describe("decode refuses", () => {
  const factory = new Factory();
  const good = respond(factory);

  for (const [what, fields, message] of [
    ["no user name", without(good, "username"), "Invalid response, no username given."],
    ["an empty user name", { ...good, username: "" }, "Invalid response, no username given."],
    ["no opaque", without(good, "opaque"), "Invalid response, no opaque given."],
    ["no nonce", without(good, "nonce"), "Invalid response, no nonce given."],
    ["nothing at all", {}, "Invalid response, no username given."],
    ["an opaque of others", { ...good, opaque: "x" }, "Invalid response, invalid opaque value"],
  ] as const) {
    test(what, () => {
      expect(() => factory.decode(quoted(fields), "GET", ADDRESS)).toThrow(new LoginFailed(message));
    });
  }

  test("text that is no list of fields", () => {
    for (const text of [
      "",
      "=",
      "===,,,",
      "username=,x",
      "\0\n",
      '"',
      '="',
      "a".repeat(1_000_000),
      "a=".repeat(500_000),
    ]) {
      expect(() => factory.decode(text, "GET", ADDRESS)).toThrow(LoginFailed);
    }
  });
});

describe("an opaque value is refused", () => {
  const factory = new Factory();
  factory.now = 1000;
  const opaque = factory.opaque("abc", ADDRESS);
  const signature = opaque.split("-")[0]!;
  const forged = (key: string) => `${signature}-${Buffer.from(key).toString("base64")}`;

  for (const [what, value, nonce, address, text] of [
    ["without a dash", "abcdef", "abc", ADDRESS, "invalid opaque value"],
    ["with two dashes", `${opaque}-x`, "abc", ADDRESS, "invalid opaque value"],
    ["with a key of two parts", forged("abc,1000"), "abc", ADDRESS, "invalid opaque value"],
    ["with a key of four parts", forged(`abc,${ADDRESS},1000,x`), "abc", ADDRESS, "invalid opaque value"],
    ["that is no base64", `${signature}-%%%%`, "abc", ADDRESS, "invalid opaque value"],
    ["for another nonce", opaque, "def", ADDRESS, "incompatible opaque/nonce values"],
    ["for another client", opaque, "abc", "10.0.0.1", "incompatible opaque/client values"],
    ["for a client that has no address", opaque, "abc", null, "incompatible opaque/client values"],
    ["with a time that is no number", forged(`abc,${ADDRESS},soon`), "abc", ADDRESS, "invalid opaque/time values"],
    ["that we did not sign", forged(`abc,${ADDRESS},999`), "abc", ADDRESS, "invalid opaque value"],
  ] as const) {
    test(what, () => {
      expect(() => factory.verify(value, nonce, address)).toThrow(new LoginFailed(`Invalid response, ${text}`));
    });
  }

  test("after 901 seconds, not after 900", () => {
    factory.now = 1900.5;
    expect(factory.verify(opaque, "abc", ADDRESS)).toBe(true);
    factory.now = 1901;
    expect(() => factory.verify(opaque, "abc", ADDRESS)).toThrow(
      new LoginFailed("Invalid response, incompatible opaque/nonce too old"),
    );
  });
});
