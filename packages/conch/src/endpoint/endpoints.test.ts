/** Endpoints and a whole server, both on one reactor in memory. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { directlyProvides } from "@strombus/reactor/components";
import { CancelledError } from "@strombus/reactor/defer";
import {
  ConnectingCancelledError,
  ConnectionDone,
  ConnectionLost,
  ConnectionRefusedError,
  NoProtocol,
  ProcessTerminated,
} from "@strombus/reactor/error";
import type { Failure } from "@strombus/reactor/failure";
import {
  IHalfCloseableProtocol,
  type IProtocolFactory,
  type IReactorTime,
  type IStreamClientEndpoint,
  type ITCPTransport,
} from "@strombus/reactor/interfaces";
import { UNIXClientEndpoint } from "@strombus/reactor/endpoints";
import { globalLogPublisher, type LogEvent } from "@strombus/reactor/logger";
import { Factory, Protocol } from "@strombus/reactor/protocol";
import { AccumulatingProtocol, SimulatedReactor } from "@strombus/reactor/testing";
import { InMemoryUsernamePasswordDatabaseDontUse } from "@strombus/cred/checkers";
import { IKeyboardInteractive } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { Portal } from "@strombus/cred/portal";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SSHAgentServer } from "../agent/server.js";
import { ConchUser } from "../avatar.js";
import { InMemorySSHKeyDB, SSHPublicKeyChecker } from "../checkers.js";
import { KnownHostsFile } from "../client/known-hosts-file.js";
import type { KnownHosts } from "../client/host-key.js";
import { AuthenticationFailed, SSHCommandAddress, SSHCommandClientEndpoint } from "../endpoints.js";
import { ConchError, HostKeyChanged, UserRejectedKey } from "../error.js";
import { IConchUser } from "../interfaces.js";
import { Certificate } from "../keys/certificate.js";
import { ExitSignal, ExitStatus } from "../messages/connection.js";
import { SSHChannel } from "../ssh/channel.js";
import type { SSHConnection } from "../ssh/connection.js";
import { SSHFactory } from "../ssh/factory.js";
import { Key } from "../ssh/keys.js";
import { SSHUserAuthServer } from "../ssh/userauth.js";
import type { SSHServerTransport } from "../ssh/transport.js";

const HOST_KEY = Key.generate("ed25519");
const USER_KEY = Key.generate("ed25519");
const OTHER_KEY = Key.generate("ed25519");
const UI = { prompt: () => false, warn: () => undefined };

/** The server's session, which a test makes do what it wants. */
class Session extends SSHChannel {
  override name = "session";
  static last: Session | null = null;
  static answer: (session: Session, command: string) => boolean | PromiseLike<boolean> = () => true;
  readonly got: string[] = [];

  override channelOpen(): void {
    Session.last = this;
  }
  request_exec(data: Buffer): boolean | PromiseLike<boolean> {
    return Session.answer(this, data.subarray(4).toString());
  }
  override dataReceived(data: Buffer): void {
    this.got.push(data.toString());
  }
  override eofReceived(): void {
    this.got.push("EOF");
  }
  override closed(): void {
    this.got.push("closed");
  }
}

class Login extends SSHUserAuthServer {
  override passwordDelay = 0;
  override clock = reactor as IReactorTime;
}

/** Keeps its last connection. */
class Server extends SSHFactory {
  transport: SSHServerTransport | null = null;

  override buildProtocol(addr: Parameters<SSHFactory["buildProtocol"]>[0]): ReturnType<SSHFactory["buildProtocol"]> {
    const built = super.buildProtocol(addr);
    this.transport = built as SSHServerTransport;
    this.transport.clock = reactor;
    return built;
  }
}

let reactor = new SimulatedReactor();
let server = new Server();
let knownHosts: KnownHosts;
let portal: Portal;

beforeEach(() => {
  reactor = new SimulatedReactor();
  server = new Server();
  portal = new Portal({
    requestAvatar: () => {
      const user = new ConchUser();
      user.channelLookup["session"] = Session;
      return [IConchUser, user, () => undefined];
    },
  });
  const passwords = new InMemoryUsernamePasswordDatabaseDontUse();
  passwords.addUser("alice", "secret");
  portal.registerChecker(passwords);
  portal.registerChecker(new SSHPublicKeyChecker(new InMemorySSHKeyDB(new Map([["alice", [USER_KEY.public()]]]))));
  server.portal = portal;
  server.privateKeys = { "ssh-ed25519": HOST_KEY };
  server.publicKeys = { "ssh-ed25519": HOST_KEY.public() };
  server.services["ssh-userauth"] = Login;
  reactor.listenTCP(22, server);
  Session.last = null;
  Session.answer = () => true;
  const file = new KnownHostsFile(join(tmpdir(), "never-written"));
  for (const name of ["localhost", "127.0.0.1"]) file.addHostKey(name, HOST_KEY.public());
  knownHosts = file;
});

afterEach(async () => {
  for (const transport of [...reactor.openTransports]) {
    if ("abortConnection" in transport) (transport as unknown as ITCPTransport).abortConnection();
  }
  await reactor.settle();
});

type Options = Parameters<typeof SSHCommandClientEndpoint.newConnection>[4];

function endpoint(options: Options = {}, command = "run it"): SSHCommandClientEndpoint {
  return SSHCommandClientEndpoint.newConnection(reactor, command, "alice", "localhost", {
    password: "secret",
    knownHosts,
    ui: UI,
    ...options,
  });
}

/** Lets everything happen that is under way, until this is so. */
async function until(so: () => unknown): Promise<void> {
  for (let turn = 0; turn < 500 && !so(); turn++) await reactor.settle();
  expect(Boolean(so())).toBe(true);
}

/** What comes of connecting. */
async function outcome(connecting: ReturnType<SSHCommandClientEndpoint["connect"]>): Promise<unknown> {
  let result: unknown;
  connecting.addBoth((value: unknown) => (result = value));
  await until(() => result !== undefined);
  return (result as Partial<Failure>).value ?? result;
}

class Client extends AccumulatingProtocol {
  readonly errors: string[] = [];
  errReceived(data: Buffer): void {
    this.errors.push(data.toString());
  }
}

const clients = Factory.forProtocol(Client);

async function running(options?: Options, command?: string): Promise<Client> {
  return (await outcome(endpoint(options, command).connect(clients))) as Client;
}

/** How a connection was ended, by whoever did. */
function disconnectionOf(transport: object | null): unknown {
  return (transport as { disconnection?: unknown } | null)?.disconnection;
}

const clientGone = (): boolean => disconnectionOf(server.transport) !== null;

describe("a command on a connection of its own", () => {
  test("runs, is written to, and is read from; its protocol knows where it is", async () => {
    let address: unknown = null;
    const commands: string[] = [];
    Session.answer = (_session, command) => commands.push(command) > 0;
    const factory: IProtocolFactory = Object.assign(Factory.forProtocol(Client), {
      buildProtocol: (addr: unknown) => {
        address = addr;
        return new Client();
      },
    });
    const client = (await outcome(endpoint().connect(factory))) as Client;
    expect(commands).toEqual(["run it"]);
    expect(address).toBeInstanceOf(SSHCommandAddress);
    const { server: peer, username, command } = address as SSHCommandAddress;
    expect([String(peer), username, command]).toEqual([
      "SSHTransportAddress(IPv4Address(type=TCP, host=127.0.0.1, port=22))",
      "alice",
      "run it",
    ]);
    client.transport!.write("in");
    client.transport!.writeSequence(["pu", "t"]);
    const session = Session.last!;
    session.write("output");
    session.writeExtended(1, "errors");
    await reactor.settle();
    expect(session.got.join("")).toBe("input");
    expect([client.data.toString(), client.errors]).toEqual(["output", ["errors"]]);
    expect(String(client.transport!.getPeer())).toBe(String(peer));
  });

  test("the end of its input is told, and its output goes on", async () => {
    const client = await running();
    (client.transport as unknown as { loseWriteConnection(): void }).loseWriteConnection();
    await reactor.settle();
    Session.last!.write("still");
    await reactor.settle();
    expect([Session.last!.got, client.data.toString()]).toEqual([["EOF"], "still"]);
  });

  test("who wants to hear of the end of the output does", async () => {
    const client = await running();
    const events: string[] = [];
    directlyProvides(Object.assign(client, { readConnectionLost: () => events.push("end") }), IHalfCloseableProtocol);
    Session.last!.conn!.sendEOF(Session.last!);
    await reactor.settle();
    expect([events, client.closedReason]).toEqual([["end"], null]);
  });

  const ended: [string, (session: Session) => void, (reason: unknown) => void][] = [
    ["nothing", () => undefined, (reason) => expect(reason).toBeInstanceOf(ConnectionDone)],
    [
      "status 0",
      (session) => session.conn!.sendRequest(session, "exit-status", ExitStatus.encode({ status: 0 })),
      (reason) => expect(reason).toBeInstanceOf(ConnectionDone),
    ],
    [
      "status 7",
      (session) => session.conn!.sendRequest(session, "exit-status", ExitStatus.encode({ status: 7 })),
      (reason) => expect(reason).toMatchObject({ name: "ProcessTerminated", exitCode: 7, signal: null }),
    ],
    ...["TERM", "__proto__"].map((signal): (typeof ended)[number] => [
      `signal ${signal}`,
      (session) => {
        const body = ExitSignal.encode({ signal, coreDumped: false, message: "why", language: "en" });
        session.conn!.sendRequest(session, "exit-signal", body);
      },
      (reason) => {
        expect(reason).toBeInstanceOf(ProcessTerminated);
        expect(reason).toMatchObject({ exitCode: null, signal: signal === "TERM" ? constants.signals.SIGTERM : -1 });
      },
    ]),
  ];
  test.each(ended)("that ends with %s tells its protocol so, and then the connection ends", async (_, end, check) => {
    const client = await running();
    end(Session.last!);
    Session.last!.loseConnection();
    await until(() => client.closedReason);
    check(client.closedReason!.value);
    await until(clientGone);
  });

  test("how a signal ended it is logged for programs", async () => {
    const events: LogEvent[] = [];
    const observer = (event: LogEvent): void => void events.push(event);
    globalLogPublisher.addObserver(observer);
    const client = await running();
    const body = ExitSignal.encode({ signal: "ABRT", coreDumped: true, message: "gone", language: "en" });
    Session.last!.conn!.sendRequest(Session.last!, "exit-signal", body);
    Session.last!.loseConnection();
    await until(() => client.closedReason);
    globalLogPublisher.removeObserver(observer);
    expect(events.filter((event) => "shortSignalName" in event)).toMatchObject([
      { shortSignalName: "ABRT", coreDumped: true, errorMessage: "gone", languageTag: "en" },
    ]);
  });

  test("its protocol closes it, and with it the connection", async () => {
    const client = await running();
    client.transport!.loseConnection();
    await until(() => client.closedReason);
    expect(client.closedReason!.value).toBeInstanceOf(ConnectionDone);
    expect(Session.last!.got).toEqual(["closed"]);
    await until(clientGone);
  });

  test("when the network goes, its protocol is told once, and not that the command has ended", async () => {
    const client = await running();
    (server.transport!.transport as unknown as { abortConnection(): void }).abortConnection();
    await until(() => client.closedReason);
    expect(client.closedReason!.value).toBeInstanceOf(ConnectionLost);
  });

  test("what the server has told of its end counts also when the network goes then", async () => {
    const client = await running();
    Session.last!.conn!.sendRequest(Session.last!, "exit-status", ExitStatus.encode({ status: 0 }));
    await reactor.settle();
    (server.transport!.transport as unknown as { abortConnection(): void }).abortConnection();
    await until(() => client.closedReason);
    expect(client.closedReason!.value).toBeInstanceOf(ConnectionDone);
  });
});

describe("what keeps it from running", () => {
  test("nobody listens", async () => {
    expect(await outcome(endpoint({ port: 2222 }).connect(clients))).toBeInstanceOf(ConnectionRefusedError);
  });

  test("the wait for the network is cancelled", async () => {
    reactor.hosts.set("nobody.test", ["192.0.2.9"]);
    const connecting = SSHCommandClientEndpoint.newConnection(reactor, "x", "alice", "nobody.test", {
      knownHosts,
      ui: UI,
    });
    const waiting = connecting.connect(clients);
    await reactor.settle();
    waiting.cancel();
    expect(await outcome(waiting)).toBeInstanceOf(ConnectingCancelledError);
  });

  test("the server goes before it has shown who it is", async () => {
    const factory = Factory.forProtocol(
      class extends Protocol {
        override dataReceived(): void {
          this.transport!.loseConnection();
        }
      },
    );
    reactor.listenTCP(2200, factory);
    expect(await outcome(endpoint({ port: 2200 }).connect(clients))).toBeInstanceOf(ConnectionDone);
  });

  test("no algorithm is common", async () => {
    server.buildProtocol = (addr) => {
      const transport = SSHFactory.prototype.buildProtocol.call(server, addr) as SSHServerTransport;
      transport.supportedKeyExchanges = ["diffie-hellman-group14-sha256"];
      return transport;
    };
    expect(await outcome(endpoint().connect(clients))).toMatchObject({ name: "ConchError", data: 3 });
  });

  test("cancelled during the key exchange, the connection is dropped", async () => {
    reactor.listenTCP(2200, Factory.forProtocol(Client));
    const waiting = endpoint({ port: 2200 }).connect(clients);
    await reactor.settle();
    waiting.cancel();
    expect(await outcome(waiting)).toBeInstanceOf(CancelledError);
    await reactor.settle();
    expect([...reactor.openTransports].length).toBe(2); // those that listen
  });

  test.each([
    ["a changed key, whatever the user says", { [HOST_KEY.sshType()]: OTHER_KEY }, true, HostKeyChanged],
    ["an unknown key, and the user says no", {}, false, UserRejectedKey],
  ])("%s", async (_, keys, answer, error) => {
    const file = new KnownHostsFile(join(tmpdir(), "never-written"));
    for (const key of Object.values(keys)) file.addHostKey("localhost", key.public());
    const refused = endpoint({ knownHosts: file, ui: { prompt: () => answer, warn: () => undefined } });
    expect(await outcome(refused.connect(clients))).toBeInstanceOf(error);
    await until(clientGone);
    expect(disconnectionOf(server.transport)).toMatchObject({ initiator: "client", code: 9 });
  });

  test("a question that fails is the outcome", async () => {
    const error = new Error("nobody there");
    const known: KnownHosts = {
      verifyHostKey: () => {
        throw error;
      },
    };
    expect(await outcome(endpoint({ knownHosts: known }).connect(clients))).toBe(error);
  });

  test.each([
    ["nothing to show", { password: null }],
    ["a wrong password", { password: "wrong" }],
    ["a wrong key", { password: null, keys: [OTHER_KEY] }],
  ])("login with %s fails", async (_, options) => {
    const failed = (await outcome(endpoint(options).connect(clients))) as Error;
    expect(failed).toBeInstanceOf(AuthenticationFailed);
    expect(failed.message).toBe("Connection lost while authenticating");
    expect(failed.cause).toMatchObject({ data: 14 });
    await until(clientGone);
  });

  test("the server has no sessions", async () => {
    portal.realm = { requestAvatar: () => [IConchUser, new ConchUser(), () => undefined] };
    expect(await outcome(endpoint().connect(clients))).toMatchObject({
      name: "ConchError",
      value: "unknown channel",
      data: 3,
    });
    await until(clientGone);
  });

  test("the command is refused", async () => {
    Session.answer = () => false;
    const refused = await outcome(endpoint().connect(clients));
    expect(refused).toBeInstanceOf(ConchError);
    expect(refused).toMatchObject({ value: "channel request failed" });
    await until(clientGone);
  });

  test("cancelled while the command waits for its answer, all is dropped", async () => {
    Session.answer = () => new Promise(() => undefined);
    const waiting = endpoint().connect(clients);
    await until(() => Session.last);
    waiting.cancel();
    expect(await outcome(waiting)).toBeInstanceOf(CancelledError);
    await until(() => Session.last!.got.includes("closed"));
  });

  test("the connection is lost while the command waits for its answer", async () => {
    Session.answer = () => {
      (server.transport!.transport as unknown as { abortConnection(): void }).abortConnection();
      return new Promise(() => undefined);
    };
    expect(await outcome(endpoint().connect(clients))).toMatchObject({ name: "ConchError", value: "Channel closed." });
  });

  test.each([
    ["makes none", () => null, NoProtocol],
    [
      "throws",
      () => {
        throw new RangeError("out of protocols");
      },
      RangeError,
    ],
  ])("a factory of protocols that %s", async (_, buildProtocol, error) => {
    const factory = Object.assign(Factory.forProtocol(Client), { buildProtocol });
    expect(await outcome(endpoint().connect(factory))).toBeInstanceOf(error);
    await until(clientGone);
  });
});

test("a host is believed by its certificate, where an authority is", async () => {
  const authority = Key.generate("ed25519");
  const validBefore = Math.floor(Date.now() / 1000) + 600;
  const request = {
    kind: "host",
    keyId: "host",
    principals: ["localhost"],
    validBefore,
    key: HOST_KEY.public(),
  } as const;
  server.hostCertificates = [await Certificate.issue(authority, request)];
  const folder = mkdtempSync(join(tmpdir(), "endpoints-"));
  const path = join(folder, "known_hosts");
  writeFileSync(path, `@cert-authority localhost ${authority.public().toString("openssh").toString()}`);
  expect(await running({ knownHosts: KnownHostsFile.fromPath(path) })).toBeInstanceOf(Client);
  expect(await running({ knownHosts: path })).toBeInstanceOf(Client);
  rmSync(folder, { recursive: true });
});

describe("login", () => {
  test("with keys, each in its turn", async () => {
    expect(await running({ password: null, keys: [OTHER_KEY, USER_KEY] })).toBeInstanceOf(Client);
  });

  test("with the password, when the keys are refused", async () => {
    expect(await running({ keys: [OTHER_KEY] })).toBeInstanceOf(Client);
  });

  test.each([
    ["by keyboard-interactive alone", "secret", true],
    ["a wrong one by keyboard-interactive, once", "wrong", false],
  ])("with the password %s", async (_, password, succeeds) => {
    let asked = 0;
    server.portal = new Portal(portal.realm, [
      {
        credentialInterfaces: [IKeyboardInteractive],
        requestAvatarId: async (credentials) => {
          asked += 1;
          const asking = credentials as IKeyboardInteractive;
          const [answer] = await asking.ask(["Password: "]);
          if (answer !== "secret") throw new UnauthorizedLogin("no");
          return asking.username;
        },
      },
    ]);
    const result = await outcome(endpoint({ password }).connect(clients));
    expect(result).toBeInstanceOf(succeeds ? Client : AuthenticationFailed);
    expect(asked).toBe(succeeds ? 1 : 2); // the second time it has no answer
  });

  /** An agent on a socket in memory. */
  function agent(keys: readonly Key[]): IStreamClientEndpoint {
    const held = new Map(keys.map((key) => [key.blob().toString("base64"), [key, "a comment"] as const]));
    const factory = Object.assign(Factory.forProtocol(SSHAgentServer), { keys: held });
    reactor.listenUNIX("/agent", factory);
    return new UNIXClientEndpoint(reactor, "/agent");
  }

  test("with the agent's keys before the others; the agent is left at the end", async () => {
    const client = await running({ password: null, keys: [OTHER_KEY], agentEndpoint: agent([OTHER_KEY, USER_KEY]) });
    client.transport!.loseConnection();
    await until(() => client.closedReason);
    await until(() => reactor.openTransports.size === 2); // those that listen
  });

  test("with keys that the agent has not", async () => {
    expect(await running({ password: null, keys: [USER_KEY], agentEndpoint: agent([OTHER_KEY]) })).toBeInstanceOf(
      Client,
    );
  });

  test("without the agent, when it is not there", async () => {
    const agentEndpoint = new UNIXClientEndpoint(reactor, "/nobody");
    expect(await running({ agentEndpoint })).toBeInstanceOf(Client);
  });
});

describe("a command on a connection that there is", () => {
  const connectionOf = (client: Client): SSHConnection => (client.transport as unknown as SSHChannel).conn!;

  test("runs beside the first, under its own name, and leaves the connection alone", async () => {
    const first = await running();
    const connection = connectionOf(first);
    const addresses: unknown[] = [];
    const factory = Object.assign(Factory.forProtocol(Client), {
      buildProtocol: (address: unknown) => {
        addresses.push(address);
        return new Client();
      },
    });
    const second = SSHCommandClientEndpoint.existingConnection(connection, "another");
    const client = (await outcome(second.connect(factory))) as Client;
    expect(addresses).toMatchObject([{ username: "alice", command: "another" }]);
    client.transport!.loseConnection();
    await until(() => client.closedReason);
    expect([first.closedReason, disconnectionOf(connection.transport)]).toEqual([null, null]);
    expect(await outcome(second.connect(clients))).toBeInstanceOf(Client);
  });

  test("that is refused closes its channel, and nothing else", async () => {
    const first = await running();
    const connection = connectionOf(first);
    Session.answer = () => false;
    const refused = SSHCommandClientEndpoint.existingConnection(connection, "another");
    expect(await outcome(refused.connect(clients))).toBeInstanceOf(ConchError);
    await until(() => connection.channels.size === 1);
    expect(first.closedReason).toBe(null);
  });

  test("that is cancelled closes its channel, and nothing else", async () => {
    const first = await running();
    const connection = connectionOf(first);
    Session.answer = () => new Promise(() => undefined);
    const waiting = SSHCommandClientEndpoint.existingConnection(connection, "another").connect(clients);
    await reactor.settle();
    waiting.cancel();
    expect(await outcome(waiting)).toBeInstanceOf(CancelledError);
    expect([first.closedReason, disconnectionOf(connection.transport)]).toEqual([null, null]);
  });
});
