/**
 * Both roles against a peer that says anything: valid messages by chance, damaged, repeated, reordered and left out, before
 * keys are on, before a login and after it. Each talk is a seed; to talk for hours, or to repeat a talk that failed:
 *
 *     npm run fuzz -- --minutes 120
 *     npm run fuzz -- --seed 12345 --talks 1
 */
import { reportUnhandledErrors } from "@strombus/reactor/defer";
import { globalLogPublisher, type LogEvent } from "@strombus/reactor/logger";
import { afterAll, describe, expect, test } from "vitest";
import { ConchError, DisconnectError } from "../error.js";
import { PasswordData, UserauthFailure, UserauthRequest, UserauthSuccess } from "../messages/userauth.js";
import { Debug, Ignore, Ping, ServiceAccept, ServiceRequest, Unimplemented } from "../messages/transport.js";
import {
  ChannelData,
  ChannelEof,
  ChannelOpen,
  ChannelRequest,
  ChannelWindowAdjust,
  GlobalRequest,
} from "../messages/connection.js";
import { SSHClientTransport, SSHServerTransport, type SSHTransportBase } from "../ssh/transport.js";
import { Chance } from "./chance.test.support.js";
import { anyMessage, type AnyMessage, damaged } from "./messages.test.support.js";
import { echoServer, hostKey, match, PASSWORD, talkingClient, type Match } from "./victims.test.support.js";

const FIRST = Number(process.env["STROMBUS_FUZZ_SEED"] ?? 1);
const TALKS = Number(process.env["STROMBUS_FUZZ_TALKS"] ?? 100);
/** Instead of a number of talks, the minutes that all stages have together. */
const MINUTES = Number(process.env["STROMBUS_FUZZ_MINUTES"] ?? 0);
const MESSAGES_OF_A_TALK = 40;
const PATIENCE = { timeout: 60_000 + 1000 * TALKS + 60_000 * MINUTES }; // milliseconds

const said = { talks: 0, messages: 0 };
afterAll(() => {
  if (MINUTES > 0) console.log(`${said.talks} talks, ${said.messages} messages, from seed ${FIRST}`);
});

/** The seeds of a stage's talks. */
function* seeds(): Generator<number> {
  const end = performance.now() + (MINUTES * 60_000) / (Object.keys(STAGES).length + 3);
  const isOver = (talks: number): boolean => (MINUTES > 0 ? performance.now() > end : talks >= TALKS);
  for (let talks = 0; !isOver(talks); talks++) {
    said.talks++;
    yield FIRST + talks;
  }
}

type Sealed = [number: number, body: Uint8Array];

/** What the attacker's own transport sends, message by message, and sending past all that it would refuse. */
interface Outgoing {
  readonly outgoing: { send(number: number, body: Uint8Array): void };
}

/** Spoils so many of the messages that a transport sends in the course of things. */
function spoil(transport: SSHTransportBase, chance: Chance, part: number): void {
  const { outgoing } = transport as unknown as Outgoing;
  const send = outgoing.send.bind(outgoing);
  let held: Sealed | null = null;
  outgoing.send = (number, body) => {
    said.messages++;
    if (!chance.odds(part)) {
      send(number, body);
    } else {
      const copy: Sealed = [number, Buffer.from(body)];
      switch (chance.below(5)) {
        case 0:
          break; // left out
        case 1:
          send(number, body);
          send(...copy); // repeated
          break;
        case 2:
          held = copy; // late
          return;
        case 3:
          send(...anyMessage(chance)); // something in front
          send(number, body);
          break;
        default:
          send(number, damaged(body, chance));
      }
    }
    if (held !== null) {
      const late = held;
      held = null;
      send(...late);
    }
  };
}

function force(transport: SSHTransportBase, number: number, body: Uint8Array): void {
  said.messages++;
  (transport as unknown as Outgoing).outgoing.send(number, body);
}

/** Failures in the log that are more than bad input: a fault of ours that the peer could cause. */
function faults(events: readonly LogEvent[]): string[] {
  return events.flatMap((event) => {
    const failure = event.log_failure;
    const isHandled = event.log_namespace !== "strombus.defer"; // else nobody took it
    const isBadInput = isHandled ? (failure?.check(DisconnectError) ?? failure?.check(ConchError) ?? null) : null;
    return failure === undefined || isBadInput !== null ? [] : [failure.getTraceback()];
  });
}

/** The end of every talk: the connection breaks, and nothing is left of it. */
async function end(made: Match): Promise<void> {
  const { serverIO, clientIO, clock, ledger } = made;
  await made.settle();
  serverIO.abortConnection();
  clientIO.abortConnection();
  await made.settle();
  clock.advance(1000);
  await made.settle();
  expect(clock.getDelayedCalls().filter((call) => call.active())).toEqual([]);
  expect(ledger.logouts).toBe(ledger.logins);
  expect(ledger.closed).toBe(ledger.opened);
}

/**
 * Why a side of ours ended what malformed input may end: protocol, key exchange, MAC, compression, service, version, host
 * key (RFC 4253 section 11.1); or a login that was given up, a deadline, too many attempts. Never by a fault of ours.
 */
const REASONS: ReadonlySet<unknown> = new Set([2, 3, 5, 6, 7, 8, 9, 10, 14]);

/** Log lines of who ends a connection, with the reason that its DISCONNECT gives, and of who is told so. */
const isEnding = ({ log_format }: LogEvent): boolean => String(log_format).startsWith("disconnecting with error");
const isToldOf = ({ log_format }: LogEvent): boolean => String(log_format).startsWith("got remote error");

/** @param talk tells whether the connection was ended before the talk was over, which takes a reason and a log line. */
async function watched(seed: number, talk: (chance: Chance) => Promise<boolean | void>): Promise<void> {
  const events: LogEvent[] = [];
  const observe = (event: LogEvent): void => void events.push(event);
  globalLogPublisher.addObserver(observe);
  try {
    const wasEnded = await talk(new Chance(seed));
    reportUnhandledErrors();
    expect(faults(events)).toEqual([]);
    const reasons = events.filter(isEnding).map(({ reason }) => reason);
    expect(reasons.filter((reason) => !REASONS.has(reason))).toEqual([]);
    if (wasEnded === true) expect(reasons.length > 0 || events.some(isToldOf), "why it ended is logged").toBe(true);
  } catch (error) {
    throw new Error(`the talk of seed ${seed} failed`, { cause: error });
  } finally {
    globalLogPublisher.removeObserver(observe);
  }
}

/** What an attacker still minds: the exchange of keys. */
const isOfExchange = (number: number): boolean => number >= 20 && number < 50;

class Attacker extends SSHClientTransport {
  protected override receive(number: number, payload: Buffer): void {
    if (isOfExchange(number)) super.receive(number, payload);
  }
  override verifyHostKey(): boolean {
    return true;
  }
  override connectionSecure(): void {}
}

class FalseServer extends SSHServerTransport {
  protected override receive(number: number, payload: Buffer): void {
    if (isOfExchange(number)) super.receive(number, payload);
  }
  override supportedPublicKeys = ["ssh-ed25519"];
}

const login = (password: string): Sealed => [
  UserauthRequest.number,
  UserauthRequest.encode({
    user: Buffer.from("user"),
    service: "ssh-connection",
    method: "password",
    data: PasswordData.encode({ change: false, password: Buffer.from(password), tail: Buffer.alloc(0) }),
  }),
];

const request = (service: string): Sealed => [ServiceRequest.number, ServiceRequest.encode({ service })];

const open: Sealed = [
  ChannelOpen.number,
  ChannelOpen.encode({
    type: "session",
    senderChannel: 0,
    window: 1000,
    maxPacket: 1000,
    data: Buffer.alloc(0),
  }),
];

const ANYTIME: readonly AnyMessage[] = [Ignore, Debug, Unimplemented];
const LOGGING_IN: readonly AnyMessage[] = [...ANYTIME, ServiceRequest, UserauthRequest];
const OPENING: readonly AnyMessage[] = [...ANYTIME, GlobalRequest, ChannelOpen, UserauthRequest, Ping];
const TALKING: readonly AnyMessage[] = [...OPENING, ChannelRequest, ChannelData, ChannelWindowAdjust, ChannelEof];

/** How far the attacker behaves before it says anything, and what it then mostly says. */
const STAGES: Readonly<Record<string, readonly [behaves: readonly Sealed[], likely: readonly AnyMessage[]]>> = {
  "once keys are on": [[], [...ANYTIME, ServiceRequest]],
  "while it should log in": [[request("ssh-userauth")], LOGGING_IN],
  "after a wrong password": [[request("ssh-userauth"), login("wrong")], LOGGING_IN],
  "after a login": [[request("ssh-userauth"), login(PASSWORD)], OPENING],
  "in a session": [[request("ssh-userauth"), login(PASSWORD), open], TALKING],
};

describe("a server keeps its rules whatever a client says", PATIENCE, () => {
  test("before keys are on", async () => {
    for (const seed of seeds()) {
      await watched(seed, async (chance) => {
        const made = await match(echoServer, (clock) => {
          const attacker = new Attacker();
          attacker.clock = clock;
          spoil(attacker, chance, 0.3);
          return attacker;
        });
        for (const message of [request("ssh-userauth"), login("wrong"), open]) {
          force(made.client, ...message);
          await made.settle();
        }
        expect(made.ledger.logins).toBe(0);
        await end(made);
      });
    }
  });

  for (const [stage, [behaves, likely]] of Object.entries(STAGES)) {
    test(stage, async () => {
      for (const seed of seeds()) {
        await watched(seed, async (chance) => {
          const made = await match(echoServer, (clock) => Object.assign(new Attacker(), { clock }));
          for (const message of behaves) {
            force(made.client, ...message);
            await made.settle();
            made.clock.advance(0.25);
          }
          const isKnown = behaves.some(([number, body]) => number === 50 && Buffer.from(body).includes(PASSWORD));
          expect(made.ledger.logins).toBe(isKnown ? 1 : 0);
          expect(made.ledger.opened).toBe(behaves.includes(open) ? 1 : 0);
          for (let n = 0; n < MESSAGES_OF_A_TALK && made.serverIO.connected; n++) {
            force(made.client, ...anyMessage(chance, likely));
            if (chance.odds(0.3)) await made.settle();
            if (chance.odds(0.1)) made.clock.advance(chance.below(3));
          }
          const wasEnded = !made.serverIO.connected;
          await end(made);
          expect(made.ledger.logins).toBe(isKnown ? 1 : 0); // nobody gets in by talking
          return wasEnded;
        });
      }
    });
  }
});

describe("a client keeps its rules whatever a server says", PATIENCE, () => {
  test("from the start", async () => {
    for (const seed of seeds()) {
      await watched(seed, async (chance) => {
        const made = await match((clock, ledger) => {
          const server = echoServer(clock, { ...ledger });
          spoil(server, chance, 0.15);
          return server;
        }, talkingClient);
        for (let n = 0; n < 10; n++) {
          made.clock.advance(0.25);
          await made.settle();
        }
        await end(made);
      });
    }
  });

  test("once keys are on", async () => {
    for (const seed of seeds()) {
      await watched(seed, async (chance) => {
        const made = await match((clock) => {
          const server = new FalseServer();
          server.clock = clock;
          server.factory = {
            publicKeys: { "ssh-ed25519": hostKey.public() },
            privateKeys: { "ssh-ed25519": hostKey },
            getService: () => null,
          } as never;
          return server;
        }, talkingClient);
        for (let n = 0; n < MESSAGES_OF_A_TALK && made.clientIO.connected; n++) {
          force(made.server, ...anyMessage(chance, [...ANYTIME, ServiceAccept, UserauthFailure, UserauthSuccess]));
          if (chance.odds(0.3)) await made.settle();
          if (chance.odds(0.1)) made.clock.advance(chance.below(3));
        }
        const wasEnded = !made.clientIO.connected;
        await end(made);
        return wasEnded;
      });
    }
  });
});
