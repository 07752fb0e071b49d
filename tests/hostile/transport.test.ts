/** What a peer can do to the transport, whichever role it has (rules T1 to T13). */
import { constants, deflateSync } from "node:zlib";
import { PROFILES } from "@strombus/conch/ssh/transport";
import { SSHUserAuthServer } from "@strombus/conch/ssh/userauth";
import { InMemoryUsernamePasswordDatabaseDontUse } from "@strombus/cred/checkers";
import { IUsernamePassword } from "@strombus/cred/credentials";
import { Portal } from "@strombus/cred/portal";
import { describe, expect, test } from "vitest";
import {
  type Client,
  fields,
  intrudes,
  lenient,
  loggedIn,
  loggingIn,
  type Message,
  pair,
  type Pair,
  type Recorder,
  secured,
  type Server,
  uint32,
} from "../support/memory-ssh.js";

const NONE = Buffer.alloc(0);

/** Each role as the victim of the other. */
const ROLES = [
  ["server", "client"],
  ["client", "server"],
] as const;
type Role = "server" | "client";

/** One side of a pair has said its own, and now gets these bytes for the other's. */
function told(role: Role, ...inputs: readonly (string | Buffer)[]) {
  const made = pair();
  const [victim, io] = [made[role], made[`${role}IO`]];
  io.getOutBuffer();
  for (const input of inputs) io.bufferReceived(Buffer.from(input as string));
  return { victim, said: victim.said };
}

/** What the victim has said and dispatched after the attacker said this at this stage. */
async function says(stage: () => Promise<Pair>, victim: Role, ...messages: readonly Message[]) {
  const made = await stage();
  const attacker = made[victim === "client" ? "server" : "client"];
  made[victim].dispatched.length = 0;
  for (const message of messages) attacker.force(...message);
  await made.settle();
  return { ...made, said: made[victim].said, dispatched: made[victim].dispatched };
}

/** The same, between the offers and the keys of the first exchange. */
async function saysInExchange(victim: Role, isStrict: boolean, ...messages: readonly Message[]) {
  const made = pair((client, server) => {
    const attacker: Client | Server = victim === "client" ? server : client;
    if (!isStrict) lenient(attacker);
    intrudes(attacker, ...messages);
  });
  await made.settle();
  return { ...made, said: made[victim].said, isSecure: made[victim].isEncrypted("both") };
}

describe("the version line", () => {
  for (const [what, line] of [
    ["another protocol", "GET / HTTP/1.0\r\n\r\n"],
    ["a NUL byte in it", "SSH-2.0-a\0b\r\n"],
    ["256 bytes", `SSH-2.0-${"x".repeat(246)}\r\n`],
    ["256 bytes without an end", `SSH-2.0-${"x".repeat(248)}`],
  ] as const) {
    test(`T1: a server closes for ${what}`, () => expect(told("server", line).said).toEqual([2]));
  }

  test("T1: of an older protocol closes with reason 8, in both roles", () => {
    for (const [victim] of ROLES) expect(told(victim, "SSH-1.5-old\r\n").said).toEqual([8]);
  });

  test("T1: CVE-2026-48108: follows no other line to a server, and a hundred to a client", () => {
    expect(told("server", "hello\r\n").said).toEqual([2]);
    expect(told("client", "hello\r\n".repeat(100), "SSH-2.0-x\r\n").said).toEqual([]);
    expect(told("client", "hello\r\n".repeat(101)).said).toEqual([2]);
  });

  test("T1: CVE-2022-21716: without an end is not collected for ever", () => {
    for (const [victim] of ROLES) {
      const flooded = told(victim, ...Array.from({ length: 200 }, () => "x".repeat(100)));
      expect(flooded.said).toHaveLength(1);
      expect(flooded.victim.buf.length).toBeLessThanOrEqual(4200);
    }
  });

  test("T1: is hashed byte for byte, blanks and strange letters included", async () => {
    const made = await secured((client, server) => {
      client.ourVersionString = "SSH-2.0-x a comment \t ";
      server.ourVersionString = "SSH-2.0-\u00e9 ";
    });
    expect([made.client.secure, made.server.said, made.client.said]).toEqual([1, [], []]);
    expect(made.server.otherVersionString).toBe("SSH-2.0-x a comment \t ");
  });
});

describe("a packet", () => {
  const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

  for (const [what, packet] of [
    ["of 4 GiB", "ffffffff"],
    ["longer than the longest", "000088c0"],
    ["of no bytes", "00000000 00000000"],
    ["with padding longer than itself", "0000000c ff 14000000 00000000 000000"],
    ["with padding of 3 bytes", "0000000c 03 02000000 00000000 000000"],
    ["that is no multiple of 8", "0000000d 04 02000000 00000000 00000000"],
  ] as const) {
    test(`T2: ${what} closes, and nothing more is awaited`, () => {
      for (const [victim] of ROLES) expect(told(victim, "SSH-2.0-x\r\n", hex(packet)).said).toEqual([2]);
    });
  }

  test("T2: CVE-2021-43565: without a payload closes", () => {
    for (const [victim] of ROLES) {
      expect(told(victim, "SSH-2.0-x\r\n", hex("0000000c 0b 00000000 00000000 000000")).said).toEqual([2]);
    }
  });

  test("T3: that was changed is the last: neither it nor what follows in the same breath is handled", async () => {
    for (const [victim, attacker] of ROLES) {
      const made = await loggedIn();
      for (const text of ["first", "second"]) made[attacker].force(94, fields(0, text));
      const bytes = Buffer.from(made[`${attacker}IO`].getOutBuffer());
      bytes[20]! ^= 1;
      made[`${victim}IO`].bufferReceived(bytes);
      made[attacker].force(94, fields(0, "third"));
      await made.settle();
      expect(made[victim].said).toEqual([5]);
      expect([...made.there.got, ...made.here.got]).toEqual([]);
    }
  });
});

describe("a message", () => {
  for (const [what, number] of [
    ["CVE-2018-10933: SUCCESS", 52],
    ["CVE-2018-1000805: FAILURE", 51],
    ["SERVICE_ACCEPT", 6],
    ["BANNER", 53],
    ["INFO_REQUEST", 60],
  ] as const) {
    test(`T4: ${what} from a client closes at every stage, and nobody is logged in`, async () => {
      for (const stage of [secured, loggingIn, loggedIn]) {
        const { said, dispatched, server } = await says(stage, "server", [number, NONE]);
        expect([said, dispatched, server.avatar]).toEqual([[2], [], undefined]);
      }
    });
  }

  test("T4: that only clients send, from a server, closes at every stage", async () => {
    for (const stage of [secured, loggedIn]) {
      for (const number of [5, 50, 61]) {
        const { said, dispatched } = await says(stage, "client", [number, NONE]);
        expect([number, said, dispatched]).toEqual([number, [2], []]);
      }
    }
  });

  for (const [what, number, body] of [
    ["T4: CVE-2018-7750: to open a channel", 90, fields("session", 0, 1000, 1000)],
    ["T4: CVE-2018-7749: to open a listener", 80, fields("tcpip-forward", true, "", 22)],
    ["T5: CVE-2025-32433: to run a command", 98, fields(0, "exec", true, "id")],
  ] as const) {
    test(`${what} closes before the login`, async () => {
      for (const stage of [secured, loggingIn]) {
        const { said, dispatched } = await says(stage, "server", [number, body]);
        expect([said, dispatched]).toEqual([[2], []]);
      }
      expect((await says(secured, "client", [number, body])).said).toEqual([2]);
    });
  }

  for (const isStrict of [true, false]) {
    const kind = isStrict ? "strict" : "lenient";
    test(`T5: CVE-2023-46446: from 50 on closes before keys, in a ${kind} exchange`, async () => {
      for (const [victim] of ROLES) {
        for (const number of [50, 52, 60, 79, 80, 90, 127, 191, 255]) {
          const { said, isSecure } = await saysInExchange(victim, isStrict, [number, NONE]);
          expect([number, said, isSecure]).toEqual([number, [2], false]);
        }
      }
    });

    test(`T11: CVE-2023-46445: EXT_INFO before keys closes, and is not believed, in a ${kind} exchange`, async () => {
      for (const [victim] of ROLES) {
        const made = await saysInExchange(victim, isStrict, [7, fields(1, "server-sig-algs", "ssh-rsa")]);
        expect([made.said, made[victim].peerExtensions.size]).toEqual([[2], 0]);
      }
    });
  }

  test("T5: from 80 on closes before the login", async () => {
    for (const [victim] of ROLES) {
      for (const number of [80, 100, 101, 128, 191, 192, 193, 255]) {
        expect([number, (await says(secured, victim, [number, NONE])).said]).toEqual([number, [2]]);
      }
    }
  });

  test("T6: that nobody knows is answered with the number of its packet, at every stage under keys", async () => {
    for (const stage of [secured, loggedIn]) {
      for (const [victim, attacker] of ROLES) {
        const made = await stage();
        const next = made[attacker].outgoingPacketSequence;
        made[attacker].force(2, fields(""));
        made[attacker].force(8);
        made[attacker].force(19);
        await made.settle();
        expect(made[attacker].unimplemented).toEqual([next + 1, next + 2]);
        expect(made[victim].said).toEqual([]);
      }
    }
  });

  for (const [stage, role, what, number, body] of [
    [secured, "server", "DISCONNECT", 1, fields(2, "", "")],
    [secured, "server", "IGNORE", 2, fields("data")],
    [secured, "client", "IGNORE", 2, fields("data")],
    [secured, "server", "UNIMPLEMENTED", 3, uint32(0)],
    [secured, "server", "DEBUG", 4, fields(false, "text", "")],
    [secured, "server", "SERVICE_REQUEST", 5, fields("ssh-userauth")],
    [secured, "client", "EXT_INFO", 7, fields(1, "name", "value")],
    [loggedIn, "server", "PING", 192, fields("data")],
    [loggedIn, "client", "PING", 192, fields("data")],
    [loggedIn, "server", "NEWKEYS", 21, Buffer.of(0)],
  ] as const) {
    test(`T7: ${what} with too little or too much closes the ${role}`, async () => {
      for (const wrong of [body.subarray(0, -1), Buffer.concat([body, Buffer.of(0)])]) {
        if (number === 1 && wrong.length < body.length) continue; // its texts may be missing
        const { said } = await says(stage, role, [number, wrong]);
        expect(said).toEqual([2]);
      }
    });
  }

  test("T7: CVE-2026-55199: of extensions whose count lies closes at once", async () => {
    for (const count of [2, 0x7fff_ffff, 0xffff_ffff]) {
      // Whoever counts as far as it says is not done before the test's time is over.
      expect((await says(secured, "client", [7, fields(count, "name", "value")])).said).toEqual([2]);
    }
  });
});

test("T7: CVE-2026-42189: answers whose count lies allocate nothing, and close", async () => {
  class Asking extends SSHUserAuthServer {
    override interfaceToMethod = new Map([[IUsernamePassword as never, "keyboard-interactive"]]);
    override auth_keyboard_interactive() {
      return this.sendInfoRequest("", "", [["Secret: ", false]]);
    }
  }
  for (const count of [2, 0x1000_0000, 0xffff_ffff]) {
    const made = await loggingIn((_client, server, factory) => {
      class InMemory extends Asking {
        override clock = server.clock;
      }
      factory.services = { "ssh-userauth": InMemory };
      factory.portal = new Portal({ requestAvatar: () => null as never });
      factory.portal.registerChecker(new InMemoryUsernamePasswordDatabaseDontUse({}));
    });
    made.client.force(50, fields("user", "ssh-connection", "keyboard-interactive", "", ""));
    await made.settle();
    expect((made.client.service as Recorder).got.map(([number]) => number)).toEqual([60]);
    const before = process.memoryUsage().rss;
    made.client.force(61, fields(count, "answer"));
    await made.settle();
    made.clock.advance(0.25); // it is a failure, too
    await made.settle();
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 28);
    expect(made.server.said).toEqual([2]);
  }
});

describe("compression", () => {
  /** The attacker packs its payloads itself. */
  const packing = (side: Client | Server) => {
    const { outgoing } = side.directions;
    const set = outgoing.setKeys.bind(outgoing);
    outgoing.setKeys = (keys, restart) => set({ ...keys, compression: "none" }, restart);
  };
  const bomb = (size: number): Message => {
    const payload = Buffer.concat([Buffer.of(2), uint32(size), Buffer.alloc(size)]); // an IGNORE
    const packed = deflateSync(payload, { finishFlush: constants.Z_SYNC_FLUSH });
    expect(packed.length).toBeLessThan(2000);
    return [packed[0]!, packed.subarray(1)];
  };

  test("T8: is offered by nobody who was not asked to, and before login by the legacy profile alone", () => {
    const { client, server } = pair();
    expect([client.supportedCompressions, server.supportedCompressions]).toEqual([["none"], ["none"]]);
    expect([PROFILES.default.compressions, PROFILES.pq.compressions]).toEqual([["none"], ["none"]]);
    const offers = Object.entries(PROFILES).filter(([, { compressions }]) => compressions.includes("zlib"));
    expect(offers.map(([name]) => name)).toEqual(["legacy"]);
  });

  for (const [what, stage] of [
    ["CVE-2026-23943: 1 KB that becomes 1 MB before the login", secured],
    ["CVE-2026-46702: 1 KB that becomes 1 MB after it", loggedIn],
  ] as const) {
    test(`T8: ${what} closes with reason 6, in both roles`, async () => {
      for (const [victim, attacker] of ROLES) {
        const made = await stage((client, server) => {
          client.supportedCompressions = server.supportedCompressions = ["zlib"];
          client.sendExtInfo = server.sendExtInfo = () => {}; // it would not be packed
          packing(attacker === "client" ? client : server);
        });
        made[attacker].force(...bomb(1_000_000));
        await made.settle();
        expect([victim, made[victim].said]).toEqual([victim, [6]]);
      }
    });
  }
});

describe("before login", () => {
  for (const [what, count, size] of [
    ["1,000 packets", 1000, 1],
    ["1 MiB", 40, 30_000],
  ] as const) {
    test(`T9: more than ${what} closes, in both roles`, async () => {
      for (const [victim] of ROLES) {
        const flood = Array.from({ length: count }, (): Message => [2, fields(Buffer.alloc(size))]);
        expect((await says(secured, victim, ...flood)).said).toEqual([2]);
        expect((await says(secured, victim, ...flood.slice(0, count / 2))).said).toEqual([]);
      }
    });
  }

  test("T9: also in a first exchange that is not strict", async () => {
    for (const [victim] of ROLES) {
      const flood = Array.from({ length: 1001 }, (): Message => [2, fields("")]);
      const { said, isSecure } = await saysInExchange(victim, false, ...flood);
      expect([said, isSecure]).toEqual([[2], false]);
    }
  });
});

test("T10: IGNORE and DEBUG are answered by nothing, and reach no service", async () => {
  for (const [victim, attacker] of ROLES) {
    const made = await loggedIn();
    const before = made[victim].outgoingPacketSequence;
    made[attacker].force(2, fields("data"));
    made[attacker].force(4, fields(true, "\x1b[2J", ""));
    await made.settle();
    expect(made[victim].outgoingPacketSequence).toBe(before);
    expect([...made.here.got, ...made.there.got]).toEqual([]);
  }
});

test("T10: after a DISCONNECT nothing is dispatched and nothing is sent, whoever said it", async () => {
  for (const [victim, attacker] of ROLES) {
    for (const isOurs of [true, false]) {
      const made = await loggedIn();
      if (isOurs) made[victim].loseConnection();
      else made[attacker].force(1, fields(11, "", ""));
      made[attacker].force(94, fields(0, "late"));
      made[`${victim}IO`].bufferReceived(made[`${attacker}IO`].getOutBuffer());
      const sent = made[victim].outgoingPacketSequence;
      made[victim].sendPacket(94, fields(0, "later"));
      expect(made[victim].outgoingPacketSequence).toBe(sent);
      await made.settle();
      expect([...made.here.got, ...made.there.got]).toEqual([]);
    }
  }
});

describe("EXT_INFO", () => {
  test("T11: behind a client's first message is refused", async () => {
    const { client, server } = await says(secured, "server", [2, fields("")], [7, fields(1, "name", "value")]);
    expect([client.unimplemented.length, server.peerExtensions.has("name"), server.said]).toEqual([1, false, []]);
  });

  test("T11: as a client's second message is refused, and after the login from both", async () => {
    const body = fields(1, "server-sig-algs", "ssh-rsa");
    for (const [victim, attacker, stage] of [["server", "client", loggingIn] as const, ...ROLES]) {
      const made = await (stage ?? loggedIn)();
      const known = made[victim].peerExtensions.size;
      made[attacker].force(7, body);
      await made.settle();
      expect([made[attacker].unimplemented.length, made[victim].peerExtensions.size]).toEqual([1, known]);
    }
  });

  test("T11: of names that nobody knows is taken, up to 64 of them", async () => {
    const of = (count: number) => fields(count, ...Array.from({ length: 2 * count }, (_, n) => `x${n}`));
    for (const [count, said] of [
      [64, []],
      [65, [2]],
    ] as const) {
      expect((await says(secured, "client", [7, of(count)])).said).toEqual(said);
      expect((await says(secured, "server", [7, of(count)])).said).toEqual(said);
    }
  });
});

describe("a ping", () => {
  test("T12: is answered after login, with its data", async () => {
    const { client } = await says(loggedIn, "server", [192, fields("data")]);
    expect(client.dispatched).toContain(193);
  });

  test("T12: closes before it, and in an exchange", async () => {
    for (const [victim, attacker] of ROLES) {
      expect((await says(secured, victim, [192, fields("data")])).said).toEqual([2]);
      const made = await loggedIn((client, server) => {
        let exchanges = 0;
        (attacker === "client" ? client : server).rewrite((number, body) => {
          if (number === 20) exchanges++;
          const isDue = exchanges === 2 && number === 20;
          return isDue
            ? [
                [number, body],
                [192, fields("data")],
              ]
            : [[number, body]];
        });
      });
      made[attacker].sendKexInit();
      await made.settle();
      expect([victim, made[victim].said]).toEqual([victim, [2]]);
    }
  });
});

describe("what we send", () => {
  test("T13: has padding that is random", () => {
    const { clientIO, client } = pair();
    clientIO.getOutBuffer();
    const packets = Array.from({ length: 8 }, () => {
      client.force(2, fields("same"));
      return clientIO.getOutBuffer().toString("hex");
    });
    expect(new Set(packets).size).toBe(8);
  });

  test("T13: is no longer than what we would take", async () => {
    for (const [victim, attacker] of ROLES) {
      const made = await loggedIn();
      expect(() => made[attacker].sendPacket(94, Buffer.alloc(34_900))).toThrow(RangeError);
      made[attacker].sendPacket(94, Buffer.alloc(34_899));
      await made.settle();
      expect(made[victim].said).toEqual([]);
      expect([...made.there.got, ...made.here.got].map(([, body]) => body.length)).toEqual([34_899]);
    }
  });
});
