/** What can be tried with keys, signatures and questions about them (rules A5 to A8). */
import { createHash } from "node:crypto";
import { AuthorizedKey, InMemorySSHKeyDB, SSHProtocolChecker, SSHPublicKeyChecker } from "@strombus/conch/checkers";
import { NotEnoughAuthentication, ValidPublicKey } from "@strombus/conch/error";
import { Certificate } from "@strombus/conch/keys/certificate";
import { Key } from "@strombus/conch/ssh/keys";
import { DEFAULT_USER_KEY_ALGORITHMS } from "@strombus/conch/ssh/userauth";
import type { ICredentialsChecker } from "@strombus/cred/checkers";
import { type ICredentials, ISSHHostBased, ISSHPrivateKey, IUsernamePassword } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { describe, expect, test } from "vitest";
import {
  asking,
  covered,
  credulous,
  DELAY,
  FAILURE,
  HOST_BOUND,
  type KeyRequest,
  login,
  type Login,
  password,
  passwords,
  query,
  REPLY,
  REQUEST,
  requestOf,
  SERVICE,
  signedRequest,
  SUCCESS,
  withSignature,
} from "../support/memory-login.js";
import { fields, hostKey } from "../support/memory-ssh.js";
import { rsaKey } from "../support/rsa.js";

const mine = Key.generate("ed25519");
const hers = Key.generate("ed25519");

/** Alice's keys, and none of anybody else. */
const known = (...keys: Key[]) =>
  new SSHPublicKeyChecker(new InMemorySSHKeyDB({ alice: keys.map((key) => key.public()) }));

/** Answers of a server with this checker to one request. */
async function answered(
  checker: ICredentialsChecker,
  request: (made: Login) => Buffer,
  algorithms?: readonly string[],
) {
  const made = await login({
    checkers: [checker],
    prepare: (server) => {
      if (algorithms !== undefined) server.supportedUserKeyAlgorithms = algorithms;
    },
  });
  await made.ask(request(made));
  return made;
}

describe("a question about a key", () => {
  test("A5: never logs in, whatever the checker says to it", async () => {
    for (const says of [
      () => "alice",
      async () => Promise.resolve("alice"),
      () => {
        throw new NotEnoughAuthentication();
      },
    ]) {
      for (const method of ["publickey", HOST_BOUND]) {
        const made = await answered(asking(says), () => query(mine, { method }));
        await made.pass(10);
        expect([made.answers(), made.avatars, made.server.avatar]).toEqual([[FAILURE], [], undefined]);
        // No part of one either: the flag of a partial success is not set.
        expect(made.got[0]![1].at(-1)).toBe(0);
      }
    }
  });

  test("A5: is no step of a login that takes several", async () => {
    const steps = new SSHProtocolChecker({ inOrder: [ISSHPrivateKey, IUsernamePassword] });
    steps.registerChecker(credulous());
    steps.registerChecker(passwords());
    const made = await answered(steps, () => query(mine));
    await made.ask(password("right"));
    await made.ask(query(mine));
    expect([made.answers(), made.avatars]).toEqual([[FAILURE, FAILURE, FAILURE], []]);
    await made.ask(made.signed(mine));
    await made.ask(password("right"));
    expect(made.avatars).toEqual(["alice"]);
  });

  test("A5: an empty signature is no signature, and no question", async () => {
    for (const method of ["publickey", HOST_BOUND]) {
      const made = await answered(credulous(), () => withSignature(requestOf(mine, { method }), Buffer.alloc(0)));
      expect([made.server.said, made.avatars]).toEqual([[2], []]);
    }
  });

  test("A5: CVE-2024-45337: lends nothing to the key that signs", async () => {
    // The application remembers nothing: who somebody is follows from the key that signed.
    const owners = new Map([
      [mine.blob().toString("hex"), "mallory"],
      [hers.blob().toString("hex"), "admin"],
    ]);
    const checker = asking(({ blob, signature, sigData }) => {
      if (signature === null) throw new ValidPublicKey();
      if (!Key.fromString(blob).verify(signature, sigData!)) throw new UnauthorizedLogin("not signed");
      return owners.get(blob.toString("hex"))!;
    });
    const made = await login({ checkers: [checker] });
    await made.ask(query(hers));
    await made.ask(query(mine));
    await made.ask(query(hers));
    await made.ask(made.signed(mine), query(hers));
    expect([made.answers(), made.avatars]).toEqual([[REPLY, REPLY, REPLY, SUCCESS], ["mallory"]]);

    // Nor while the login is in hand, or when the questions are put in the place of the key that signs.
    const forged = await login({ checkers: [checker] });
    await forged.ask(query(hers));
    const request = requestOf(hers, { sessionID: forged.server.sessionID! });
    await forged.ask(withSignature(request, mine.sign(covered(request))));
    expect([forged.answers(), forged.avatars]).toEqual([[REPLY, FAILURE], []]);
  });

  test("A5: that is answered late, when another request is in hand, is answered as that other one is not", async () => {
    let answer: (error: unknown) => void = () => {};
    const checker = asking(({ signature, username }) =>
      signature === null ? new Promise((_resolve, reject) => (answer = reject)) : username,
    );
    const made = await login({ checkers: [checker] });
    await made.ask(query(hers));
    await made.ask(made.signed(mine));
    expect([made.answers(), made.avatars]).toEqual([[], []]); // it waits for its turn
    answer(new ValidPublicKey());
    await made.pass(DELAY);
    expect([made.answers(), made.avatars, checker.asked.at(-1)?.blob]).toEqual([
      [REPLY, SUCCESS],
      ["alice"],
      mine.blob(),
    ]);
  });
});

describe("a signature", () => {
  const other: readonly (readonly [what: string, Partial<KeyRequest>])[] = [
    ["another session", { sessionID: Buffer.alloc(32, 1) }],
    ["no session", { sessionID: Buffer.alloc(0) }],
    ["another user", { user: "bob" }],
    ["another service", { service: "ssh-userauth" }],
    ["another method", { method: HOST_BOUND }],
    ["another algorithm", { algorithm: "rsa-sha2-512" }],
    ["another key", { blob: hers.blob() }],
  ];

  for (const [what, changed] of other) {
    test(`A6: for ${what} is none for this`, async () => {
      const keys = known(mine, hers);
      const checker = asking<ICredentials>((given) => keys.requestAvatarId(given));
      const made = await answered(checker, ({ signed }) => signed(mine, {}, changed));
      expect([made.answers(), made.avatars, checker.asked.length]).toEqual([[FAILURE], [], 1]);
      await made.ask(made.signed(mine));
      expect(made.answers()).toEqual([FAILURE, SUCCESS]);
    });
  }

  test("A6: that is bound to a host's key is bound to ours", async () => {
    const bound = { method: HOST_BOUND };
    const right = await answered(known(mine), ({ signed }) => signed(mine, bound));
    expect(right.answers()).toEqual([SUCCESS]);
    const elsewhere = { ...bound, hostKey: hers.blob() };
    for (const [said, signs] of [
      [elsewhere, elsewhere],
      [bound, elsewhere],
      [elsewhere, bound],
    ]) {
      const made = await answered(known(mine), ({ signed }) => signed(mine, said, signs));
      expect([made.answers(), made.avatars]).toEqual([[FAILURE], []]);
    }
    expect(hostKey.blob()).not.toEqual(hers.blob());
  });

  test("A6: of a host covers the same, and the names of host and user there", async () => {
    const checker = asking<ISSHHostBased>(({ blob, signature, sigData }) => {
      if (!Key.fromString(blob).verify(signature, sigData)) throw new UnauthorizedLogin("not signed");
      return "alice";
    }, ISSHHostBased);
    const said = (user: string, host: string, theirs: string) =>
      fields(user, SERVICE, "hostbased", "ssh-ed25519", mine.blob(), host, theirs);
    for (const signs of [
      said("bob", "client.", "eve"),
      said("alice", "other.", "eve"),
      said("alice", "client.", "bob"),
      null,
    ]) {
      const made = await login({ checkers: [checker] });
      const head = Buffer.concat([fields(made.server.sessionID!), Buffer.of(REQUEST)]);
      const request = said("alice", "client.", "eve");
      const signature = mine.sign(Buffer.concat([head, signs ?? request]));
      await made.ask(Buffer.concat([request, fields(signature)]));
      expect(made.answers()).toEqual([signs === null ? SUCCESS : FAILURE]);
    }
  });
});

describe("names", () => {
  const rsa = rsaKey();
  const keys = [
    mine,
    rsa,
    ...[256, 384, 521].map((bits) => Key.generate("ecdsa", bits)),
    Key.generate("ed448"),
    Key.generate("mldsa44-ed25519"),
  ];
  const nameIn = (name: string, signature: Buffer) =>
    Buffer.concat([fields(name), signature.subarray(4 + signature.readUInt32BE())]);

  test("A7: of algorithm, key and signature agree: of all that are known only those that belong together are looked at", async () => {
    const signing = DEFAULT_USER_KEY_ALGORITHMS.filter((name) => !name.startsWith("sk-"));
    expect(signing).toHaveLength(8);
    for (const key of keys) {
      const own = key.supportedSignatureAlgorithms();
      const value = key.sign("anything", own[0]);
      for (const algorithm of signing) {
        const checker = credulous();
        const made = await login({ checkers: [checker], limits: { attemptsBeforeDisconnect: Infinity } });
        for (const named of signing) {
          await made.ask(withSignature(requestOf(key, { algorithm }), nameIn(named, value)));
          if (made.avatars.length > 0) break;
        }
        const belongs = own.includes(algorithm);
        expect([algorithm, made.avatars.length, checker.asked.length]).toEqual([
          algorithm,
          ...(belongs ? [1, 1] : [0, 0]),
        ]);
        // The one that was believed is the one that names itself as the request does.
        if (belongs) expect(made.answers().length).toBe(1 + signing.indexOf(algorithm));
      }
    }
  });

  test("A7: of a curve stand in an ECDSA key twice, and agree", async () => {
    const [p256, p384] = [keys[2]!, keys[3]!];
    const points = [p256, p384].map((key) => key.blob().subarray(-(1 + key.size() / 4)));
    for (const [type, curve, point] of [
      ["ecdsa-sha2-nistp256", "nistp384", points[1]!],
      ["ecdsa-sha2-nistp384", "nistp256", points[0]!],
      ["ecdsa-sha2-nistp256", "nistp256", points[1]!],
      ["ecdsa-sha2-nistp256", "", points[0]!],
    ] as const) {
      const checker = credulous();
      const request = requestOf(p256, { algorithm: type, blob: fields(type, curve, point) });
      const made = await answered(checker, () => withSignature(request, fields(type, Buffer.alloc(64, 1))));
      expect([made.answers(), checker.asked]).toEqual([[FAILURE], []]);
    }
  });

  test("A7: CVE-2026-35387: on the list admit themselves alone, and the list is the one that was told", async () => {
    for (const allowed of ["ecdsa-sha2-nistp384", "rsa-sha2-512"]) {
      for (const key of keys) {
        for (const algorithm of key.supportedSignatureAlgorithms()) {
          for (const request of [query(key, { algorithm }), signedRequest(key, { algorithm })]) {
            const checker = credulous();
            const made = await answered(checker, () => request, [allowed]);
            expect(String(made.client.peerExtensions.get("server-sig-algs"))).toBe(allowed);
            const asked = algorithm === allowed ? 1 : 0;
            expect([algorithm, checker.asked.length]).toEqual([algorithm, asked]);
          }
        }
      }
    }
  });

  test("A7: in the request and at the head of the key agree, also where the rest is a key of the one that is asked for", async () => {
    const rest = mine.blob().subarray(fields("ssh-ed25519").length);
    for (const head of [
      "ssh-ed448",
      "ssh-rsa",
      "ecdsa-sha2-nistp256",
      "sk-ssh-ed25519@openssh.com",
      "ssh-ed25519-cert-v01@openssh.com",
      "SSH-ED25519",
      "ssh-ed25519\0",
      "",
      "constructor",
    ]) {
      const blob = Buffer.concat([fields(head), rest]);
      const asked: Partial<KeyRequest> = { algorithm: "ssh-ed25519", blob };
      const signed = (made: Login): Buffer => {
        const request = requestOf(mine, { ...asked, sessionID: made.server.sessionID! });
        return withSignature(request, mine.sign(covered(request)));
      };
      for (const request of [() => query(mine, asked), signed]) {
        const checker = credulous();
        const made = await answered(checker, request);
        expect([head, made.answers(), made.server.said, checker.asked]).toEqual([head, [FAILURE], [], []]);
      }
    }
    // With its own head it is asked about, and logs in.
    const own = await answered(credulous(), (made) => made.signed(mine));
    expect(own.avatars).toEqual(["alice"]);
  });

  test("A7: that are not on the list are refused before anything of the key is read", async () => {
    const checker = credulous();
    const nonsense = Buffer.from("ffffffff", "hex");
    for (const algorithm of ["ssh-dss", "ssh-rsa", "none", "", "ssh-ed25519\0", "SSH-ED25519", "constructor"]) {
      const made = await answered(checker, () => query(mine, { algorithm, blob: nonsense }));
      expect([algorithm, made.answers(), made.server.said]).toEqual([algorithm, [FAILURE], []]);
    }
    expect(checker.asked).toEqual([]);
  });
});

describe("a key", () => {
  const mpint = (bytes: number, first = 0x7f, last = 0xff) => {
    const value = Buffer.alloc(bytes, 0xff);
    value[0] = first;
    value[bytes - 1] = last;
    return value;
  };
  const E = Buffer.of(1, 0, 1);
  const rsaBlob = (e: Buffer, n: Buffer) => fields("ssh-rsa", e, n);
  const ed25519 = (point: Buffer) => fields("ssh-ed25519", point);
  const smallOrder = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05";

  const WEAK: readonly (readonly [what: string, algorithm: string, blob: Buffer])[] = [
    ["RSA of 1,024 bits", "rsa-sha2-512", rsaBlob(E, mpint(128))],
    ["RSA of 2,047 bits", "rsa-sha2-512", rsaBlob(E, mpint(256))],
    ["CVE-2026-39829: RSA of 16,392 bits", "rsa-sha2-512", rsaBlob(E, mpint(2049))],
    ["CVE-2026-39829: an RSA exponent of 4,096 bits", "rsa-sha2-512", rsaBlob(mpint(512), mpint(257, 0))],
    ["an RSA exponent of 1", "rsa-sha2-512", rsaBlob(Buffer.of(1), mpint(257, 0))],
    ["an even RSA exponent", "rsa-sha2-512", rsaBlob(Buffer.of(4), mpint(257, 0))],
    ["a negative RSA modulus", "rsa-sha2-512", rsaBlob(E, mpint(256, 0xff))],
    ["an RSA modulus with zeros before it", "rsa-sha2-512", rsaBlob(E, Buffer.concat([Buffer.of(0), mpint(256)]))],
    ["CVE-2020-9283: Ed25519 of 31 bytes", "ssh-ed25519", ed25519(Buffer.alloc(31, 9))],
    ["CVE-2020-9283: Ed25519 of 33 bytes", "ssh-ed25519", ed25519(Buffer.alloc(33, 9))],
    ["CVE-2020-9283: Ed25519 of no bytes", "ssh-ed25519", ed25519(Buffer.alloc(0))],
    [
      "CVE-2020-9283: an Ed25519 security key of 1 byte",
      "sk-ssh-ed25519@openssh.com",
      fields("sk-ssh-ed25519@openssh.com", "x", "ssh:"),
    ],
    ["Ed25519 of small order", "ssh-ed25519", ed25519(Buffer.from(smallOrder, "hex"))],
    ["Ed448 of 56 bytes", "ssh-ed448", fields("ssh-ed448", Buffer.alloc(56, 9))],
    [
      "Ed448 that is the neutral point",
      "ssh-ed448",
      fields("ssh-ed448", Buffer.concat([Buffer.of(1), Buffer.alloc(56)])),
    ],
    ["ML-DSA-44 without Ed25519", "ssh-mldsa44-ed25519", fields("ssh-mldsa44-ed25519", Buffer.alloc(1312, 9))],
    [
      "ML-DSA-44 with Ed25519 of small order",
      "ssh-mldsa44-ed25519",
      fields("ssh-mldsa44-ed25519", Buffer.concat([Buffer.alloc(1312, 9), Buffer.from(smallOrder, "hex")])),
    ],
    ["Ed25519 that is the neutral point", "ssh-ed25519", ed25519(Buffer.concat([Buffer.of(1), Buffer.alloc(31)]))],
    ["CVE-2026-39829: DSA of any size", "ssh-dss", fields("ssh-dss", mpint(3000), mpint(20), mpint(3000), mpint(3000))],
    ["RSA by SHA-1", "ssh-rsa", rsaBlob(E, mpint(257, 0))],
  ];

  for (const [what, algorithm, blob] of WEAK) {
    test(`A8: ${what}: is refused before any checker is asked, in a question and with a signature`, async () => {
      const [checker, host] = [credulous(), asking(() => "alice", ISSHHostBased)];
      const request = requestOf(mine, { algorithm, blob });
      const signature = fields(algorithm, Buffer.alloc(64, 1));
      const made = await login({ checkers: [checker, host] });
      await made.ask(query(mine, { algorithm, blob }), withSignature(request, signature));
      await made.pass(DELAY);
      await made.ask(fields("alice", SERVICE, "hostbased", algorithm, blob, "client.", "alice", signature));
      expect([made.answers(), checker.asked, host.asked]).toEqual([Array(3).fill(FAILURE), [], []]);
      expect(made.server.said).toEqual([]);
    });
  }

  test("A8: that signs by SHA-1 does so in vain, also where the request names SHA-2", async () => {
    const rsa = rsaKey();
    const sha1 = (request: KeyRequest) => rsa.sign(covered(request), "ssh-rsa");
    for (const algorithm of ["ssh-rsa", "rsa-sha2-256"]) {
      const made = await answered(known(rsa), ({ server }) => {
        const request = requestOf(rsa, { algorithm, sessionID: server.sessionID! });
        const signature = sha1(request);
        const value = signature.subarray(4 + signature.readUInt32BE());
        return withSignature(request, algorithm === "ssh-rsa" ? signature : Buffer.concat([fields(algorithm), value]));
      });
      expect([algorithm, made.answers(), made.avatars]).toEqual([algorithm, [FAILURE], []]);
    }
  });

  test("A8: CVE-2026-39831: that must be touched was touched", async () => {
    const point = mine.blob().subarray(-32);
    const type = "sk-ssh-ed25519@openssh.com";
    const blob = fields(type, point, "ssh:");
    const hash = (data: string | Buffer) => createHash("sha256").update(data).digest();
    const line = `${type} ${blob.toString("base64")}`;
    const touch = async (options: string, flags: number) => {
      const db = new InMemorySSHKeyDB({ alice: [AuthorizedKey.fromString(`${options} ${line}`)] });
      const made = await answered(new SSHPublicKeyChecker(db), ({ server }) => {
        const request = requestOf(mine, { algorithm: type, blob, sessionID: server.sessionID! });
        const tail = Buffer.of(flags, 0, 0, 0, 1);
        const signature = mine.sign(Buffer.concat([hash("ssh:"), tail, hash(covered(request))]));
        return withSignature(
          request,
          Buffer.concat([fields(type), signature.subarray(4 + signature.readUInt32BE()), tail]),
        );
      });
      return made.avatars.length;
    };
    expect(await Promise.all([touch("", 0), touch("", 4), touch("", 0xfe)])).toEqual([0, 0, 0]);
    expect(await Promise.all([touch("", 1), touch("no-touch-required", 0)])).toEqual([1, 1]);
  });

  test("A8: that is certified by a certificate is not", async () => {
    const request = {
      kind: "user",
      keyId: "x",
      principals: ["alice"],
      validBefore: Infinity,
      key: mine.public(),
    } as const;
    const authority = Key.generate("ed25519");
    const inner = await Certificate.issue(authority, { ...request, key: hers.public() });
    const outer = await Certificate.issue(hers, request);
    const trusting = (...trustedUserCAKeys: Key[]) =>
      new SSHPublicKeyChecker(new InMemorySSHKeyDB({}), { trustedUserCAKeys });
    // The authority's key in the outer one is the inner certificate, and hers signs.
    const [head, rest] = split(outer.blob, fields(hers.blob()));
    const unsigned = Buffer.concat([head, fields(inner.blob)]);
    const nested = Buffer.concat([unsigned, fields(hers.sign(unsigned))]);
    expect(rest.length).toBeGreaterThan(64);
    const algorithm = "ssh-ed25519-cert-v01@openssh.com";
    for (const [blob, isIn] of [
      [nested, false],
      [outer.blob, false],
      [(await Certificate.issue(authority, request)).blob, true],
    ] as const) {
      const made = await answered(trusting(authority.public()), ({ signed }) => signed(mine, { algorithm, blob }));
      expect([made.answers(), made.server.said]).toEqual([[isIn ? SUCCESS : FAILURE], []]);
    }
  });
});

/** What is before these bytes, and behind them. */
function split(bytes: Buffer, at: Buffer): [Buffer, Buffer] {
  const found = bytes.indexOf(at);
  return [bytes.subarray(0, found), bytes.subarray(found + at.length)];
}
