import { Deferred } from "@strombus/reactor/defer";
import { describe, expect, test } from "vitest";
import { ExtInfo, KexInit } from "../messages/transport.js";
import { Key } from "../ssh/keys.js";
import { loggedInPair, Recorder, securePair, settle, type Pair } from "./fixtures.test.support.js";
import { decodeStrings, encodeStrings, HOSTKEYS, HOSTKEYS_PROVE, keysAreProven } from "./host-keys.js";
import { RSA } from "../keys/rsa.test.support.js";

describe("EXT_INFO", () => {
  test("is announced in the first KEXINIT alone", async () => {
    const offers: string[][] = [];
    const made = await loggedInPair((_c, s) => (s.kexInitReceived = (offer) => offers.push(offer.keyExchanges)));
    made.client.sendKexInit();
    await settle(made);
    expect(offers.map((names) => names.filter((name) => /ext-info|strict/.test(name)))).toEqual([
      ["ext-info-c", "kex-strict-c-v00@openssh.com"],
      [],
    ]);
  });

  test("comes right behind the first NEWKEYS, and not behind later ones", async () => {
    const sent: number[] = [];
    const made = await loggedInPair((_c, s) => {
      s.packetTap = (direction, number) => {
        if (direction === "out") sent.push(number);
      };
    });
    expect(sent).toEqual([20, 31, 21, 7]);
    made.client.sendKexInit();
    await settle(made);
    expect(sent).toEqual([20, 31, 21, 7, 20, 31, 21]);
  });

  test("is not sent to who did not ask for it", async () => {
    const sent: number[] = [];
    await securePair((c, s) => {
      c.rewrite((number, body) => [[number, body]]);
      s.packetTap = (direction, number, payload) => {
        if (direction === "out") sent.push(number);
        if (direction === "in" && number === 20) {
          const offer = KexInit.decode(payload);
          offer.keyExchanges = offer.keyExchanges.filter((name) => name !== "ext-info-c");
          return [[20, KexInit.encode(offer)]];
        }
        return undefined;
      };
    });
    expect(sent).not.toContain(7);
  });

  test("of a server answers the client's NEWKEYS, and is the first message under the new keys", async () => {
    const seen: string[] = [];
    await securePair((_c, s) => {
      s.packetTap = (direction, number) => {
        seen.push(`${direction} ${number}`);
        if (number === 21 && direction === "in") s.sendIgnore("an application is in a hurry");
      };
    });
    expect(seen.slice(seen.indexOf("out 21"))).toEqual(["out 21", "in 21", "out 7", "out 2", "in 7"]);
  });

  test("keeps no DISCONNECT waiting", async () => {
    const { client } = await securePair((_c, s) => {
      s.packetTap = (direction, number) => {
        if (number === 21 && direction === "in") s.sendDisconnect(11, "we close");
      };
    });
    expect(client.ended).toEqual([[11, "we close"]]);
  });

  test("tells what both sides can do", async () => {
    const { client, server } = await securePair();
    expect([...client.peerExtensions.keys()]).toEqual([
      "server-sig-algs",
      "publickey-hostbound@openssh.com",
      "ping@openssh.com",
    ]);
    expect(client.peerExtensions.get("publickey-hostbound@openssh.com")?.toString()).toBe("0");
    expect(server.peerExtensions).toEqual(new Map([["ext-info-in-auth@openssh.com", Buffer.from("0")]]));
  });

  test("of a client is refused when it is not its first message (T11)", async () => {
    const made = await securePair();
    made.client.sendIgnore("");
    made.client.sendExtInfo([["late", ""]]);
    made.pump.flush();
    expect(made.client.unimplemented).toHaveLength(1);
    expect(made.server.peerExtensions.has("late")).toBe(false);
  });
});

describe("ext-info-in-auth@openssh.com", () => {
  async function inAuth(setUp?: Parameters<typeof securePair>[0]): Promise<Pair> {
    const made = await securePair(setUp);
    made.client.requestService(new Recorder("ssh-userauth"));
    made.pump.flush();
    return made;
  }

  test("tells a client the algorithms of its user, and keeps the rest that it was told", async () => {
    const made = await inAuth((_c, s) => (s.userKeyAlgorithms = (user) => (user === "ann" ? ["ssh-ed25519"] : null)));
    made.server.userNamed("ann");
    made.pump.flush();
    expect(String(made.client.peerExtensions.get("server-sig-algs"))).toBe("ssh-ed25519");
    expect(made.client.peerExtensions.has("ping@openssh.com")).toBe(true);
    expect(made.server.supportedUserKeyAlgorithms).toEqual(["ssh-ed25519"]);
    made.server.userNamed("bob");
    made.pump.flush();
    expect(String(made.client.peerExtensions.get("server-sig-algs"))).toContain("rsa-sha2-512");
  });

  test("says nothing where all users have the same, or the client does not know of it", async () => {
    const same = await inAuth();
    const before = same.server.outgoingPacketSequence;
    same.server.userNamed("ann");
    expect(same.server.outgoingPacketSequence).toBe(before);
    const old = await inAuth((c, s) => {
      c.rewrite((number, body) => (number === 7 ? [] : [[number, body]]));
      s.userKeyAlgorithms = () => ["ssh-ed25519"];
    });
    const sent = old.server.outgoingPacketSequence;
    old.server.userNamed("ann");
    expect(old.server.outgoingPacketSequence).toBe(sent);
    expect(old.server.supportedUserKeyAlgorithms).toEqual(["ssh-ed25519"]); // and yet it holds
  });
});

describe("hostkeys-00@openssh.com", () => {
  const rsa = RSA;

  /** A service that carries global requests to the other side's transport, as an SSHConnection does. */
  class Requests extends Recorder {
    sendGlobalRequest(type: string, data: Buffer): Deferred<Buffer> {
      const answer = new Deferred<Buffer>();
      this.asked.push([type, data, answer]);
      return answer;
    }
    readonly asked: [type: string, data: Buffer, answer: Deferred<Buffer>][] = [];
  }

  async function announced(
    setUp?: Parameters<typeof securePair>[0],
  ): Promise<Pair & { service: Requests; there: Recorder }> {
    const made = await securePair((c, s, factory) => {
      factory.publicKeys = { ...factory.publicKeys, "ssh-rsa": rsa.public() };
      factory.privateKeys = { ...factory.privateKeys, "ssh-rsa": rsa };
      setUp?.(c, s, factory);
    });
    const [service, there] = [new Requests("ssh-connection"), new Recorder("ssh-connection")];
    made.client.setService(service);
    made.server.avatar = {};
    made.server.setService(there);
    made.pump.flush();
    return { ...made, service, there };
  }

  test("is sent behind the login, with all keys that are no certificates, and wants no reply", async () => {
    const { service, factory } = await announced((_c, _s, f) => {
      f.publicKeys = {
        ...f.publicKeys,
        "ssh-ed25519-cert-v01@openssh.com": { blob: () => Buffer.from("certificate") },
      };
    });
    const request = encodeStrings([Buffer.from(HOSTKEYS)]).toString() + "\0";
    expect(service.got[0]?.[0]).toBe(80);
    expect(service.got[0]?.[1].startsWith(request)).toBe(true);
    expect(service.got).toHaveLength(1);
    expect(Object.keys(factory.publicKeys)).toHaveLength(3);
  });

  test("can be switched off", async () => {
    const { service } = await announced((_c, s) => (s.announceHostKeys = false));
    expect(service.got).toEqual([]);
  });

  for (const [settled, named] of [
    [["ssh-ed25519"], "rsa-sha2-512"],
    [["rsa-sha2-256"], "rsa-sha2-256"],
    [["ssh-ed25519", "rsa-sha2-256"], "rsa-sha2-256"],
  ] as const) {
    test(`lets a client that takes ${settled.join()} learn keys that are proven, RSA by ${named}`, async () => {
      const learnt: (readonly Buffer[])[] = [];
      const made = await announced((c, s) => {
        s.supportedPublicKeys = ["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"];
        c.supportedPublicKeys = settled;
        c.hostKeysAnnounced = (blobs) => blobs;
        c.hostKeysProven = (blobs) => learnt.push(blobs);
      });
      const blobs = Object.values(made.factory.publicKeys).map((key) => key.blob());
      expect(made.client.gotGlobalRequest(HOSTKEYS, encodeStrings(blobs))).toBe(true);
      await settle(made);
      const [type, data, answer] = made.service.asked[0]!;
      expect(type).toBe(HOSTKEYS_PROVE);
      const proof = (await made.server.gotGlobalRequest(type, data)) as readonly [true, Buffer];
      expect(decodeStrings(decodeStrings(proof[1])[1]!.subarray(0, 16))[0]?.toString()).toBe(named);
      answer.callback(proof[1]);
      await settle(made);
      expect(learnt).toEqual([blobs]);
    });
  }

  test("teaches nothing that is not proven, and is heard once", async () => {
    let learnt = 0;
    const made = await announced((c) => {
      c.hostKeysAnnounced = async (blobs) => Promise.resolve(blobs);
      c.hostKeysProven = () => learnt++;
    });
    const blobs = [rsa.blob()];
    made.client.gotGlobalRequest(HOSTKEYS, encodeStrings(blobs));
    made.client.gotGlobalRequest(HOSTKEYS, encodeStrings(blobs));
    await settle(made);
    expect(made.service.asked).toHaveLength(1);
    const signature = rsa.sign(Buffer.from("something else"), "rsa-sha2-512");
    made.service.asked[0]![2].callback(encodeStrings([signature]));
    await settle(made);
    expect(learnt).toBe(0);
    expect(keysAreProven(blobs, made.client.sessionID!, encodeStrings([]))).toBe(false);
  });

  test("a request for a key that is not there, or twice for one, or for none, is refused; a malformed one closes", async () => {
    const { server } = await announced();
    const other = Key.generate("ed25519").blob();
    for (const blobs of [[other], [rsa.blob(), other], [rsa.blob(), rsa.blob()], []]) {
      expect(server.gotGlobalRequest(HOSTKEYS_PROVE, encodeStrings(blobs))).toBe(false);
    }
    expect(() => server.gotGlobalRequest(HOSTKEYS_PROVE, Buffer.of(0, 0, 0, 9))).toThrow(/9|end|short/);
    expect(server.gotGlobalRequest("tcpip-forward", Buffer.alloc(0))).toBeNull();
  });
});

test("an EXT_INFO is what its declaration says", () => {
  const body = ExtInfo.encode({ extensions: [{ name: "a", value: "b" }] });
  expect(body.toString("hex")).toBe("00000001000000016100000001" + "62");
});
