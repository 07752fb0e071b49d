/** What a hostile server can do to a client of ours (rules CL1 to CL4). */
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { SSHConnection } from "@strombus/conch/ssh/connection";
import { Key } from "@strombus/conch/ssh/keys";
import { forwardRemote } from "@strombus/conch/ssh/forwarding";
import { SSHClientTransport } from "@strombus/conch/ssh/transport";
import { SSHUserAuthClient } from "@strombus/conch/ssh/userauth";
import { Deferred, fail } from "@strombus/reactor/defer";
import { formatEvent, globalLogPublisher, type LogEvent } from "@strombus/reactor/logger";
import { describe, expect, test } from "vitest";
import { harmless } from "../support/hostile-names.js";
import { conversation, type Field } from "../support/memory-connection.js";
import { type Client, fields, hostKey, type Pair, Recorder, secured, type Server } from "../support/memory-ssh.js";
import { rsaKey } from "../support/rsa.js";

const rsa = rsaKey();
const ed25519 = Key.generate("ed25519");
const other = Key.generate("ed25519");

/** What a client says before keys are in force, by number: nothing in it is secret. */
const EXCHANGE = [20, 30, 21];

describe("the host key", () => {
  const numbersOf = (setUp: (client: Client) => unknown) => {
    const said: number[] = [];
    const making = secured((client) => {
      client.rewrite((number, body) => {
        said.push(number);
        return [[number, body]];
      });
      setUp(client);
    });
    return making.then((made) => ({ ...made, numbers: said }));
  };

  test("CL1: nothing but the exchange goes out before it is verified, however long that takes", async () => {
    const verdict = new Deferred<boolean>();
    const made = await numbersOf((client) => (client.verifyHostKey = () => verdict));
    made.server.force(21); // once more, to hurry it
    await made.settle();
    expect([made.numbers, made.client.secure, made.client.isEncrypted("both")]).toEqual([[20, 30], 0, false]);

    const patient = await numbersOf((client) => (client.verifyHostKey = () => verdict));
    expect([patient.numbers, patient.client.secure]).toEqual([[20, 30], 0]);
    verdict.callback(true);
    await patient.settle();
    expect([patient.numbers.slice(0, 3), patient.client.secure]).toEqual([EXCHANGE, 1]);
  });

  const verifiers: Readonly<Record<string, SSHClientTransport["verifyHostKey"]>> = {
    throws: () => {
      throw new Error("out of memory");
    },
    "throws nothing": () => {
      throw undefined;
    },
    rejects: () => Promise.reject(new Error("out of memory")),
    "rejects later": () => new Promise((_resolve, reject) => setImmediate(reject, new Error("out of memory"))),
    fails: () => fail(new Error("out of memory")),
    "says no": () => false,
    "promises no": () => Promise.resolve(false),
    "is missing": (...told) => new SSHClientTransport().verifyHostKey(...told),
  };
  for (const [what, verifier] of Object.entries(verifiers)) {
    test(`CL1: CVE-2025-26465: is refused when whoever verifies it ${what}`, async () => {
      const made = await numbersOf((client) => Object.assign(client, { verifyHostKey: verifier }));
      await new Promise((resolve) => setImmediate(resolve));
      await made.settle();
      expect([made.numbers, made.client.said, made.client.secure]).toEqual([[20, 30, 1], [9], 0]);
      expect(made.server.ended).toEqual([[9, "bad host key"]]); // and not why
    });
  }

  test("CL1: is no reason to forget the deadline", async () => {
    const made = await numbersOf((client) => (client.verifyHostKey = () => new Promise(() => {})));
    made.clock.advance(30);
    expect([made.client.said, made.client.secure]).toEqual([[11], 0]);
  });

  const signers: Readonly<Record<string, [names: string[], key: Key, sign: (data: Buffer) => Buffer]>> = {
    "by another hash than was negotiated": [["rsa-sha2-512"], rsa, (data) => rsa.sign(data, "rsa-sha2-256")],
    "by SHA-1": [["rsa-sha2-512", "rsa-sha2-256"], rsa, (data) => rsa.sign(data, "ssh-rsa")],
    "by a key of another type": [["rsa-sha2-256"], ed25519, (data) => ed25519.sign(data)],
    "by another key than is shown": [["ssh-ed25519"], ed25519, (data) => other.sign(data)],
    "of something else": [["ssh-ed25519"], ed25519, () => ed25519.sign(Buffer.from("something else"))],
  };
  for (const [what, [names, key, sign]] of Object.entries(signers)) {
    test(`CL2: a signature ${what} is none`, async () => {
      const made = await secured((client, server, factory) => {
        client.supportedPublicKeys = server.supportedPublicKeys = names;
        const format = names[0]!.startsWith("rsa") ? "ssh-rsa" : "ssh-ed25519";
        const signer = { sign, supportedSignatureAlgorithms: () => names };
        factory.privateKeys = { [format]: signer };
        factory.publicKeys = { [format]: key.public() };
      });
      expect([made.client.said, made.client.secure]).toEqual([[3], 0]);
    });
  }

  test("CL2: is the same in a rekey, or the connection ends", async () => {
    const asked: Buffer[] = [];
    const verifyHostKey = (blob: Buffer) => asked.push(blob);
    const made = await secured((client) => Object.assign(client, { verifyHostKey }));
    made.client.sendKexInit();
    await made.settle();
    expect(made.client.said).toEqual([]);
    made.factory.privateKeys = { "ssh-ed25519": other };
    made.factory.publicKeys = { "ssh-ed25519": other.public() };
    made.client.sendKexInit();
    await made.settle();
    expect(made.client.said).toEqual([9]);
    expect(asked).toEqual([hostKey.public().blob()]); // once, about the first
  });
});

class Auth extends SSHUserAuthClient {
  keys: Key[] = [];
  answers: string[] = [];
  readonly banners: string[] = [];
  override getPublicKey() {
    return this.keys.shift()?.public() ?? null;
  }
  override getPrivateKey() {
    return Promise.resolve(this.lastPublicKey!.sshType() === "ssh-rsa" ? rsa : ed25519);
  }
  override getPassword() {
    return Promise.resolve("secret");
  }
  override getGenericAnswers() {
    return Promise.resolve(this.answers);
  }
}

/** The strings of which these bytes are made, as far as they are. */
function stringsOf(bytes: Buffer): Buffer[] {
  const strings: Buffer[] = [];
  for (let at = 0; at + 4 <= bytes.length; at += 4 + strings.at(-1)!.length) {
    strings.push(bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at)));
  }
  return strings;
}

interface Login extends Pair {
  readonly auth: Auth;
  readonly connection: SSHConnection;
  /** Has the server say this. */
  say(number: number, ...values: Field[]): Promise<void>;
  /** The client's requests: method, and what belongs to it. */
  requests(): [method: string, data: Buffer][];
  readonly isIn: boolean;
}

const FAILURE = 51;
const SUCCESS = 52;
const SIXTY = 60;

/** A client that has begun its login at a server that a test plays. */
async function login(setUp: (auth: Auth, server: Server) => unknown = () => {}): Promise<Login> {
  const connection = new SSHConnection();
  const auth = new Auth("user", connection);
  const made = await secured((_client, server) => void setUp(auth, server));
  made.client.requestService(auth);
  await made.settle();
  const server = made.server.service as Recorder;
  return {
    ...made,
    auth,
    connection,
    async say(number, ...values) {
      made.server.force(number, fields(...values));
      await made.settle();
      await made.settle();
    },
    requests: () =>
      server.got
        .filter(([number]) => number === 50)
        .map(([, body]) => {
          const [user, service, method] = stringsOf(body);
          return [method!.toString(), body.subarray(12 + user!.length + service!.length + method!.length)];
        }),
    get isIn() {
      return made.client.service === connection;
    },
  };
}

describe("a login", () => {
  /** What a server does about a client, so that it is let in without having proven anything. */
  const unproven: Readonly<Record<string, (talk: Login) => Promise<void>>> = {
    "for having asked": (talk) => talk.say(SUCCESS),
    "for asking about a key": async (talk) => {
      await talk.say(FAILURE, "publickey", false);
      expect(talk.requests().at(-1)![0]).toMatch(/^publickey/);
      await talk.say(SUCCESS);
    },
    "for wanting to be questioned": async (talk) => {
      await talk.say(FAILURE, "keyboard-interactive", false);
      await talk.say(SUCCESS);
    },
    "for an answer to no question": async (talk) => {
      await talk.say(FAILURE, "keyboard-interactive", false);
      await talk.say(SIXTY, "", "", "", 0);
      await talk.say(SUCCESS);
    },
    "for half of nothing": async (talk) => {
      await talk.say(FAILURE, "keyboard-interactive,publickey", true);
      await talk.say(SUCCESS);
    },
  };
  for (const [what, play] of Object.entries(unproven)) {
    test(`CL3: CVE-2021-36369, CVE-2021-36367: ${what} is none, where proof is wanted`, async () => {
      for (const [accepted, disconnects] of [
        [false, [2]],
        [true, []],
      ] as const) {
        const talk = await login((auth) => {
          auth.acceptUnprovenLogin = accepted;
          auth.keys = [ed25519];
        });
        await play(talk);
        expect([accepted, talk.isIn, talk.client.said]).toEqual([accepted, accepted, disconnects]);
      }
    });
  }

  const proven: Readonly<Record<string, (talk: Login) => Promise<void>>> = {
    "a password": (talk) => talk.say(FAILURE, "password", false),
    "a signature": async (talk) => {
      await talk.say(FAILURE, "publickey", false);
      await talk.say(SIXTY, "ssh-ed25519", ed25519.blob());
    },
    "an answer": async (talk) => {
      await talk.say(FAILURE, "keyboard-interactive", false);
      await talk.say(SIXTY, "", "", "", 1, "How are you?", true);
    },
  };
  for (const [what, play] of Object.entries(proven)) {
    test(`CL3: by ${what} is one`, async () => {
      const talk = await login((auth) => {
        auth.acceptUnprovenLogin = false;
        auth.keys = [ed25519];
        auth.answers = ["well"];
      });
      await play(talk);
      expect(talk.isIn).toBe(false);
      await talk.say(SUCCESS);
      expect([talk.isIn, talk.client.said]).toEqual([true, []]);
    });
  }

  test("CL3: succeeds when something was asked, and once", async () => {
    const early = await login((auth) => (auth.getPassword = () => new Promise(() => {})));
    await early.say(FAILURE, "password", false);
    await early.say(SUCCESS);
    expect([early.isIn, early.client.said]).toEqual([false, [2]]);

    const more = await login();
    await more.say(SUCCESS, "and more");
    expect([more.isIn, more.client.said]).toEqual([false, [2]]);
  });

  const questions: Readonly<Record<string, Field[]>> = {
    "another key": ["ssh-ed25519", other.blob()],
    "our key by another algorithm": ["rsa-sha2-256", ed25519.blob()],
    "nothing at all": [],
  };
  for (const [what, question] of Object.entries(questions)) {
    test(`CL3: signs nothing when the server takes ${what}`, async () => {
      const talk = await login((auth) => (auth.keys = [ed25519]));
      await talk.say(FAILURE, "publickey", false);
      const before = talk.requests().length;
      await talk.say(SIXTY, ...question);
      expect([talk.client.said, talk.requests().length]).toEqual([[2], before]);
    });
  }

  test("CL3: starts no service that was not asked for", async () => {
    for (const name of ["ssh-connection", "", "constructor"]) {
      const made = await secured();
      const service = new Recorder("ssh-userauth");
      made.client.requestService(service);
      made.server.force(6, fields(name));
      await made.settle();
      expect([name, service.events, made.client.said]).toEqual([name, [], [2]]);
    }
    const unasked = await secured();
    unasked.server.force(6, fields("ssh-userauth"));
    await unasked.settle();
    expect([unasked.client.service, unasked.client.said]).toEqual([null, [2]]);
  });

  test("CL4: an RSA key signs by what the server lists, and never by SHA-1", async () => {
    for (const [listed, chosen] of [
      [["rsa-sha2-256"], "rsa-sha2-256"],
      [["ssh-rsa", "rsa-sha2-256", "rsa-sha2-512"], "rsa-sha2-512"],
      [["ssh-rsa"], null],
      [["ssh-ed25519"], null],
      [[], "rsa-sha2-512"], // a server that lists nothing
    ] as const) {
      const talk = await login((auth, server) => {
        auth.keys = [rsa];
        auth.hostBound = false;
        auth.preferredOrder = ["publickey"];
        if (listed.length === 0) server.sendExtInfo = () => {};
        else server.supportedUserKeyAlgorithms = [...listed];
      });
      await talk.say(FAILURE, "publickey", false);
      const [method, query] = talk.requests().at(-1)!;
      const algorithm = method === "publickey" ? stringsOf(query.subarray(1))[0]!.toString() : null;
      expect([listed, algorithm]).toEqual([listed, chosen]);
      if (chosen === null) continue;
      await talk.say(SIXTY, chosen, rsa.blob());
      const [, , signature] = stringsOf(talk.requests().at(-1)![1].subarray(1));
      expect(stringsOf(signature!)[0]!.toString()).toBe(chosen);
    }
  });

  test("CL4: what a server says is harmless where it is shown", async () => {
    const lines: string[] = [];
    const observer = (event: LogEvent) => void lines.push(formatEvent(event));
    globalLogPublisher.addObserver(observer);
    const nasty = "\x1b[2J\x1b]0;owned\x07\r\nlogin accepted\u202e%s{user}";
    try {
      const talk = await login();
      await talk.say(53, nasty, nasty); // a banner
      await talk.say(4, true, nasty, nasty); // DEBUG
      await talk.say(1, 2, nasty, nasty); // DISCONNECT
      const { send, connection } = await conversation("client");
      connection.openChannel(Object.assign(new SSHChannel(), { name: "x" })).catch(() => undefined);
      await send(92, 0, 1, nasty, nasty); // OPEN_FAILURE
      await send(90, nasty, 1, 1000, 1000);
      await send(80, nasty, true);
    } finally {
      globalLogPublisher.removeObserver(observer);
    }
    expect(lines.filter((line) => line.includes("login accepted")).length).toBeGreaterThanOrEqual(4);
    for (const line of lines) expect(line).toMatch(harmless);
  });
});

describe("a connection", () => {
  test("CL3: takes no channel of a type that nobody enabled", async () => {
    const talk = await conversation("client");
    const types = ["session", "x11", "auth-agent@openssh.com", "forwarded-tcpip", "direct-tcpip", "constructor"];
    for (const [n, type] of types.entries()) await talk.send(90, type, n, 1000, 1000, "a", 1, "b", 2);
    expect(talk.got(92).map((body) => [body.readUInt32BE(0), body.readUInt32BE(4)])).toEqual(
      types.map((_, n) => [n, 3]),
    );
    expect([talk.got(91), talk.connection.channels.size, talk.disconnects]).toEqual([[], 0, []]);
  });

  test("CL3: takes no forwarded connection of a port that nobody asked for", async () => {
    const talk = await conversation("client");
    const asking = forwardRemote(talk.connection, ["localhost", 8080], ["127.0.0.1", 1]);
    await talk.made.settle();
    await talk.send(81);
    expect((await asking).port).toBe(8080);
    await talk.send(90, "forwarded-tcpip", 5, 1000, 1000, "localhost", 22, "192.0.2.1", 4711);
    expect(talk.got(92).map((body) => [body.readUInt32BE(0), body.readUInt32BE(4)])).toEqual([[5, 1]]);
  });
});
