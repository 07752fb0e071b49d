/** What a peer can do to the log (rules L1, L3, L4). */
import type { SSHEvent } from "@strombus/conch/events";
import { SSHAgentServer } from "@strombus/conch/ssh/agent";
import { ConchUser } from "@strombus/conch/avatar";
import { IConchUser } from "@strombus/conch/interfaces";
import { Key } from "@strombus/conch/ssh/keys";
import { SSHConnection } from "@strombus/conch/ssh/connection";
import { SSHSession } from "@strombus/conch/ssh/session";
import { SSHClientTransport, SSHServerTransport } from "@strombus/conch/ssh/transport";
import { SSHUserAuthClient } from "@strombus/conch/ssh/userauth";
import { IKeyboardInteractive, IUsernamePassword } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { NotEnoughAuthentication } from "@strombus/conch/error";
import { eventAsJSON, eventAsText, formatEvent, globalLogPublisher, type LogEvent } from "@strombus/reactor/logger";
import { Clock, StringTransport } from "@strombus/reactor/testing";
import { Failure } from "@strombus/reactor/failure";
import { ConnectionLost } from "@strombus/reactor/error";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { harmless } from "../support/hostile-names.js";
import {
  asking,
  dialogue,
  login,
  type Login,
  password,
  passwords,
  query,
  REQUEST,
  SERVICE,
} from "../support/memory-login.js";
import { Client, fields, loggedIn, type Message, pair, secured, type Server } from "../support/memory-ssh.js";

const key = Key.generate("ed25519");
const ROLES = [
  ["server", "client"],
  ["client", "server"],
] as const;

const logged: LogEvent[] = [];
const observer = (event: LogEvent) => void logged.push(event);
beforeEach(() => {
  logged.length = 0;
  globalLogPublisher.addObserver(observer);
});
afterEach(() => globalLogPublisher.removeObserver(observer));

/** Moves the cursor, ends the line, turns the text around, and is long. */
const NASTY = `x\x1b[2J\r\n2026-01-01 login accepted\x07\x7f\u0085\u009b31m\u202eabc\u2028\0${"y".repeat(2000)}`;

/** Each line, in each form in which it is written, has nothing of this in it, and is short. */
function expectHarmless(): void {
  for (const event of logged) {
    const failure = event.log_failure !== undefined;
    for (const text of [formatEvent(event), eventAsText(event, { includeTraceback: false })]) {
      expect(text).toMatch(harmless);
      if (!failure) expect(text.length).toBeLessThan(1500);
    }
    expect(eventAsJSON(event)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e\u2028]/);
  }
}

const shown = () => logged.map((event) => formatEvent(event)).join("\n");

describe("what a peer writes", () => {
  test("L1: is cut and escaped: descriptions, debug messages and banners, in both roles", async () => {
    for (const [victim, attacker] of ROLES) {
      const made = await loggedIn();
      plain(made[victim]);
      made[attacker].force(4, Buffer.concat([Buffer.of(1), fields(NASTY, NASTY)]));
      made[attacker].force(1, fields(11, NASTY, NASTY));
      await made.settle();
    }
    expect(shown()).toContain("remote debug message: x\\x1b[2J\\r\\n");
    expect(shown()).toContain("got remote error, code 11, reason: x\\x1b[2J");
    new SSHUserAuthClient("user", new SSHConnection()).receiveBanner(NASTY, "");
    expect(shown()).toContain('banner: "x\\x1b[2J');
    expectHarmless();
  });

  test("L1: is cut and escaped: versions, users, methods, services, algorithms", async () => {
    const line = `SSH-2.0-${NASTY.slice(0, 60).replaceAll(/[\r\n\0]/g, "?")}`;
    const wrong = pair((client) => (client.ourVersionString = line.replace("2.0", "1.0")));
    await wrong.settle();
    expect(wrong.server.said).toHaveLength(1);
    const made = await login({
      checkers: [passwords(), asking(() => "alice")],
      prepare: (_server, _factory, client) => (client.ourVersionString = line),
      limits: { attemptsBeforeDisconnect: Infinity },
    });
    const name = NASTY.slice(0, 100).replaceAll("\0", "");
    await made.ask(password("wrong", name));
    await made.ask(fields("alice", SERVICE, NASTY, "x"));
    await made.ask(query(key, { algorithm: NASTY }));
    await made.ask(fields("alice", NASTY, "password", false, "right"));
    await made.say([5, fields(NASTY)]);
    expect(made.server.said).toEqual([7]);
    for (const each of ['user "x\\x1b[2J', 'by "x\\x1b[2J', "not allowed (x\\x1b[2J"]) expect(shown()).toContain(each);
    expectHarmless();
  });

  test("L1: is cut and escaped: channels, requests, subsystems, signals, global requests", async () => {
    const made = await inSession();
    const open = Buffer.concat([fields(NASTY, 5, 1000, 1000), fields(NASTY)]);
    const requests = [
      [NASTY, Buffer.alloc(0)],
      ["subsystem", fields(NASTY)],
      ["signal", fields(NASTY)],
      ["env", fields(NASTY, NASTY)],
    ] as const;
    await made.say([90, open], [80, Buffer.concat([fields(NASTY, true), fields(NASTY)])]);
    for (const [type, data] of requests) await made.say([98, Buffer.concat([fields(0, type, true), data])]);
    expect(shown()).toContain("x\\x1b[2J");
    expectHarmless();
  });
});

const SECRET = "correct horse";

describe("a login", () => {
  test("L3: is one line and one event, with time, address, port, user, method and key", async () => {
    const logins: SSHEvent<"ssh.login">[] = [];
    const checkers = [
      passwords((user, secret) => (secret === SECRET ? user : no())),
      asking(({ signature }) => {
        if (signature === null) no();
        throw new NotEnoughAuthentication();
      }),
      asking<IKeyboardInteractive>(no, IKeyboardInteractive),
    ];
    const made = await login({
      checkers,
    });
    made.factory.events.on("ssh.login", (event) => void logins.push(event));
    await made.ask(fields("alice", SERVICE, "none"));
    await made.ask(query(key));
    await made.ask(made.signed(key));
    await made.ask(password("wrong"), password("wrong", "bob"));
    await made.pass(1);
    await made.ask(dialogue());
    await made.ask(fields("alice", SERVICE, "nonsense"));
    await made.ask(password(SECRET));
    const fingerprint = logged.map((event) => event["fingerprint"]).find((each) => typeof each === "string");
    const expected = [
      ["partly accepted", "alice", "publickey", fingerprint],
      ["refused", "alice", "password", null],
      ["refused", "bob", "password", null],
      ["refused", "alice", "keyboard-interactive", null],
      ["refused", "alice", "nonsense", null],
      ["accepted", "alice", "password", null],
    ];
    expect(String(fingerprint)).toMatch(/^SHA256:[\w+/]{43}$/);
    expect(
      logins.map((event) => [
        event["ssh.login.outcome"],
        event["user.name"],
        event["ssh.login.method"],
        event["ssh.key.fingerprint"],
      ]),
    ).toEqual(expected);
    const lines = logged.filter(({ log_format }) => log_format?.startsWith("login {outcome}"));
    expect(lines.map((event) => event["outcome"])).toEqual(expected.map(([outcome]) => outcome));
    for (const event of logins) {
      expect([event["client.address"], event["client.port"]]).toEqual(["127.0.0.1", 31337]);
      expect(event.time).toBeGreaterThan(1e9);
    }
    for (const line of lines) expect(formatEvent(line)).toContain("from 127.0.0.1 port 31337");
    expect(JSON.stringify(logins) + shown()).not.toContain(SECRET);
  });
});

function no(): never {
  throw new UnauthorizedLogin("no");
}

/** Alice, with a session open. */
async function inSession(): Promise<Login> {
  const realm = (_name: unknown, logout: () => void) => {
    const user = new ConchUser();
    user.channelLookup["session"] = SSHSession;
    return [IConchUser, user, logout];
  };
  const made = await login({ checkers: [passwords()], realm });
  await made.ask(password("right"));
  await made.say([90, fields("session", 0, 1000, 1000)]);
  return made;
}

/** What is logged each time. */
const LOUD = [98, fields(0, "nonsense", true)] as const;
const isCount = ({ log_format }: LogEvent) => log_format?.includes("were left out") === true;
const counted = () => logged.filter(isCount);

describe("a flood", () => {
  /** Each message, and how many lines it would be. */
  const FLOODS: Readonly<Record<string, readonly [number, body: Buffer, info: number, debug: number]>> = {
    "of channels that there are none of": [90, fields("nonsense", 5, 1000, 1000), 1, 1],
    "of requests that there are none of": [98, fields(0, "nonsense", true), 1, 0],
    "of global requests": [80, fields("nonsense", true), 0, 0],
    "of subsystems": [98, Buffer.concat([fields(0, "subsystem", true), fields("nonsense")]), 1, 0],
    "of messages that mean nothing": [199, Buffer.alloc(0), 0, 0],
    "of debug messages": [4, Buffer.concat([Buffer.of(1), fields("debug", "")]), 0, 1],
    "of UNIMPLEMENTED": [3, fields(0), 1, 0],
    "of data of a type that is unknown": [95, fields(0, 7, "x"), 1, 0],
  };

  for (const [what, [number, body, info, debug]] of Object.entries(FLOODS)) {
    test(`L4: ${what} buys fifty lines, then five a second, and the rest is counted`, async () => {
      const made = await inSession();
      plain(made.server);
      await made.pass(30);
      logged.length = 0;
      for (let second = 0; second < 30; second++) {
        for (let n = 0; n < 40; n++) await made.say([number, body]);
        await made.pass(1);
      }
      await made.pass(10);
      for (const [isDebug, each] of [
        [false, info],
        [true, debug],
      ] as const) {
        const lines = logged.filter(({ log_level }) => (log_level?.name === "debug") === isDebug);
        const told = lines.filter(isCount);
        const left = told.reduce((sum, event) => sum + Number(event["count"]), 0);
        expect([what, lines.length - told.length + left]).toEqual([what, each * 1200]);
        expect([what, lines.length - told.length]).toEqual([what, each * (50 + 29 * 5)]);
        expect(told.length).toBeLessThanOrEqual(4);
      }
    });
  }

  test("L4: that ends with its connection is counted to the last line", async () => {
    const made = await inSession();
    logged.length = 0;
    for (let n = 0; n < 200; n++) await made.say(LOUD);
    expect([logged.length, counted()]).toEqual([50, []]);
    made.clientIO.abortConnection();
    await made.settle();
    expect(counted().map((event) => event["count"])).toEqual([150]);
    expect(shown()).toContain("logout: user"); // there is one, whatever else there was
    expect(made.clock.getDelayedCalls().filter((call) => call.active())).toEqual([]);
  });

  test("L4: that stops is counted ten seconds later, though the connection goes on", async () => {
    const made = await inSession();
    logged.length = 0;
    for (let n = 0; n < 70; n++) await made.say(LOUD);
    await made.pass(9.9);
    expect(counted()).toEqual([]);
    await made.pass(0.2);
    expect(counted().map((event) => event["count"])).toEqual([20]);
  });

  test("L4: by one peer takes nothing from another's lines", async () => {
    const [noisy, quiet] = [await inSession(), await inSession()];
    for (let n = 0; n < 200; n++) await noisy.say(LOUD);
    logged.length = 0;
    await quiet.say(LOUD);
    expect(logged).toHaveLength(1);
  });

  test("L4: of logins ends with what a connection may try", async () => {
    for (const request of [password("wrong"), fields("alice", SERVICE, "nonsense"), query(key), dialogue()]) {
      const made = await login({ checkers: [passwords(), asking(no)] });
      logged.length = 0;
      for (let n = 0; n < 300; n++) {
        await made.say([REQUEST, request]);
        await made.pass(1);
      }
      expect(logged.length).toBeLessThan(20);
    }
    const half = asking(() => {
      throw new NotEnoughAuthentication();
    }, IUsernamePassword);
    const made = await login({ checkers: [half] });
    logged.length = 0;
    for (let n = 0; n < 300; n++) await made.say([REQUEST, password("half")]);
    expect(logged.length).toBeLessThan(140);
  });

  test("L4: before the login is as bounded, and a client is not flooded either", async () => {
    for (const [victim, attacker] of ROLES) {
      const made = await secured();
      plain(made[victim]);
      logged.length = 0;
      const messages: readonly Message[] = [
        [3, fields(1)],
        [4, Buffer.concat([Buffer.of(1), fields("x", "")])],
      ];
      for (let n = 0; n < 900; n++) made[attacker].force(...messages[n % 2]!);
      await made.settle();
      expect(made[victim].said).toEqual([]);
      expect(logged.length).toBeGreaterThan(90);
      expect(logged.length).toBeLessThanOrEqual(100); // of both kinds
    }
  });

  test("L4: of an agent's client is bounded by its clock, and counted when it goes", () => {
    const agent = new SSHAgentServer();
    agent.clock = new Clock();
    agent.factory = { keys: new Map() } as never;
    agent.makeConnection(new StringTransport());
    const nonsense = Buffer.concat([fields(Buffer.of(13))]); // SIGN_REQUEST, and nothing in it
    for (let n = 0; n < 200; n++) agent.dataReceived(nonsense);
    expect(logged).toHaveLength(50);
    agent.connectionLost(new Failure(new ConnectionLost()));
    expect(counted().map((event) => event["count"])).toEqual([150]);
  });
});

/** With the hooks of an application that overrides none. */
function plain(side: Client | Server): void {
  const { prototype } = side instanceof Client ? SSHClientTransport : SSHServerTransport;
  side.receiveError = (...args) => prototype.receiveError.apply(side, args);
  side.receiveUnimplemented = (...args) => prototype.receiveUnimplemented.apply(side, args);
}
