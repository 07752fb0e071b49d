import { describe, expect, test } from "vitest";
import { KeyExchangeError, ProtocolError } from "../error.js";
import { checkNames, negotiate, type Offer } from "./negotiation.js";

function offer(changes: Partial<Offer> = {}): Offer {
  return {
    cookie: Buffer.alloc(16),
    keyExchanges: ["curve25519-sha256"],
    hostKeys: ["ssh-ed25519"],
    ciphersToServer: ["aes128-ctr"],
    ciphersToClient: ["aes128-ctr"],
    macsToServer: ["hmac-sha2-256"],
    macsToClient: ["hmac-sha2-256"],
    compressionsToServer: ["none"],
    compressionsToClient: ["none"],
    languagesToServer: [],
    languagesToClient: [],
    firstKexPacketFollows: false,
    reserved: 0,
    ...changes,
  };
}

describe("negotiation", () => {
  test("takes the first of the client's names that the server has (RFC 4253 section 7.1)", () => {
    const client = offer({ keyExchanges: ["x", "mlkem768x25519-sha256", "curve25519-sha256"] });
    const server = offer({ keyExchanges: ["curve25519-sha256", "mlkem768x25519-sha256"] });
    expect(negotiate(client, server).keyExchange.name).toBe("mlkem768x25519-sha256");
    expect(negotiate(server, client).keyExchange.name).toBe("curve25519-sha256");
  });

  test("lets the directions differ, and reads no MAC list for an AEAD cipher (K6)", () => {
    const client = offer({ ciphersToServer: ["aes256-gcm@openssh.com"], macsToServer: ["unheard-of"] });
    const server = offer({ ciphersToServer: ["aes256-gcm@openssh.com"] });
    const { toServer, toClient } = negotiate(client, server);
    expect([toServer.cipher.name, toServer.mac]).toEqual(["aes256-gcm@openssh.com", null]);
    expect([toClient.cipher.name, toClient.mac?.name]).toEqual(["aes128-ctr", "hmac-sha2-256"]);
  });

  test("never chooses a marker, though both list it", () => {
    for (const marker of ["ext-info-c", "ext-info-s", "kex-strict-c-v00@openssh.com", "kex-strict-s-v00@openssh.com"]) {
      const both = offer({ keyExchanges: [marker, "curve25519-sha256"] });
      expect(negotiate(both, both).keyExchange.name).toBe("curve25519-sha256");
      const alone = offer({ keyExchanges: [marker] });
      expect(() => negotiate(alone, alone)).toThrow(KeyExchangeError);
    }
  });

  test("fails where a list has no common name, or one that is listed and unknown", () => {
    for (const key of [
      "keyExchanges",
      "hostKeys",
      "ciphersToClient",
      "macsToServer",
      "compressionsToServer",
    ] as const) {
      expect(() => negotiate(offer({ [key]: ["other"] }), offer())).toThrow(KeyExchangeError);
    }
    for (const key of ["keyExchanges", "ciphersToClient", "macsToServer"] as const) {
      expect(() => negotiate(offer({ [key]: ["constructor"] }), offer({ [key]: ["constructor"] }))).toThrow(
        KeyExchangeError,
      );
    }
  });

  test("calls a guess wrong when the first key exchange or the first host key differ", () => {
    const two = ["curve25519-sha256", "mlkem768x25519-sha256"];
    expect(negotiate(offer(), offer()).wrongGuess).toBe(false);
    expect(negotiate(offer({ keyExchanges: two }), offer({ keyExchanges: two.toReversed() })).wrongGuess).toBe(true);
    expect(negotiate(offer({ hostKeys: ["a", "ssh-ed25519"] }), offer()).wrongGuess).toBe(true);
  });
});

describe("names", () => {
  test("that RFC 4251 allows pass", () => {
    expect(() => checkNames(offer({ keyExchanges: ["a", "x".repeat(64), "name@example.com"] }))).not.toThrow();
  });

  test("may end with a comma, as those of libssh 0.10 do, but not begin with one nor have two", () => {
    const ending = offer({ ciphersToServer: ["aes128-ctr", ""] });
    expect(() => checkNames(ending)).not.toThrow();
    expect(negotiate(ending, offer({ ciphersToServer: ["none", "aes128-ctr"] })).toServer.cipher.name).toBe(
      "aes128-ctr",
    );
    for (const names of [
      ["", "aes128-ctr"],
      ["aes128-ctr", "", "aes256-ctr"],
      ["aes128-ctr", "", ""],
    ])
      expect(() => checkNames(offer({ ciphersToServer: names }))).toThrow(ProtocolError);
  });

  for (const name of ["x".repeat(65), "a b", "a\x7f", "caf\xe9", "a\n"]) {
    test(`such as ${JSON.stringify(name.slice(0, 8))} close (K6)`, () => {
      expect(() => checkNames(offer({ hostKeys: ["ssh-ed25519", name] }))).toThrow(ProtocolError);
    });
  }

  test("in a list of more than 8 KiB close", () => {
    expect(() => checkNames(offer({ hostKeys: Array.from({ length: 900 }, () => "0123456789") }))).toThrow(
      ProtocolError,
    );
  });
});
