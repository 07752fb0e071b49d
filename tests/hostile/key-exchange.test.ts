/** What a peer can do to an exchange of keys, whichever role it has (rules K1 to K15). */
import { createDiffieHellmanGroup } from "node:crypto";
import { ConchUser } from "@strombus/conch/avatar";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { describe, expect, test } from "vitest";
import { conversation } from "../support/memory-connection.js";
import {
  type Client,
  fields,
  hostKey,
  intrudes,
  lenient,
  loggedIn,
  loggingIn,
  type Message,
  offering,
  pair,
  secured,
  type Server,
} from "../support/memory-ssh.js";

const NONE = Buffer.alloc(0);
const ROLES = [
  ["server", "client"],
  ["client", "server"],
] as const;
type Role = "server" | "client";

/** A talk in which the attacker was changed before it began. */
async function against(victim: Role, change: (attacker: Client | Server) => void) {
  const made = await secured((client, server) => change(victim === "client" ? server : client));
  return { ...made, said: made[victim].said, isSecure: made[victim].isEncrypted("both") };
}

/** Replaces, repeats or leaves out the attacker's messages of one number. */
const replacing =
  (number: number, ...by: readonly (Message | "itself")[]) =>
  (attacker: Client | Server): void =>
    attacker.rewrite((each, body) =>
      each === number ? by.map((message): Message => (message === "itself" ? [each, body] : message)) : [[each, body]],
    );

/** The names of the first list of an offer. */
const namesOf = (offer: Buffer): string[] =>
  offer
    .subarray(20, 20 + offer.readUInt32BE(16))
    .toString("latin1")
    .split(",");

/** The same offer with other names in its n-th list. */
function withNames(offer: Buffer, n: number, names: string): Buffer {
  let at = 16;
  for (let list = 0; list < n; list++) at += 4 + offer.readUInt32BE(at);
  return Buffer.concat([offer.subarray(0, at), fields(names), offer.subarray(at + 4 + offer.readUInt32BE(at))]);
}

const withGuess = (offer: Buffer): Buffer => {
  const copy = Buffer.from(offer);
  copy[copy.length - 5] = 1;
  return copy;
};

describe("strict key exchange", () => {
  test("K1: is offered by both in their first offer alone", async () => {
    const made = pair();
    const { client, server } = made;
    const [ours, theirs] = [client, server].map((side) => namesOf(side.ourKexInitPayload!.subarray(1)));
    expect(ours).toContain("kex-strict-c-v00@openssh.com");
    expect(theirs).toContain("kex-strict-s-v00@openssh.com");
    await made.settle();
    client.sendKexInit();
    expect(namesOf(client.ourKexInitPayload!.subarray(1)).join()).not.toContain("strict");
  });

  test("K1: is not begun by a marker in a later offer", async () => {
    for (const [victim, attacker] of ROLES) {
      const made = await against(victim, lenient);
      made[attacker].supportedKeyExchanges = ["curve25519-sha256", `kex-strict-${attacker[0]!}-v00@openssh.com`];
      const before = made[attacker].outgoingPacketSequence;
      made[attacker].sendKexInit();
      await made.settle();
      expect(made[victim].said).toEqual([]);
      expect(made[attacker].outgoingPacketSequence).toBe(before + 3);
    }
  });

  for (const number of [2, 3, 4, 5, 6, 7, 8, 20, 21, 35, 49, 50, 60, 80, 94, 192, 255]) {
    test(`K1: closes for message ${number} between the offers and the keys`, async () => {
      for (const [victim] of ROLES) {
        const { said, isSecure } = await against(victim, (attacker) => intrudes(attacker, [number, Buffer.alloc(4)]));
        expect([victim, said, isSecure]).toEqual([victim, [2], false]);
      }
    });
  }

  test("K1: CVE-2023-48795: nothing slips in before the keys, in the place of what is cut off behind them", async () => {
    for (const [victim, attacker] of ROLES) {
      // Whoever stands between needs no keys for this: the packet travels in the clear.
      const ignore = Buffer.from("0000000c06020000000000000000000000", "hex").subarray(0, 16);
      const made = pair();
      made.pump.pump(); // version lines and offers
      made[`${victim}IO`].bufferReceived(ignore);
      await made.settle();
      expect([victim, made[victim].said, made[victim].isEncrypted("both")]).toEqual([victim, [2], false]);
      // Nor before the offer.
      const early = pair();
      const bytes = early[`${attacker}IO`].getOutBuffer();
      const end = bytes.indexOf("\r\n") + 2;
      early[`${victim}IO`].bufferReceived(Buffer.concat([bytes.subarray(0, end), ignore, bytes.subarray(end)]));
      expect(early[victim].said).toEqual([2]);
    }
  });

  test("K2: numbers the packets from 0 with every change of keys, and only it does", async () => {
    for (const isStrict of [true, false]) {
      const made = await loggedIn((client) => (isStrict ? undefined : lenient(client)));
      for (let n = 0; n < 5; n++) made.client.sendIgnore("");
      await made.settle();
      const before = made.client.outgoingPacketSequence;
      made.client.sendKexInit();
      await made.settle();
      const expected = isStrict ? 0 : before + 3; // KEXINIT, the value, NEWKEYS
      expect(made.client.outgoingPacketSequence).toBe(expected);
      expect(made.server.incomingPacketSequence).toBe(expected);
    }
  });

  test("K2: a packet that was cut off behind the keys is noticed", async () => {
    for (const [victim, attacker] of ROLES) {
      const made = await loggedIn();
      made[attacker].force(94, fields(0, "cut off"));
      made[`${attacker}IO`].getOutBuffer();
      made[attacker].force(94, fields(0, "next"));
      await made.settle();
      expect(made[victim].said).toHaveLength(1);
      expect([...made.here.got, ...made.there.got]).toEqual([]);
    }
  });
});

describe("an exchange", () => {
  const clientSays: readonly (readonly [string, (attacker: Client | Server) => void])[] = [
    ["a second KEXINIT", (attacker) => replacing(20, "itself", [20, attacker.ourKexInitPayload ?? NONE])(attacker)],
    ["NEWKEYS in the place of the value", replacing(30, [21, NONE])],
    ["NEWKEYS before the value", replacing(30, [21, NONE], "itself")],
    ["its value twice", replacing(30, "itself", "itself")],
    ["another method's message", replacing(30, [34, fields(2048, 2048, 8192)])],
    ["a server's message", replacing(30, [31, fields("", "", "")])],
    ["NEWKEYS twice", replacing(21, "itself", "itself")],
    ["NEWKEYS with a body", replacing(21, [21, Buffer.of(0)])],
  ];
  for (const isStrict of [true, false]) {
    const kind = isStrict ? "a strict" : "a lenient";
    for (const [what, change] of clientSays) {
      test(`K3: ${what} closes in ${kind} exchange, from a client`, async () => {
        const { said } = await against("server", (attacker) => {
          if (!isStrict) lenient(attacker);
          change(attacker);
        });
        expect(said).toEqual([2]);
      });
    }

    for (const [what, change] of [
      ["NEWKEYS in the place of the value", replacing(31, [21, NONE])],
      ["its value twice", replacing(31, "itself", "itself")],
      ["a client's message", replacing(31, [30, fields(Buffer.alloc(32, 9))])],
      ["NEWKEYS twice", replacing(21, "itself", "itself")],
      ["NEWKEYS with a body", replacing(21, [21, Buffer.of(0)])],
    ] as const) {
      test(`K3: ${what} closes in ${kind} exchange, from a server`, async () => {
        const { said } = await against("client", (attacker) => {
          if (!isStrict) lenient(attacker);
          change(attacker);
        });
        expect(said).toEqual([2]);
      });
    }
  }

  test("K3: CVE-2025-8277: many of them with wrong guesses, before the login, are ended after a few", async () => {
    const made = await secured((client) => {
      client.supportedKeyExchanges = ["curve25519-sha256@libssh.org", "curve25519-sha256"];
      offering(client, withGuess);
      intrudes(client, [30, fields("a wrong guess")]);
    });
    let exchanges = 1;
    for (; exchanges < 20 && made.server.said.length === 0; exchanges++) {
      made.client.sendKexInit();
      await made.settle();
    }
    expect([exchanges, made.server.said]).toEqual([5, [2]]);
  });

  test("K4: that the peer began admits nothing else from it", async () => {
    for (const [victim, attacker] of ROLES) {
      for (const number of [5, 6, 7, 20, 50, 80, 90, 94, 98, 192]) {
        const made = await loggedIn();
        made[attacker].sendKexInit();
        made[attacker].force(number, fields("", "", ""));
        made.pump.pump();
        expect([victim, number, made[victim].said]).toEqual([victim, number, [2]]);
      }
    }
  });

  test("K4: that we began leaves the peer free to talk until its own offer, and that is answered after", async () => {
    const made = await loggedIn();
    made.client.force(94, fields(0, "on its way"));
    made.client.force(192, fields("ping"));
    made.server.sendKexInit();
    made.client.dispatched.length = 0;
    await made.settle();
    expect(made.there.got).toHaveLength(1);
    expect([made.client.said, made.server.said]).toEqual([[], []]);
    expect(made.client.dispatched).toEqual([20, 31, 21, 193]);
  });

  test("K5: what we owe meanwhile comes behind it, in its order, and writers were told to wait", async () => {
    for (const [victim, attacker] of ROLES) {
      const made = await loggedIn();
      const [service, theirs] = victim === "server" ? [made.there, made.here] : [made.here, made.there];
      made[victim].sendKexInit();
      for (let n = 0; n < 50; n++) made[victim].sendPacket(94, fields(n));
      expect(service.events.at(-1)).toBe("stopWriting");
      await made.settle();
      expect(theirs.got.map(([, body]) => body.readUInt32BE())).toEqual(Array.from({ length: 50 }, (_, n) => n));
      expect(service.events.at(-1)).toBe("startWriting");
      expect(made[attacker].said).toEqual([]);
    }
  });

  for (const [what, size] of [
    ["packets", 1],
    ["bytes", 30_000],
  ] as const) {
    test(`K5: CVE-2025-22869: that the peer never finishes holds no more than so many ${what}`, async () => {
      for (const [victim, attacker] of ROLES) {
        const made = await loggedIn();
        made[attacker].dataReceived = () => {}; // it never answers
        made[victim].sendKexInit();
        let held = 0;
        while (made[victim].said.length === 0 && held < 1_000_000) {
          made[victim].sendPacket(99, Buffer.alloc(size));
          held++;
        }
        expect(held).toBeLessThanOrEqual(4097);
        expect(held * size).toBeLessThanOrEqual(2 ** 21 + size);
        expect(made[victim].said).toEqual([2]);
      }
    });
  }

  test("K5: before a login there is room for little", async () => {
    for (const [size, most] of [
      [1, 65],
      [30_000, 5],
    ] as const) {
      for (const [victim, attacker] of ROLES) {
        const made = await loggingIn();
        made[attacker].dataReceived = () => {};
        made[victim].sendKexInit();
        let held = 0;
        for (; made[victim].said.length === 0 && held < 5000; held++) made[victim].sendPacket(51, Buffer.alloc(size));
        expect([victim, size, held, made[victim].said]).toEqual([victim, size, most, [2]]);
      }
    }
  });

  test("K5: all channels of a connection may end meanwhile, and their programs tell how", async () => {
    const user = new ConchUser();
    user.channelLookup["x"] = SSHChannel;
    const { made, connection, push } = await conversation("server", user);
    for (let n = 0; n < 256; n++) push(90, "x", n, 1000, 1000);
    await made.settle();
    const channels = [...connection.channels.values()];
    expect(channels).toHaveLength(256);
    made.server.sendKexInit();
    for (const channel of channels) {
      void connection.sendRequest(channel, "exit-status", Buffer.alloc(4));
      connection.sendEOF(channel);
      channel.loseConnection();
    }
    expect(made.server.said).toEqual([]);
  });
});

describe("an offer", () => {
  const list = Array<string>(200).fill("y".repeat(60)).join(",");
  for (const [what, names] of [
    ["an empty name", "curve25519-sha256,,x"],
    ["two commas at its end", "curve25519-sha256,,"],
    ["a comma in front", ",curve25519-sha256"],
    ["a blank", "curve25519-sha256,a b"],
    ["a control character", "curve25519-sha256,a\x1b"],
    ["a letter beyond ASCII", "curve25519-sha256,caf\u00e9"],
    ["a name of 65 characters", `curve25519-sha256,${"x".repeat(65)}`],
    ["more than 8 KiB", `curve25519-sha256,${list}`],
  ] as const) {
    test(`K6: with ${what} in a list closes`, async () => {
      for (const [victim] of ROLES) {
        const { said } = await against(victim, (attacker) => offering(attacker, (body) => withNames(body, 4, names)));
        expect([victim, said]).toEqual([victim, [2]]);
      }
    });
  }

  test("K6: of markers alone has nothing in common with ours", async () => {
    const markers = ["ext-info-c", "ext-info-s", "kex-strict-c-v00@openssh.com", "kex-strict-s-v00@openssh.com"];
    for (const [victim] of ROLES) {
      const { said } = await against(victim, (attacker) =>
        offering(attacker, (body) => withNames(body, 0, markers.join(","))),
      );
      expect([victim, said]).toEqual([victim, [3]]);
    }
  });

  test("K6: is decided by the client's order, each direction by itself, and an AEAD cipher needs no MAC", () => {
    const made = pair((client, server) => {
      client.supportedKeyExchanges = ["curve25519-sha256@libssh.org", "curve25519-sha256"];
      server.supportedKeyExchanges = [...client.supportedKeyExchanges].reverse();
      offering(client, (body) => {
        const there = withNames(body, 2, "aes256-ctr,aes128-ctr");
        const back = withNames(there, 3, "aes128-gcm@openssh.com");
        return withNames(back, 5, "no-mac-that-anybody-has");
      });
    });
    made.server.dataReceived(made.clientIO.getOutBuffer());
    const next = made.server.nextEncryptions!;
    expect([made.server.kexAlg, made.server.said]).toEqual(["curve25519-sha256@libssh.org", []]);
    expect([next.inCipType, next.outCipType]).toEqual(["aes256-ctr", "aes128-gcm@openssh.com"]);
  });

  for (const [what, stage] of [
    ["at first", false],
    ["CVE-2023-1667: in a rekey", true],
  ] as const) {
    test(`K7: ${what}, a wrong guess costs one message and a second one closes`, async () => {
      for (const [guesses, ended] of [
        [1, []],
        [2, [3]],
      ] as const) {
        const guess: Message = [30, fields("a guess")];
        const set = (client: Client) => {
          client.supportedKeyExchanges = ["curve25519-sha256@libssh.org", "curve25519-sha256"];
          offering(client, withGuess);
          intrudes(client, ...Array.from({ length: guesses }, () => guess));
        };
        const made = await loggedIn((client) => (stage ? undefined : set(client)));
        if (stage) {
          set(made.client);
          made.client.sendKexInit();
          await made.settle();
        }
        expect(made.server.said).toEqual(ended);
      }
    });
  }

  test("K7: a wrong guess does not cost a message that is none of the method's", async () => {
    const { said } = await against("server", (client) => {
      (client as Client).supportedKeyExchanges = ["curve25519-sha256@libssh.org", "curve25519-sha256"];
      lenient(client);
      offering(client, withGuess);
      intrudes(client, [50, NONE]);
    });
    expect(said).toEqual([2]);
  });
});

const PRIME = createDiffieHellmanGroup("modp14").getPrime();
const near = (difference: number): Buffer => {
  const bytes = Buffer.from((BigInt(`0x${PRIME.toString("hex")}`) + BigInt(difference)).toString(16), "hex");
  return Buffer.concat([Buffer.of(0), bytes]);
};

describe("a public value", () => {
  const hex = (text: string) => Buffer.from(text, "hex");
  const point = (length: number, first: number) => Buffer.concat([Buffer.of(first), Buffer.alloc(length - 1, 7)]);
  const X = Buffer.alloc(32, 9);

  for (const [method, what, fromClient, fromServer] of [
    ["curve25519-sha256", "CVE-2026-59842: of 31 bytes", X.subarray(1), X.subarray(1)],
    ["curve25519-sha256", "CVE-2026-59842: of 33 bytes", Buffer.alloc(33, 9), Buffer.alloc(33, 9)],
    ["curve25519-sha256", "of no bytes", NONE, NONE],
    ["curve25519-sha256", "of small order", Buffer.alloc(32), Buffer.alloc(32)],
    ["curve25519-sha256", "of order 1", hex(`01${"00".repeat(31)}`), hex(`01${"00".repeat(31)}`)],
    ["ecdh-sha2-nistp256", "that is compressed", point(33, 2), point(33, 3)],
    ["ecdh-sha2-nistp256", "that is not on its curve", point(65, 4), point(65, 4)],
    ["ecdh-sha2-nistp256", "that is infinite", Buffer.of(0), Buffer.of(0)],
    ["ecdh-sha2-nistp521", "of another curve's length", point(65, 4), point(97, 4)],
    ["diffie-hellman-group14-sha256", "that is 1", Buffer.of(1), Buffer.of(1)],
    ["diffie-hellman-group14-sha256", "that is p - 1", near(-1), near(-1)],
    ["diffie-hellman-group14-sha256", "that is p", near(0), near(0)],
    ["diffie-hellman-group14-sha256", "beyond p", near(2), near(2)],
    ["diffie-hellman-group14-sha256", "of three bits", hex("0700000000"), hex("0700000000")],
    ["diffie-hellman-group14-sha256", "that is 0", NONE, NONE],
    ["diffie-hellman-group14-sha256", "that is negative", hex("80ffff"), hex("80ffff")],
    ["diffie-hellman-group14-sha256", "longer than it must be", hex("00017f1f"), hex("00007f1f")],
    ["mlkem768x25519-sha256", "a byte short", Buffer.alloc(1215, 1), Buffer.alloc(1119, 1)],
    ["mlkem768x25519-sha256", "a byte long", Buffer.alloc(1217, 1), Buffer.alloc(1121, 1)],
    ["mlkem768x25519-sha256", "whose numbers are too large", Buffer.alloc(1216, 0xff), null],
    ["mlkem768x25519-sha256", "with a curve's half of 0", null, Buffer.alloc(1120)],
    ["mlkem1024nistp384-sha384", "with a point off its curve", Buffer.alloc(1665, 4), Buffer.alloc(1665, 4)],
    ["sntrup761x25519-sha512", "a byte short", Buffer.alloc(1189, 1), Buffer.alloc(1070, 1)],
    ["sntrup761x25519-sha512", "with a curve's half of 0", Buffer.alloc(1190), Buffer.alloc(1071)],
  ] as const) {
    test(`K8, K9: by ${method}, ${what}, closes with reason 3, and nothing is signed for it`, async () => {
      for (const [victim, value] of [
        ["server", fromClient],
        ["client", fromServer],
      ] as const) {
        if (value === null) continue;
        let signed = 0;
        const made = await secured((client, server, factory) => {
          client.supportedKeyExchanges = server.supportedKeyExchanges = [method];
          const sign = (data: Buffer) => (signed++, hostKey.sign(data));
          if (victim === "server") factory.privateKeys = { "ssh-ed25519": signer(sign) };
          if (victim === "server") replacing(30, [30, fields(value)])(client);
          else replacing(31, [31, fields(hostKey.blob(), value, "")])(server);
        });
        expect([victim, made[victim].said, made[victim].isEncrypted("both"), signed]).toEqual([victim, [3], false, 0]);
      }
    });
  }

  test("K9: a secret that begins with a bit or with zeros is the same for both", async () => {
    // Every second one begins with a bit, and one in 256 with zeros.
    for (const method of ["curve25519-sha256", "ecdh-sha2-nistp256", "mlkem768x25519-sha256"]) {
      const made = await loggedIn((client, server) => {
        client.supportedKeyExchanges = server.supportedKeyExchanges = [method];
      });
      for (let n = 0; n < 12; n++) {
        made.client.sendKexInit();
        await made.settle();
      }
      expect([method, made.client.said, made.server.said]).toEqual([method, [], []]);
    }
  });
});

function signer(sign: (data: Buffer) => Buffer | PromiseLike<Buffer>) {
  return { sign, supportedSignatureAlgorithms: () => ["ssh-ed25519"] };
}

describe("a rekey", () => {
  test("K10: CVE-2021-3634: with a longer hash leaves the session its identifier", async () => {
    const made = await loggedIn();
    const first = Buffer.from(made.server.sessionID!);
    for (const side of [made.client, made.server]) side.supportedKeyExchanges = ["diffie-hellman-group16-sha512"];
    made.client.sendKexInit();
    await made.settle();
    expect(made.server.kexAlg).toBe("diffie-hellman-group16-sha512");
    for (const side of [made.client, made.server]) expect(side.sessionID).toEqual(first);
    expect(first).toHaveLength(32);
    made.client.sendPacket(94, fields("well"));
    await made.settle();
    expect(made.there.got).toHaveLength(1);
  });

  test("K11: changes one direction with each NEWKEYS, all of it at once", async () => {
    const made = await loggedIn((client, server) => {
      client.supportedCiphers = server.supportedCiphers = ["aes128-ctr"];
    });
    for (const side of [made.client, made.server]) side.supportedCiphers = ["aes256-gcm@openssh.com"];
    const seen: string[][] = [];
    for (const side of [made.client, made.server]) {
      side.rewrite((number, body) => {
        const { inCipType, outCipType } = side.currentEncryptions;
        if (number === 21) seen.push([outCipType, inCipType]); // itself under the old keys
        return [[number, body]];
      });
    }
    made.client.sendKexInit();
    for (let n = 0; n < 3; n++) made.pump.pump(); // the server has said NEWKEYS, and heard none
    const { inCipType, inMACType, outCipType, outMACType } = made.server.currentEncryptions;
    expect([outCipType, inCipType]).toEqual(["aes256-gcm@openssh.com", "aes128-ctr"]);
    expect([outMACType, inMACType].map((mac) => mac.includes("hmac"))).toEqual([false, true]);
    await made.settle();
    expect(made.server.currentEncryptions.inCipType).toBe("aes256-gcm@openssh.com");
    expect(seen).toEqual([
      ["aes128-ctr", "aes128-ctr"],
      ["aes128-ctr", "aes128-ctr"],
    ]);
  });

  test("K14: comes by itself after so many bytes, packets or seconds", async () => {
    for (const [limit, value] of [
      ["rekeyBytes", 1000],
      ["rekeyPackets", 10],
      ["rekeySeconds", 60],
    ] as const) {
      for (const [victim] of ROLES) {
        const made = await loggedIn((client, server) => void ((victim === "client" ? client : server)[limit] = value));
        if (limit === "rekeySeconds") made.clock.advance(61);
        for (let n = 0; n < 20; n++) made[victim].sendChannelData(0, Buffer.alloc(100));
        expect([limit, victim, made[victim].ourKexInitPayload === null]).toEqual([limit, victim, false]);
        await made.settle();
        expect([made.client.said, made.server.said]).toEqual([[], []]);
      }
    }
  });

  test("K14: a stranger may have three, a user as many as it likes", async () => {
    const stranger = await secured();
    for (let n = 0; n < 3; n++) {
      stranger.client.sendKexInit();
      await stranger.settle();
    }
    expect(stranger.server.said).toEqual([]);
    stranger.client.sendKexInit();
    await stranger.settle();
    expect(stranger.server.said).toEqual([2]);

    const user = await loggedIn();
    for (let n = 0; n < 30; n++) {
      user.client.sendKexInit();
      await user.settle();
    }
    expect([user.server.said, user.client.said]).toEqual([[], []]);
  });

  test("K14: is under a deadline of its own, that nothing moves", async () => {
    for (const [victim, attacker] of ROLES) {
      const made = await loggedIn();
      made[attacker].sendKexInit();
      made[attacker].dataReceived = () => {};
      for (let second = 0; second < 60; second++) {
        made[attacker].force(2, fields("still here"));
        await made.settle();
        expect(made[victim].said).toEqual([]);
        made.clock.advance(1);
      }
      expect(made[victim].said).toEqual([11]);
    }
  });

  test("K14: that we began is under one deadline, which the peer's offer does not move", async () => {
    for (const [victim, attacker] of ROLES) {
      const made = await loggedIn();
      made[attacker].dataReceived = () => {};
      made[victim].sendKexInit();
      made.clock.advance(59);
      made[attacker].sendKexInit();
      await made.settle();
      expect([made[victim].otherKexInitPayload === null, made[victim].said]).toEqual([false, []]);
      made.clock.advance(1);
      expect(made[victim].said).toEqual([11]);
    }
  });

  test("K15: changes keys, and neither login, service nor what the peer is known to take", async () => {
    const made = await loggedIn();
    made.server.avatar = { name: "user" };
    let logouts = 0;
    made.server.logoutFunction = () => logouts++;
    const before = {
      avatar: made.server.avatar,
      session: made.server.sessionID,
      service: made.server.service,
      extensions: made.client.peerExtensions,
    };
    made.client.sendKexInit();
    await made.settle();
    expect({
      avatar: made.server.avatar,
      session: made.server.sessionID,
      service: made.server.service,
      extensions: made.client.peerExtensions,
    }).toEqual(before);
    expect([logouts, made.there.events, made.client.secure]).toEqual([0, made.there.events, 1]);
    expect(made.there.events.filter((event) => event === "started" || event === "stopped")).toEqual(["started"]);
  });
});

describe("a group exchange", () => {
  const METHOD = "diffie-hellman-group-exchange-sha256";
  const big = BigInt(`0x${PRIME.toString("hex")}`);
  const exchanging = (client: Client, server: Server) => {
    client.supportedKeyExchanges = server.supportedKeyExchanges = [METHOD];
  };
  const serving = (generator: bigint, prime: bigint) =>
    secured((client, server, factory) => {
      exchanging(client, server);
      factory.primes = new Map([[2048, [[2n, big]]]]);
      const group = fields(mpint(prime), mpint(generator));
      replacing(31, [31, group])(server);
    });
  const mpint = (value: bigint): Buffer => {
    const digits = value.toString(16);
    const bytes = Buffer.from(digits.length % 2 ? `0${digits}` : digits, "hex");
    return bytes[0]! & 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
  };

  for (const [what, generator, prime] of [
    ["of 1,024 bits", 2n, (1n << 1023n) | 1n],
    ["of 2,047 bits", 2n, (1n << 2046n) | 1n],
    ["of 8,193 bits", 2n, (1n << 8192n) | 1n],
    ["that is even", 2n, big - 1n],
    ["with a generator of 1", 1n, big],
    ["with a generator of p - 1", big - 1n, big],
    ["with a generator beyond p", big + 2n, big],
  ] as const) {
    test(`K12: a client takes no group ${what}`, async () => {
      expect((await serving(generator, prime)).client.said).toEqual([3]);
    });
  }

  test("K12: a client takes a group that is one", async () => {
    const made = await secured((client, server, factory) => {
      exchanging(client, server);
      factory.primes = new Map([[2048, [[2n, big]]]]);
    });
    expect([made.client.said, made.server.said, made.client.secure]).toEqual([[], [], 1]);
  });

  for (const [what, ...sizes] of [
    ["that is small", 512, 1024, 1024],
    ["that is huge", 16_384, 16_384, 16_384],
    ["that contradicts itself", 4096, 3072, 2048],
  ] as const) {
    test(`K12: a server has no group of a size ${what}`, async () => {
      const made = await secured((client, server, factory) => {
        exchanging(client, server);
        factory.primes = new Map([[2048, [[2n, big]]]]);
        replacing(34, [34, fields(...sizes)])(client);
      });
      expect(made.server.said).toEqual([3]);
    });
  }
});

describe("a signer", () => {
  test("K13: that throws or fails ends its connection alone, and the peer is not told why", async () => {
    for (const sign of [
      () => {
        throw new Error("HSM 7 is on fire");
      },
      () => Promise.reject(new Error("HSM 7 is on fire")),
    ]) {
      const made = await secured((_client, _server, factory) => {
        factory.privateKeys = { "ssh-ed25519": signer(sign) };
      });
      expect([made.client.ended, made.client.secure]).toEqual([[[11, "internal error"]], 0]);
    }
  });

  test("K13: that never answers is not waited for beyond the deadline", async () => {
    const made = await secured((_client, _server, factory) => {
      factory.privateKeys = { "ssh-ed25519": signer(() => new Promise(() => {})) };
    });
    made.clock.advance(29);
    expect(made.server.said).toEqual([]);
    made.clock.advance(1);
    expect(made.server.said).toEqual([11]);
  });

  test("K13: that gives nonsense is not believed by a client", async () => {
    for (const nonsense of [NONE, Buffer.alloc(83), fields("ssh-ed25519", Buffer.alloc(64)), fields("ssh-rsa", "x")]) {
      const made = await secured((_client, _server, factory) => {
        factory.privateKeys = { "ssh-ed25519": signer(() => nonsense) };
      });
      expect([made.client.said, made.client.secure]).toEqual([[3], 0]);
    }
  });
});
