/** What somebody who has logged in can send on the connection, over a real wire (rules C1 to C8, L4). */
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { NS } from "@strombus/conch/ssh/common";
import { SSHConnection } from "@strombus/conch/ssh/connection";
import { allowForwarding } from "@strombus/conch/ssh/forwarding";
import { globalLogBeginner, type LogEvent } from "@strombus/reactor/logger";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { logIn, logOut } from "../support/login.js";
import { uint32 } from "../support/memory-ssh.js";
import { serve } from "../support/server.js";

const lines: LogEvent[] = [];
const keepLine = (event: LogEvent) => {
  if (event.log_level?.name !== "debug") lines.push(event);
};
globalLogBeginner.beginLoggingTo([keepLine], { redirectStandardIO: false });

/** Says what it gets, and does what it is asked. */
class Echo extends SSHChannel {
  override name = "echo@example.com";
  request_slow(_data: Buffer) {
    return new Promise<boolean>(() => {});
  }
  override dataReceived(data: Buffer) {
    this.write(data);
  }
}

class Sleeper extends Echo {
  override dataReceived(_data: Buffer) {
    this.pauseProducing(); // from here nobody reads
  }
}

const server = serve(SSHChannel, undefined, (user) => {
  user.channelLookup["echo@example.com"] = Echo;
  user.channelLookup["sleeper@example.com"] = Sleeper;
  allowForwarding(user, { listen: true });
  Object.assign(user, { global_slow: () => new Promise(() => {}) });
});
afterAll(() => server.close());

const account = { port: server.port, user: "user", secret: "password" };

/** A client that can be made to send anything, and tells how it was told to go. */
class Hostile extends SSHConnection {
  send(number: number, ...fields: (number | string | Buffer | boolean)[]): void {
    const parts = fields.map((field) => {
      if (typeof field === "boolean") return Buffer.of(field ? 1 : 0);
      if (typeof field === "number") return uint32(field);
      return Buffer.isBuffer(field) ? field : NS(field);
    });
    this.transport!.sendPacket(number, Buffer.concat(parts));
  }
}

class Client extends SSHChannel {
  readonly heard: Buffer[] = [];
  readonly ended = new Promise<void>((resolve) => (this.closed = () => resolve()));
  constructor(name: string) {
    super();
    this.name = name;
  }
  override dataReceived(data: Buffer) {
    this.heard.push(data);
  }
}

let hostile: Hostile;
let told: Promise<{ code: number; text: string }>;
beforeEach(async () => {
  lines.length = 0;
  hostile = await logIn(account, new Hostile());
  const { transport } = hostile;
  told = new Promise((resolve) => (transport!.receiveError = (code, text) => resolve({ code, text })));
});
afterEach(async () => {
  logOut(hostile);
  // Nobody else has noticed.
  const other = await logIn(account);
  const channel = await other.openChannel(new Client("echo@example.com"));
  channel.write("well");
  await expect.poll(() => Buffer.concat(channel.heard).toString()).toBe("well");
  logOut(other);
  expect(lines.length).toBeLessThan(150);
  expect(lines.filter((line) => line.log_level?.name === "critical")).toEqual([]);
});

/** Our number of it, the server's number of it. */
async function opened(name = "echo@example.com"): Promise<[Client, number]> {
  const channel = await hostile.openChannel(new Client(name));
  return [channel, hostile.localToRemoteChannel.get(channel.id!)!];
}

describe("data", () => {
  test("C4: beyond the window closes the channel, and what was sent before arrives", async () => {
    const [channel, theirs] = await opened("sleeper@example.com");
    const piece = Buffer.alloc(32_768);
    for (let sent = 0; sent <= 3 * 2 ** 20; sent += piece.length) hostile.send(94, theirs, NS(piece));
    await channel.ended;
    const [another] = await opened(); // the connection goes on
    expect(another.id).not.toBeNull();
  });

  test("C4: in a packet larger than allowed closes the channel", async () => {
    const [channel, theirs] = await opened();
    hostile.send(94, theirs, NS(Buffer.alloc(32_769)));
    await channel.ended;
    expect(channel.heard).toEqual([]);
  });

  test("C4: of an extended type counts, too", async () => {
    const [channel, theirs] = await opened();
    hostile.send(95, theirs, 1, NS(Buffer.alloc(32_769)));
    await channel.ended;
  });

  for (const [what, number] of [
    ["data", 94],
    ["a request", 98],
    ["an end", 96],
    ["a close", 97],
  ] as const) {
    test(`C1: ${what} for a channel that never was ends the connection`, async () => {
      const rest = number === 94 ? [NS("x")] : number === 98 ? [NS("name"), false] : [];
      hostile.send(number, 4711, ...rest);
      expect(await told).toMatchObject({ code: 2 });
    });
  }

  test("C1: for a channel that both have closed ends the connection", async () => {
    const [channel, theirs] = await opened();
    channel.loseConnection();
    await channel.ended;
    hostile.send(94, theirs, NS("late"));
    expect(await told).toMatchObject({ code: 2 });
  });

  test("C5: after an end is dropped", async () => {
    const [channel, theirs] = await opened();
    hostile.send(96, theirs);
    hostile.send(94, theirs, NS("late"));
    await hostile.sendRequest(channel, "unknown", "", true)!.addErrback(() => undefined); // which came behind it
    expect(channel.heard).toEqual([]);
  });

  test("T7: a message that is cut short or too long ends the connection", async () => {
    const [, theirs] = await opened();
    hostile.send(94, theirs, Buffer.from("000000ff61", "hex"));
    expect(await told).toMatchObject({ code: 2 });
  });
});

describe("windows", () => {
  test("C3: past 2^32 - 1 end the connection", async () => {
    const [, theirs] = await opened();
    hostile.send(93, theirs, 0xffff_ffff);
    expect(await told).toMatchObject({ code: 2, text: expect.stringContaining("2^32 - 1") as string });
  });

  test("C1: for a channel that is gone are ignored, ten thousand of them", async () => {
    for (let n = 0; n < 10_000; n++) hostile.send(93, 4711, 1);
    await opened();
  });

  test("C3: a maximum packet of 0 is refused", async () => {
    hostile.send(90, "echo@example.com", 99, 1000, 0);
    await expect(answer(92)).resolves.toMatchObject({ channel: 99, reason: 2 });
  });
});

/** The next message of this number: its first two numbers. */
function answer(number: number): Promise<{ channel: number; reason: number }> {
  return new Promise((resolve) => {
    const deliver = hostile.packetReceived.bind(hostile);
    hostile.packetReceived = (each, packet) => {
      if (each !== number) return deliver(each, packet);
      hostile.packetReceived = deliver;
      return resolve({ channel: packet.readUInt32BE(0), reason: packet.readUInt32BE(4) });
    };
  });
}

/** Counts the messages of each number from now on, and delivers none of them. */
function tally(): Map<number, number> {
  const counts = new Map<number, number>();
  hostile.packetReceived = (number) => void counts.set(number, (counts.get(number) ?? 0) + 1);
  return counts;
}

describe("floods", () => {
  test("C7: of thousands of channels get so many, and for the rest a lack of resources", async () => {
    const counts = tally();
    const reasons = new Set<number>();
    const count = hostile.packetReceived.bind(hostile);
    hostile.packetReceived = (number, packet) => {
      if (number === 92) reasons.add(packet.readUInt32BE(4));
      return count(number, packet);
    };
    for (let n = 0; n < 5000; n++) hostile.send(90, "echo@example.com", n, 1000, 1000);
    await expect.poll(() => (counts.get(91) ?? 0) + (counts.get(92) ?? 0), { timeout: 15_000 }).toBe(5000);
    expect([counts.get(91), [...reasons]]).toEqual([256, [4]]);
  });

  test("C8: of channels of types with odd names are refused, one by one", async () => {
    const counts = tally();
    const names = ["__proto__", "constructor", "toString", "\n\x1b[31m", "x".repeat(10_000), ""];
    for (let n = 0; n < 3000; n++) hostile.send(90, names[n % names.length]!, n, 1000, 1000);
    await expect.poll(() => counts.get(92), { timeout: 15_000 }).toBe(3000);
  });

  test("C6: of global requests are answered one by one, those with odd names too", async () => {
    const counts = tally();
    const names = ["__proto__", "constructor", "tcpip-forward", "no-such@example.com"];
    for (let n = 0; n < 4000; n++) hostile.send(80, names[n % names.length]!, true);
    await expect.poll(() => counts.get(82), { timeout: 15_000 }).toBe(4000);
  });

  test("C7: of global requests that take their time end the connection", async () => {
    for (let n = 0; n < 100; n++) hostile.send(80, "slow", true);
    expect(await told).toMatchObject({ text: "too many global requests at a time" });
  });

  test("C7: of requests on a channel that take their time close it", async () => {
    const [channel, theirs] = await opened();
    for (let n = 0; n < 100; n++) hostile.send(98, theirs, "slow", true);
    await channel.ended;
  });

  test("of requests on a channel that nobody knows are refused, one by one", async () => {
    const [, theirs] = await opened();
    const counts = tally();
    for (let n = 0; n < 4000; n++) hostile.send(98, theirs, n % 2 ? "__proto__" : "no-such@example.com", true);
    await expect.poll(() => counts.get(100), { timeout: 15_000 }).toBe(4000);
  });

  test("C7: of listeners get so many", async () => {
    const counts = tally();
    for (let n = 0; n < 200; n++) hostile.send(80, "tcpip-forward", true, "127.0.0.1", 0);
    await expect.poll(() => (counts.get(81) ?? 0) + (counts.get(82) ?? 0), { timeout: 15_000 }).toBe(200);
    expect(counts.get(81)).toBe(64);
  });

  test("C2: confirmations and refusals that nobody asked for end the connection", async () => {
    hostile.send(91, 4711, 1, 1000, 1000);
    expect(await told).toMatchObject({ code: 2 });
  });
});

test("a name that is no UTF-8 is nobody's", async () => {
  hostile.send(90, Buffer.concat([uint32(2), Buffer.of(0xff, 0xfe)]), 99, 1000, 1000);
  await expect(answer(92)).resolves.toMatchObject({ channel: 99, reason: 3 });
});
