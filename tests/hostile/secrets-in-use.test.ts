/** What is shown of objects, errors and log lines while secrets are in use shows none of them (rule L2). */
import { SSHPublicKeyChecker, InMemorySSHKeyDB } from "@strombus/conch/checkers";
import { SSHAgentClient, SSHAgentServer } from "@strombus/conch/ssh/agent";
import { Key } from "@strombus/conch/ssh/keys";
import { type Prompt, SSHUserAuthClient } from "@strombus/conch/ssh/userauth";
import { InMemoryUsernamePasswordDatabaseDontUse, type ICredentialsChecker } from "@strombus/cred/checkers";
import {
  CramMD5Credentials,
  DigestCredentialFactory,
  IKeyboardInteractive,
  IUsernamePassword,
  IUsernamePasswordChange,
  PluggableAuthenticationModules,
  UsernamePassword,
} from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import type { InterfaceToken } from "@strombus/reactor/components";
import { Portal } from "@strombus/cred/portal";
import { succeed } from "@strombus/reactor/defer";
import { Failure } from "@strombus/reactor/failure";
import { eventAsJSON, eventAsText, globalLogPublisher, type LogEvent } from "@strombus/reactor/logger";
import { Clock, StringTransport } from "@strombus/reactor/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  ANSWERS,
  asking,
  change,
  dialogue,
  login,
  type Login,
  password,
  passwords,
  REPLY,
  SUCCESS,
} from "../support/memory-login.js";
import { fields, hostKey, loggedIn, pair, Recorder, secured } from "../support/memory-ssh.js";
import { forms, shown } from "../support/secrets.js";

const SECRET = "correct horse battery";
const NEW = "staple in the stable";
const ANSWER = "the answer is forty-two";

const logged: LogEvent[] = [];
const observer = (event: LogEvent) => void logged.push(event);
beforeEach(() => {
  logged.length = 0;
  globalLogPublisher.addObserver(observer);
});
afterEach(() => globalLogPublisher.removeObserver(observer));

/** None of these is shown with any of those, nor in the log. */
function expectHidden(secrets: readonly (string | Buffer)[], ...values: unknown[]): void {
  const text = [...values, ...logged].map(shown).join("\n");
  const lines = logged.map((event) => `${eventAsText(event)}\n${eventAsJSON(event)}`).join("\n");
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThanOrEqual(12); // or it would be found by chance
    for (const form of forms(secret)) {
      expect(text.includes(form), `${form} in what is shown`).toBe(false);
      expect(lines.includes(form), `${form} in the log`).toBe(false);
    }
  }
}

describe("credentials", () => {
  test("L2: of CRAM-MD5 show who answers, and not what", () => {
    const credentials = new CramMD5Credentials("host");
    credentials.getChallenge();
    const response = "0123456789abcdef0123456789abcdef";
    credentials.setResponse(`alice ${response}`);
    expectHidden([response], credentials);
    expect(shown(credentials)).toContain("alice");
    expect(credentials.response).toBe(response);
  });

  test("L2: of digest authentication show who answers, and not what; the factory keeps its key to itself", () => {
    const factory = new DigestCredentialFactory("md5", "a realm");
    const { nonce, opaque } = factory.getChallenge(null);
    const response = "0123456789abcdef0123456789abcdef";
    const credentials = factory.decode(
      `username="alice", realm="a realm", nonce="${nonce}", uri="/", response="${response}", opaque="${opaque}"`,
      "GET",
      null,
    );
    expectHidden([response, Buffer.from(factory.privateKey as Buffer)], credentials, factory);
    expect(shown(credentials)).toContain("alice");
    expect(credentials.fields.get("response")).toBe(response);
  });

  test("L2: that ask show neither questions' answers nor those who have them", async () => {
    let given: unknown;
    const asked = asking<IKeyboardInteractive>(async (user) => {
      given = user;
      const answers = await user.ask(["one? "]);
      if (answers.join() !== ANSWER) throw new UnauthorizedLogin("no");
      return user.username;
    }, IKeyboardInteractive);
    const made = await login({ checkers: [asked] });
    await made.ask(dialogue());
    await made.say([ANSWERS, fields(1, ANSWER)]);
    expect(made.answers()).toEqual([REPLY, SUCCESS]);
    expectHidden([ANSWER], given, made.server, made.server.service, made.factory);
    const pam = new PluggableAuthenticationModules("alice", () => succeed([[ANSWER, 0] as const]));
    expectHidden([ANSWER], pam);
  });
});

describe("checkers", () => {
  test("L2: that hold passwords do not show them, nor does a portal that has them", () => {
    const checker = new InMemoryUsernamePasswordDatabaseDontUse({ alice: SECRET, bob: Buffer.from(NEW) });
    checker.addUser("carol", ANSWER);
    const portal = new Portal({ requestAvatar: () => [IUsernamePassword, {}, () => {}] as never }, [checker]);
    expectHidden([SECRET, NEW, ANSWER], checker, portal);
    expect(checker.users.get("alice")).toBe(SECRET);
  });

  test("L2: what a portal gives holds no credentials, in success and in failure", async () => {
    const credentials = new UsernamePassword("alice", SECRET);
    const checker = new InMemoryUsernamePasswordDatabaseDontUse({ alice: SECRET });
    const portal = new Portal({ requestAvatar: () => [IUsernamePassword, {}, () => {}] as never }, [checker]);
    const good: unknown = await portal.login(credentials, null, IUsernamePassword);
    const bad: unknown[] = [];
    for (const attempt of [new UsernamePassword("alice", NEW), new UsernamePassword("nobody", NEW)]) {
      await portal.login(attempt, null).addErrback((reason: Failure) => {
        bad.push(reason);
        return null as never;
      });
    }
    for (const failure of bad) {
      expect(failure).toBeInstanceOf(Failure);
      expectHidden([NEW], (failure as Failure).getTraceback(), (failure as Failure).value, failure);
    }
    expectHidden([SECRET, NEW], good);
  });
});

/** A checker that keeps nothing of what it is given. */
function forgetful<T>(check: (given: T) => unknown, kind: InterfaceToken): ICredentialsChecker {
  return { credentialInterfaces: [kind], requestAvatarId: (given) => check(given as T) as never };
}

describe("a login", () => {
  const boom = (): never => {
    throw new Error("the database is gone");
  };
  /** What checkers do with what they are given. */
  const ENDS: Readonly<Record<string, () => unknown>> = {
    succeeds: () => "alice",
    "is refused": () => {
      throw new UnauthorizedLogin("no");
    },
    breaks: boom,
    "breaks later": () => Promise.reject(new TypeError("undefined is not a function")),
    "is answered by nonsense": () => undefined,
  };

  for (const [what, end] of Object.entries(ENDS)) {
    test(`L2: that ${what} leaves no secret in the log, in what is answered, or with the server`, async () => {
      const checkers: ICredentialsChecker[] = [
        forgetful(end, IUsernamePassword),
        forgetful(end, IUsernamePasswordChange),
        forgetful<IKeyboardInteractive>(async (user) => (await user.ask(["? "]), end()), IKeyboardInteractive),
      ];
      const requests: ((made: Login) => Promise<unknown>)[] = [
        ({ ask }) => ask(password(SECRET)),
        ({ ask }) => ask(change(SECRET, NEW)),
        async ({ ask, say }) => {
          await ask(dialogue());
          await say([ANSWERS, fields(1, ANSWER)]);
        },
        ({ ask }) => ask(Buffer.concat([password(SECRET), Buffer.of(0)])), // malformed
        ({ ask }) => ask(password(`${SECRET}${"x".repeat(2000)}`)),
        ({ ask }) => ask(password(Buffer.concat([Buffer.from(SECRET), Buffer.of(0xff)]))),
      ];
      for (const request of requests) {
        const made = await login({ checkers });
        await request(made);
        const text = made.got.map(([, body]) => body);
        expectHidden([SECRET, NEW, ANSWER], made.server, made.server.service, made.factory, text, made.client.ended);
        await made.pass(1);
        made.clientIO.abortConnection();
        await made.settle();
        expectHidden([SECRET, NEW, ANSWER], made.server);
      }
    });
  }

  test("L2: tells the client what failed, and not why", async () => {
    for (const end of [boom, () => Promise.reject(new UnauthorizedLogin("the account is locked"))]) {
      const made = await login({ checkers: [passwords(end)] });
      await made.ask(password(SECRET));
      expect(made.got).toEqual([[51, Buffer.concat([fields("password"), Buffer.of(0)])]]);
    }
    const made = await loggedIn();
    made.server.service!.packetReceived = boom;
    made.client.force(94, fields(0, "x"));
    await made.settle();
    expect(made.client.ended).toEqual([[11, "internal error"]]);
  });

  test("L2: of a client of ours shows neither its password, nor its answers, nor its key", async () => {
    const key = Key.generate("ed25519");
    class UserAuth extends SSHUserAuthClient {
      override getPassword() {
        return succeed(SECRET);
      }
      override getGenericAnswers(_name: string, _instruction: string, prompts: Prompt[]) {
        return succeed(prompts.map(() => ANSWER));
      }
      override getPublicKey() {
        return this.triedPublicKeys.length === 0 ? key.public() : null;
      }
      override getPrivateKey() {
        return succeed(key);
      }
    }
    const checkers: readonly ICredentialsChecker[] = [
      new SSHPublicKeyChecker(new InMemorySSHKeyDB({ alice: [key.public()] })),
      forgetful(() => "alice", IUsernamePassword),
      forgetful<IKeyboardInteractive>(async (user) => (await user.ask(["? "]), user.username), IKeyboardInteractive),
    ];
    for (const checker of checkers) {
      const made = await login({ checkers: [checker] });
      const service = new UserAuth("alice", new Recorder());
      made.client.setService(service);
      for (let n = 0; n < 12; n++) await made.pass(0.25);
      expect(made.avatars).toEqual(["alice"]);
      expectHidden([SECRET, ANSWER, key.privateBlob().subarray(-64, -36)], service, made.client, made.server);
    }
  });
});

describe("a connection", () => {
  for (const cipher of ["chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes256-ctr"]) {
    test(`L2: under ${cipher} shows neither its keys nor the secret that they come from, at any step`, async () => {
      const secrets: Buffer[] = [];
      const shows: unknown[] = [];
      const look = (made: { client: unknown; server: unknown }) => {
        shows.push(shown(made.client), shown(made.server));
      };
      const made = pair((client, server) => {
        client.supportedCiphers = server.supportedCiphers = [cipher];
        client.supportedMACs = server.supportedMACs = ["hmac-sha2-512"];
        for (const side of [client, server]) {
          const whole = side as unknown as { keySetup(exchange: unknown, secret: Buffer, hash: Buffer): void };
          const keySetup = whole.keySetup.bind(side);
          whole.keySetup = (exchange, secret, hash) => {
            secrets.push(Buffer.from(secret.subarray(8)));
            keySetup(exchange, secret, hash);
            look({ client, server }); // keys of one direction wait for their turn
          };
          for (const direction of [side.directions.incoming, side.directions.outgoing]) {
            const set = direction.setKeys.bind(direction);
            direction.setKeys = (keys, restart) => {
              for (const each of [keys.key, keys.iv, keys.macKey]) {
                if (each.length >= 12) secrets.push(Buffer.from(each));
              }
              set(keys, restart);
            };
          }
          side.dispatchMessage = ((dispatch) => (number, payload) => {
            const result = dispatch(number, payload);
            look({ client, server });
            return result;
          })(side.dispatchMessage.bind(side));
        }
      });
      await made.settle();
      made.client.setService(new Recorder());
      made.server.setService(new Recorder());
      made.client.sendKexInit();
      await made.settle();
      expect(made.client.secure).toBe(1);
      expect(secrets.length).toBeGreaterThanOrEqual(8);
      expectHidden(secrets, ...shows, made.client, made.server);
    });
  }

  test("L2: shows nothing of the host's private key, nor does its factory", async () => {
    const made = await secured();
    const seed = hostKey.privateBlob().subarray(-64, -36);
    expectHidden([seed], made.server, made.factory, made.client);
  });
});

describe("an agent", () => {
  test("L2: shows neither the keys that it holds, nor the passphrase that it is locked with", () => {
    const key = Key.generate("ed25519");
    const agent = new SSHAgentServer();
    const clock = (agent.clock = new Clock());
    agent.factory = { keys: new Map() } as never;
    const [toClient, toAgent] = [new StringTransport(), new StringTransport()];
    agent.makeConnection(toClient);
    const client = new SSHAgentClient();
    client.makeConnection(toAgent);
    const seed = key.privateBlob().subarray(-64, -36);
    client.addIdentity(key.privateBlob(), "a comment").addErrback(() => null);
    agent.dataReceived(toAgent.value());
    toAgent.clear();
    expect((agent.factory as { keys: Map<string, unknown> } | null)!.keys.size).toBe(1);
    expectHidden([seed], agent, agent.factory, client);
    agent.dataReceived(Buffer.concat([fields(Buffer.concat([Buffer.of(22), fields(SECRET)]))]));
    agent.dataReceived(Buffer.concat([fields(Buffer.concat([Buffer.of(23), fields(NEW)]))]));
    expectHidden([seed, SECRET, NEW], agent, agent.factory, client);
    clock.advance(20);
    agent.connectionLost();
    expectHidden([seed, SECRET, NEW], agent);
  });

  test("L2: nor does a key file that does not open show its passphrase or what is in it", () => {
    const key = Key.generate("ed25519");
    const file = key.toString("openssh", { passphrase: SECRET, rounds: 1 });
    const errors: unknown[] = [];
    for (const attempt of [
      () => Key.fromString(file),
      () => Key.fromString(file, null, NEW),
      () => Key.fromString(String(file).replace(/A/g, "B"), null, NEW),
    ]) {
      try {
        attempt();
      } catch (error) {
        errors.push(error, new Failure(error), (error as Error).stack);
      }
    }
    expect(errors).toHaveLength(9);
    expectHidden([SECRET, NEW, key.privateBlob().subarray(-64, -36)], errors);
  });
});
