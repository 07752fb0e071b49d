/** The factory of servers, with what Twisted's own tests pin about it. */
import { generateKeyPairSync } from "node:crypto";
import { IPv4Address } from "@strombus/reactor/address";
import { NotImplementedError, ValueError } from "@strombus/reactor/exceptions";
import { FakeTransport } from "@strombus/reactor/testing";
import { describe, expect, test } from "vitest";
import { ConchError } from "../error.js";
import { Certificate } from "../keys/certificate.js";
import { KexInit } from "../messages/transport.js";
import type { SSHTransportBase } from "../transport/base.js";
import { SSHFactory, type Primes } from "./factory.js";
import { NS } from "./common.js";
import { Key } from "./keys.js";
import { SSHService } from "./service.js";
import { PROFILES, SSHClientTransport, SSHServerTransport, type AlgorithmChoice } from "./transport.js";
import { RSA } from "../keys/rsa.test.support.js";

const peer = new IPv4Address("TCP", "127.0.0.1", 22022);
const ed25519 = Key.generate("ed25519");
const rsa = RSA;

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

  test("refuses an RSA host key that is too short, as the application sees it", () => {
    const short = new Key(generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey);
    const factory = factoryWith(short);
    expect(() => started(factory)).toThrow("the RSA host key has 1024 bits, 2048 are asked for");
    factory.minimumRSAHostKeySize = 1024;
    expect(offerOf(started(factory)).hostKeys).toEqual(["rsa-sha2-512", "rsa-sha2-256"]);
    const strict = factoryWith(rsa);
    strict.minimumRSAHostKeySize = 3072;
    expect(() => started(strict)).toThrow("2048 bits, 3072 are asked for");
  });

  test("never offers DSA", () => {
    const dsa = Key.generate("dsa");
    expect(() => started(factoryWith(dsa))).toThrow("no host key is for an algorithm on the list");
    expect(offerOf(started(factoryWith(dsa, ed25519))).hostKeys).toEqual(["ssh-ed25519"]);
  });
});

describe("algorithms", () => {
  const offer = (algorithms: AlgorithmChoice | null, setUp: (factory: SSHFactory) => void = () => undefined) => {
    const factory = factoryWith(ed25519, rsa);
    factory.algorithms = algorithms;
    setUp(factory);
    return offerOf(started(factory));
  };
  const withoutMarkers = (names: readonly string[]) => names.filter((name) => !/^(ext-info|kex-strict)/.test(name));

  test("are the default profile's, or those of the transport's class", () => {
    expect(offer(null).ciphersToClient).toEqual(PROFILES.default.ciphers);
    expect(offer(null).macsToServer).toEqual(PROFILES.default.macs);
    class Own extends SSHServerTransport {
      override supportedCiphers = ["aes128-ctr"];
    }
    expect(offer(null, (factory) => (factory.protocol = Own)).ciphersToServer).toEqual(["aes128-ctr"]);
  });

  for (const profile of ["default", "pq", "compat", "legacy"] as const) {
    test(`may be the profile ${profile}`, () => {
      const lists = PROFILES[profile];
      const offered = offer(profile, (factory) => (factory.primes = PRIMES));
      // With groups there is an exchange of them by default.
      const groups = profile === "default" ? ["diffie-hellman-group-exchange-sha256"] : [];
      expect(withoutMarkers(offered.keyExchanges)).toEqual([...lists.keyExchanges, ...groups]);
      expect([offered.ciphersToServer, offered.ciphersToClient]).toEqual([lists.ciphers, lists.ciphers]);
      expect([offered.macsToServer, offered.macsToClient]).toEqual([lists.macs, lists.macs]);
      expect(offered.compressionsToClient).toEqual(lists.compressions);
      const sha1 = profile === "legacy" ? ["ssh-rsa"] : [];
      expect(offered.hostKeys).toEqual(["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256", ...sha1]);
    });
  }

  test("of the profiles but legacy are without SHA-1, CBC and compression before login", () => {
    for (const profile of ["default", "pq", "compat"] as const) {
      const names = (Object.values(PROFILES[profile]) as string[][]).flat();
      expect(names.filter((name) => /sha1|cbc|^zlib$|^ssh-rsa$|^ssh-dss$/.test(name))).toEqual([]);
    }
    expect(PROFILES.pq.keyExchanges[0]).toBe("mlkem768x25519-sha256");
    expect(PROFILES.pq.keyExchanges.filter((name) => !/^(mlkem|sntrup)/.test(name))).toEqual([]);
  });

  test("may be lists of one's own; what is left out is as by default", () => {
    const offered = offer({ ciphers: ["aes192-ctr"], hostKeys: ["rsa-sha2-256", "ssh-ed25519"] });
    expect(offered.ciphersToClient).toEqual(["aes192-ctr"]);
    expect(offered.macsToClient).toEqual(PROFILES.default.macs);
    expect(offered.hostKeys).toEqual(["ssh-ed25519", "rsa-sha2-256"]);
  });

  test("reach the user keys too", () => {
    const factory = factoryWith(ed25519);
    factory.algorithms = { userKeys: ["ssh-ed25519"] };
    expect(started(factory).supportedUserKeyAlgorithms).toEqual(["ssh-ed25519"]);
    factory.algorithms = "legacy";
    expect((factory.buildProtocol(peer) as SSHServerTransport).supportedUserKeyAlgorithms).toContain("ssh-rsa");
  });

  test("that nobody knows, or none, keep the server from starting", () => {
    expect(() => offer({ ciphers: ["aes-256-ctr"] })).toThrow(
      /unknown name "aes-256-ctr" in ciphers; known: .*aes256-ctr/,
    );
    expect(() => offer({ macs: [] })).toThrow("no macs are listed");
    expect(() => offer({ keyExchange: ["x"] } as never)).toThrow('there are no algorithms "keyExchange"');
    expect(() => offer("constructor" as never)).toThrow(
      'there is no profile "constructor"; known: default, pq, compat, legacy',
    );
    expect(() => offer({ hostKeys: ["ecdsa-sha2-nistp256"] })).toThrow("no host key is for an algorithm on the list");
  });

  test("of a client are chosen the same way, with MACs that Twisted's servers have", () => {
    const client = new SSHClientTransport();
    const byDefault = client.supportedMACs;
    expect(byDefault).toEqual([...PROFILES.default.macs, "hmac-sha2-256", "hmac-sha2-512"]);
    client.useAlgorithms("legacy");
    expect(client.supportedPublicKeys).toContain("ssh-rsa");
    client.useAlgorithms({ compressions: ["zlib@openssh.com", "none"] });
    expect([client.supportedCompressions, client.supportedMACs]).toEqual([["zlib@openssh.com", "none"], byDefault]);
    expect(() => client.useAlgorithms({ macs: ["md5"] })).toThrow(ValueError);
  });
});

describe("host certificates", () => {
  const authority = Key.generate("ed25519");
  const certify = (key: Key, kind: "host" | "user" = "host") =>
    Certificate.issue(authority, {
      key: key.public(),
      kind,
      keyId: "host",
      principals: ["here"],
      validBefore: Infinity,
    });

  test("are offered first, for RSA without SHA-1", async () => {
    const factory = factoryWith(ed25519, rsa);
    factory.hostCertificates = [await certify(rsa)];
    expect(offerOf(started(factory)).hostKeys).toEqual([
      "rsa-sha2-512-cert-v01@openssh.com",
      "rsa-sha2-256-cert-v01@openssh.com",
      "ssh-ed25519",
      "rsa-sha2-512",
      "rsa-sha2-256",
    ]);
  });

  test("must be of one of the host keys, and a host's", async () => {
    for (const certificate of [await certify(Key.generate("ed25519")), await certify(ed25519, "user")]) {
      const factory = factoryWith(ed25519);
      factory.hostCertificates = [certificate];
      expect(() => started(factory)).toThrow('the certificate "host" is not for one of our host keys');
    }
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

  test("may be made by a function", () => {
    const factory = factoryWith(ed25519);
    const service = Object.assign(new SSHService(), { name: "ssh-userauth" });
    factory.services["ssh-userauth"] = () => service;
    const transport = started(factory);
    transport.makeConnection(new FakeTransport(transport, true));
    transport.ssh_SERVICE_REQUEST(NS("ssh-userauth"));
    expect(transport.service).toBe(service);
    transport.connectionLost();
  });
});
