/** The factory of servers, with what Twisted's own tests pin about it. */
import { NotImplementedError } from "@strombus/reactor/exceptions";
import { IPv4Address } from "@strombus/reactor/address";
import { FakeTransport } from "@strombus/reactor/testing";
import { describe, expect, test } from "vitest";
import { ConchError } from "../error.js";
import { KexInit } from "../messages/transport.js";
import type { SSHTransportBase } from "../transport/base.js";
import { SSHFactory, type Primes } from "./factory.js";
import { Key } from "./keys.js";
import { SSHServerTransport } from "./transport.js";

const peer = new IPv4Address("TCP", "127.0.0.1", 22022);
const ed25519 = Key.generate("ed25519");
const rsa = Key.generate("rsa", 2048);

const GROUP_EXCHANGE = ["diffie-hellman-group-exchange-sha256", "diffie-hellman-group-exchange-sha1"];
const PRIMES: Primes = new Map([
  [
    2048,
    [
      [2n, 11n],
      [2n, 13n],
    ],
  ],
  [4096, [[5n, 23n]]],
]);

function factoryWith(...keys: Key[]): SSHFactory {
  const factory = new SSHFactory();
  factory.privateKeys = Object.fromEntries(keys.map((key) => [key.sshType(), key]));
  factory.publicKeys = Object.fromEntries(keys.map((key) => [key.sshType(), key.public()]));
  return factory;
}

function started(factory: SSHFactory): SSHServerTransport {
  factory.noisy = false;
  factory.doStart();
  return factory.buildProtocol(peer) as SSHServerTransport;
}

/** What goes out as KEXINIT. */
function offerOf(transport: SSHTransportBase) {
  transport.makeConnection(new FakeTransport(transport, true));
  const offer = KexInit.decode(transport.ourKexInitPayload!.subarray(1));
  transport.connectionLost();
  return offer;
}

describe("a factory", () => {
  test("makes server transports, or whatever its protocol is, without arguments", () => {
    const factory = factoryWith(ed25519);
    expect(started(factory)).toBeInstanceOf(SSHServerTransport);
    const args: unknown[] = [];
    const made = new SSHServerTransport();
    factory.protocol = (...given: unknown[]) => {
      args.push(...given);
      return made;
    };
    expect(factory.buildProtocol(peer)).toBe(made);
    expect([args, made.factory]).toEqual([[], factory]);
  });

  test("asks its getters for what is not set", () => {
    class Getters extends SSHFactory {
      override getPublicKeys() {
        return { "ssh-ed25519": ed25519.public() };
      }
      override getPrivateKeys() {
        return { "ssh-ed25519": ed25519 };
      }
      override getPrimes() {
        return PRIMES;
      }
    }
    const factory = new Getters();
    started(factory);
    expect([factory.publicKeys?.["ssh-ed25519"]?.blob(), factory.privateKeys?.["ssh-ed25519"]]).toEqual([
      ed25519.blob(),
      ed25519,
    ]);
    expect(factory.primes).toBe(PRIMES);
  });

  test("does not start without host keys", () => {
    expect(() => started(new SSHFactory())).toThrow(NotImplementedError);
    expect(() => started(factoryWith())).toThrow(new ConchError("no host keys, failing"));
  });

  test("offers the algorithms of its host keys, RSA by SHA-2 alone", () => {
    expect(offerOf(started(factoryWith(rsa, ed25519))).hostKeys).toEqual([
      "rsa-sha2-512",
      "rsa-sha2-256",
      "ssh-ed25519",
    ]);
  });
});

describe("group exchange", () => {
  test("is not offered without groups, whoever lists it", () => {
    const transport = started(factoryWith(ed25519));
    transport.supportedKeyExchanges = [...GROUP_EXCHANGE, "curve25519-sha256"];
    const offered = offerOf(transport).keyExchanges;
    expect(offered).not.toEqual(expect.arrayContaining([expect.stringContaining("group-exchange")]));
    expect(offered).toContain("curve25519-sha256");
  });

  test("is offered with groups", () => {
    const factory = factoryWith(ed25519);
    factory.primes = PRIMES;
    const transport = started(factory);
    transport.supportedKeyExchanges = GROUP_EXCHANGE;
    expect(offerOf(transport).keyExchanges).toEqual(expect.arrayContaining(GROUP_EXCHANGE));
  });

  test("gives a group of the nearest size, the first in a tie, one of several by chance", () => {
    const factory = factoryWith(ed25519);
    factory.primes = PRIMES;
    expect(factory.getDHPrime(4000)).toEqual([5n, 23n]);
    expect(factory.getDHPrime(9000)).toEqual([5n, 23n]);
    const drawn = new Set(Array.from({ length: 200 }, () => factory.getDHPrime(3072)[1]));
    expect([...drawn].sort()).toEqual([11n, 13n]);
  });

  test("has no group where there is none", () => {
    expect(() => factoryWith(ed25519).getDHPrime(2048)).toThrow(ConchError);
  });
});

describe("services", () => {
  test("are for who has logged in, but ssh-userauth", () => {
    const factory = factoryWith(ed25519);
    const transport = started(factory);
    expect(factory.getService(transport, "ssh-userauth")).toBe(factory.services["ssh-userauth"]);
    expect(factory.getService(transport, "ssh-connection")).toBe(null);
    transport.avatar = null;
    expect(factory.getService(transport, "ssh-connection")).toBe(factory.services["ssh-connection"]);
    for (const name of ["unknown", "constructor", "__proto__"]) expect(factory.getService(transport, name)).toBe(null);
  });
});
