import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Key } from "../ssh/keys.js";
import { loggedInPair, settle } from "./fixtures.test.support.js";

describe("a rekey", () => {
  for (const who of ["client", "server"] as const) {
    test(`asked for by the ${who} keeps the session, and what is sent meanwhile arrives in order`, async () => {
      const made = await loggedInPair();
      const { client, server, pump, here, there } = made;
      const before = client.sessionID;
      made[who].sendKexInit();
      for (const [n, text] of ["a", "b", "c"].entries()) {
        client.sendPacket(80 + n, text);
        server.sendPacket(80 + n, text.toUpperCase());
      }
      pump.flush();
      await settle(made);
      client.sendPacket(83, "d");
      pump.flush();
      expect(there.got.map(([, text]) => text)).toEqual(["a", "b", "c", "d"]);
      expect(here.got.map(([, text]) => text)).toEqual(["A", "B", "C"]);
      expect(client.sessionID).toBe(before);
      expect(client.secure).toBe(1);
      expect(there.events).toEqual(["started", "stopWriting", "startWriting"]);
    });
  }

  test("asked for by both at once happens once", async () => {
    const made = await loggedInPair();
    made.client.sendKexInit();
    made.server.sendKexInit();
    made.pump.flush();
    await settle(made);
    expect([made.client.ended, made.server.ended]).toEqual([[], []]);
    expect(() => made.client.sendKexInit()).not.toThrow();
  });

  test("cannot be asked for while one is going on", async () => {
    const { client } = await loggedInPair();
    client.sendKexInit();
    expect(() => client.sendKexInit()).toThrow(/Cannot send KEXINIT/);
  });

  test("comes by itself after so many bytes", async () => {
    const made = await loggedInPair();
    made.server.rekeyBytes = 10_000;
    for (let i = 0; i < 12; i++) made.server.sendChannelData(0, Buffer.alloc(1000));
    made.pump.flush();
    await settle(made);
    expect(made.server.offers).toBe(2);
    expect(made.here.got).toHaveLength(12);
  });

  test("that the peer does not finish is ended by its deadline", async () => {
    const made = await loggedInPair();
    made.client.sendKexInit();
    made.clock.advance(61);
    expect(made.client.sendPacket(80, "x")).toBeUndefined();
    expect(made.clientIO.disconnecting).toBe(true);
  });

  test("must not bring another host key", async () => {
    const made = await loggedInPair();
    const other = Key.generate("ed25519");
    made.factory.publicKeys = { "ssh-ed25519": other.public() };
    made.factory.privateKeys = { "ssh-ed25519": other };
    made.client.sendKexInit();
    await settle(made);
    expect(made.server.ended).toEqual([[9, "the host shows another key than before"]]);
  });

  test("that the peer began admits nothing else from it until its NEWKEYS (K4)", async () => {
    const made = await loggedInPair();
    made.client.sendKexInit();
    made.client.force(80, Buffer.from("too soon"));
    made.pump.flush();
    expect(made.client.ended[0]?.[0]).toBe(2);
    expect(made.there.got).toEqual([]);
  });
});

test("a rekey comes by itself after so many packets, in either direction", async () => {
  for (const who of ["client", "server"] as const) {
    const made = await loggedInPair();
    made.server.rekeyPackets = 10;
    for (let i = 0; i < 12; i++) made[who].sendPacket(80, `${i}`);
    made.pump.flush();
    made.client.sendChannelData(0, Buffer.of(1));
    made.pump.flush();
    await settle(made);
    expect(made.server.offers).toBe(2);
  }
});

test("a rekey comes by itself after so many seconds, once something is sent or comes", async () => {
  const made = await loggedInPair();
  made.server.rekeySeconds = 100;
  made.clock.advance(101);
  made.server.sendChannelData(0, Buffer.of(1));
  made.pump.flush();
  await settle(made);
  expect([made.server.offers, made.here.got.length]).toEqual([2, 1]);
  made.server.sendChannelData(0, Buffer.of(1));
  expect(made.server.offers).toBe(2);
});

interface Step {
  readonly who: "client" | "server";
  readonly does: "send" | "data" | "rekey" | "move";
  readonly size: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  who: fc.constantFrom("client" as const, "server" as const),
  does: fc.constantFrom(
    "send" as const,
    "send" as const,
    "data" as const,
    "data" as const,
    "rekey" as const,
    "move" as const,
  ),
  size: fc.integer({ min: 0, max: 3000 }),
});

/** Its number, and as many bytes as it should have. */
const numbered = (number: number, size: number): Buffer => Buffer.from(`${number}:`.padEnd(size, "x"));

test("rekeys in the middle of traffic both ways, whoever begins them, lose nothing and reorder nothing (K5)", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
      const made = await loggedInPair();
      const sent: Record<"client" | "server", string[]> = { client: [], server: [] };
      for (const [number, { who, does, size }] of steps.entries()) {
        const body = numbered(number, size);
        if (does === "move") {
          made.pump.pump();
        } else if (does === "rekey") {
          try {
            made[who].sendKexInit();
          } catch {
            // one is going on
          }
        } else if (does === "send") {
          made[who].sendPacket(80, body);
          sent[who].push(body.toString());
        } else {
          made[who].sendChannelData(number, body);
          const header = Buffer.alloc(8);
          header.writeUInt32BE(number, 0);
          header.writeUInt32BE(body.length, 4);
          sent[who].push(Buffer.concat([header, body]).toString());
        }
      }
      await settle(made);
      expect([made.client.ended, made.server.ended, made.server.said]).toEqual([[], [], []]);
      expect(made.there.got.map(([, text]) => text)).toEqual(sent.client);
      expect(made.here.got.map(([, text]) => text)).toEqual(sent.server);
      for (const who of ["client", "server"] as const) expect(() => made[who].sendKexInit()).not.toThrow();
    }),
    { numRuns: 150 },
  );
});

for (const [what, size, count] of [
  ["messages", 1, 4097],
  ["bytes", 30_000, 70],
] as const) {
  test(`what waits for the end of a rekey is bounded in ${what}, and the connection ends rather than whoever sends`, async () => {
    const { client, here } = await loggedInPair();
    client.sendKexInit();
    expect(here.events.at(-1)).toBe("stopWriting");
    const send = (): void => {
      for (let i = 0; i < count; i++) client.sendPacket(80, Buffer.alloc(size));
    };
    expect(send).not.toThrow();
    expect(client.said).toEqual([[2, "too much waits for the end of the key exchange"]]);
  });
}
