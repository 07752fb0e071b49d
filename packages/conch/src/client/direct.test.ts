/** Clients and a whole server, both on one reactor in memory. */
import { CancelledError, Deferred } from "@strombus/reactor/defer";
import { TCP4ClientEndpoint } from "@strombus/reactor/endpoints";
import { ConnectionLost, ConnectionRefusedError } from "@strombus/reactor/error";
import type { Failure } from "@strombus/reactor/failure";
import type { IReactorTime, ITCPTransport } from "@strombus/reactor/interfaces";
import { Factory, Protocol, ReconnectingClientFactory } from "@strombus/reactor/protocol";
import { SimulatedReactor } from "@strombus/reactor/testing";
import { InMemoryUsernamePasswordDatabaseDontUse } from "@strombus/cred/checkers";
import { Portal } from "@strombus/cred/portal";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SSHAgentServer } from "../agent/server.js";
import { ConchUser } from "../avatar.js";
import { InMemorySSHKeyDB, SSHPublicKeyChecker } from "../checkers.js";
import { HostKeyChanged } from "../error.js";
import { IConchUser } from "../interfaces.js";
import { SSHConnection } from "../ssh/connection.js";
import { SSHFactory } from "../ssh/factory.js";
import { Key } from "../ssh/keys.js";
import type { SSHServerTransport } from "../ssh/transport.js";
import { SSHUserAuthServer } from "../ssh/userauth.js";
import { connect, connectTypes } from "./connect.js";
import { SSHUserAuthClient } from "./default.js";
import { type HostKeyVerifier, SSHClientTransport } from "./direct.js";
import { ConchOptions } from "./options.js";

const HOST_KEY = Key.generate("ed25519");
const USER_KEY = Key.generate("ed25519");

class Login extends SSHUserAuthServer {
  override passwordDelay = 0;
  override clock = reactor as IReactorTime;
}

/** Keeps its connections. */
class Server extends SSHFactory {
  readonly transports: SSHServerTransport[] = [];

  override buildProtocol(addr: Parameters<SSHFactory["buildProtocol"]>[0]): ReturnType<SSHFactory["buildProtocol"]> {
    const transport = super.buildProtocol(addr) as SSHServerTransport;
    transport.clock = reactor;
    this.transports.push(transport);
    return transport;
  }
}

let reactor: SimulatedReactor;
let server: Server;
let options: ConchOptions;
let connection: SSHConnection;
let seen: { transport: SSHClientTransport; host: string; blob: Buffer }[];
beforeEach(() => {
  vi.stubEnv("SSH_AUTH_SOCK", "");
  reactor = new SimulatedReactor();
  server = new Server();
  server.portal = new Portal({ requestAvatar: () => [IConchUser, new ConchUser(), () => undefined] });
  const keys = new Map([["alice", [USER_KEY.public()]]]);
  server.portal.registerChecker(new InMemoryUsernamePasswordDatabaseDontUse({ alice: "secret" }));
  server.portal.registerChecker(new SSHPublicKeyChecker(new InMemorySSHKeyDB(keys)));
  server.privateKeys = { "ssh-ed25519": HOST_KEY };
  server.publicKeys = { "ssh-ed25519": HOST_KEY.public() };
  server.services["ssh-userauth"] = Login;
  reactor.listenTCP(22, server);
  options = new ConchOptions();
  options.identitys = ["/nowhere"];
  seen = [];
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const transport of [...reactor.openTransports]) {
    if ("abortConnection" in transport) (transport as unknown as ITCPTransport).abortConnection();
  }
  await reactor.settle();
});

const accept: HostKeyVerifier = (transport, host, blob) => seen.push({ transport, host, blob }) > 0;

interface Given {
  readonly port?: number;
  readonly verify?: HostKeyVerifier;
  readonly password?: string | Error;
}

function connecting({ port = 22, verify = accept, password = "secret" }: Given = {}) {
  return connect("localhost", port, options, verify, loginOf(password), reactor);
}

function loginOf(password: string | Error): SSHUserAuthClient {
  connection = new SSHConnection();
  const ask = () => {
    if (password instanceof Error) throw password;
    return password;
  };
  const questions = { ask, tell: () => undefined, close: () => undefined };
  return new SSHUserAuthClient("alice", options, connection, { reactor, questions });
}

/** Lets everything happen that is under way, until this is so. */
async function until(so: () => unknown): Promise<void> {
  for (let turn = 0; turn < 500 && !so(); turn++) await reactor.settle();
  expect(Boolean(so())).toBe(true);
}

async function outcome(d: ReturnType<typeof connecting>): Promise<unknown> {
  let result: unknown;
  d.addBoth((value: unknown) => (result = value));
  await until(() => result !== undefined);
  return (result as Partial<Failure> | null)?.value ?? result;
}

/** How the server's connection was ended, by whoever did. */
const disconnection = (): unknown => (server.transports[0] as unknown as { disconnection: unknown }).disconnection;

describe("a connection", () => {
  test("is there when the user has logged in, not before", async () => {
    expect(await outcome(connecting())).toBeNull();
    expect(connection.transport).toBe(seen[0]!.transport);
    expect(connection.transport!.service).toBe(connection);
    expect([seen[0]!.host, seen[0]!.blob]).toEqual(["127.0.0.1", HOST_KEY.public().blob()]);
  });

  test("is as the options say", async () => {
    options.set("ciphers", ["aes256-ctr"]);
    options.set("macs", ["hmac-sha2-512-etm@openssh.com"]);
    options.set("host-key-algorithms", ["ssh-ed25519"]);
    options.set("compress", 1);
    expect(await outcome(connecting())).toBeNull();
    const { transport } = seen[0]!;
    expect([transport.supportedCiphers, transport.supportedMACs, transport.supportedPublicKeys]).toEqual([
      ["aes256-ctr"],
      ["hmac-sha2-512-etm@openssh.com"],
      ["ssh-ed25519"],
    ]);
    expect(transport.supportedCompressions).toEqual(["zlib@openssh.com", "zlib", "none"]);
    options.set("compress", 0);
    expect(await outcome(connecting())).toBeNull();
    expect(seen[1]!.transport.supportedCompressions).toEqual(["none"]);
  });

  test("takes the agent's keys, and leaves it with the login", async () => {
    const held = new Map([[USER_KEY.blob().toString("base64"), [USER_KEY, "a comment"] as const]]);
    reactor.listenUNIX("/agent", Object.assign(Factory.forProtocol(SSHAgentServer), { keys: held }));
    vi.stubEnv("SSH_AUTH_SOCK", "/agent");
    expect(await outcome(connecting({ password: new Error("nobody") }))).toBeNull();
    await until(() => reactor.openTransports.size === 4); // two that listen, and both ends of this connection
  });

  test("ends what listened for it, even where that fails", async () => {
    await outcome(connecting());
    const { transport } = seen[0]!;
    const stopListening = vi.fn(() => Promise.reject(new Error("still busy")));
    transport.unixServer = { stopListening };
    transport.loseConnection();
    await until(() => stopListening.mock.calls.length);
    expect(transport.unixServer).toBeNull();
  });

  test.each([
    [1, 2],
    [0, 1],
  ])("with reconnect %i is made %i times when it is lost", async (reconnect, times) => {
    options.set("reconnect", reconnect);
    await outcome(connecting());
    (server.transports[0]!.transport as unknown as ITCPTransport).abortConnection();
    for (let turn = 0; turn < 100; turn++) await reactor.settle();
    expect(server.transports).toHaveLength(times);
    expect(connection.transport?.service === connection).toBe(reconnect === 1);
  });

  test("may be of a factory of the program's own, which has what the transport needs", async () => {
    const login = loginOf("secret");
    const d = new Deferred<null>();
    class Keeping extends ReconnectingClientFactory {
      override clock = reactor as IReactorTime;
      readonly d = d;
      readonly options = options;
      readonly userAuthObject = login;
      readonly verifyHostKey: HostKeyVerifier = accept;

      override buildProtocol(): SSHClientTransport {
        return Object.assign(new SSHClientTransport(this), { clock: reactor });
      }
    }
    reactor.connectTCP("localhost", 22, new Keeping());
    expect(await outcome(d)).toBeNull();
    (server.transports[0]!.transport as unknown as ITCPTransport).abortConnection();
    await until(() => connection.transport?.service !== connection);
    await reactor.settle();
    reactor.advance(60);
    await until(() => server.transports.length === 2 && connection.transport?.service === connection);
    expect(seen).toHaveLength(2);
  });

  test("shows what the server wants shown, without its control characters", async () => {
    await outcome(connecting());
    const write = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    server.transports[0]!.sendDebug("hidden", false);
    server.transports[0]!.sendDebug("sh\x1bown", true);
    for (let turn = 0; turn < 20; turn++) await reactor.settle();
    const written = write.mock.calls.map(([text]) => text);
    write.mockRestore();
    expect(written).toEqual(["Remote Debug Message: sh\\x1bown\n"]);
  });
});

describe("none comes of it when", () => {
  test("nobody listens", async () => {
    expect(await outcome(connecting({ port: 2222 }))).toBeInstanceOf(ConnectionRefusedError);
  });

  test("the host is another: the outcome is what verifying said", async () => {
    const changed = new HostKeyChanged(null, "known", 1);
    const verify = () => Promise.reject(changed);
    expect(await outcome(connecting({ verify }))).toBe(changed);
    await until(disconnection);
    expect(disconnection()).toMatchObject({ initiator: "client", code: 9 });
  });

  test("verifying says no", async () => {
    expect(await outcome(connecting({ verify: () => false }))).toMatchObject({ name: "ConchError", data: 9 });
  });

  test("the server does not let the user in", async () => {
    expect(await outcome(connecting({ password: new Error("nobody") }))).toMatchObject({
      name: "ConchError",
      data: 14,
    });
    await until(disconnection);
    expect(disconnection()).toMatchObject({ initiator: "client", code: 14 });
  });

  test("the login has failed, whatever the option says: nobody connects again", async () => {
    options.set("reconnect", 1);
    await outcome(connecting({ password: new Error("nobody") }));
    for (let turn = 0; turn < 100; turn++) await reactor.settle();
    expect(server.transports).toHaveLength(1);
  });

  test("the server disconnects", async () => {
    const d = connecting({
      verify: () => {
        server.transports[0]!.sendDisconnect(11, "closed on Mondays");
        return true;
      },
    });
    expect(await outcome(d)).toMatchObject({ name: "ConchError", value: "closed on Mondays", data: 11 });
  });

  test("verifying fails for a factory of the program's own, which has no more than its Deferred", async () => {
    const changed = new HostKeyChanged(null, "known", 1);
    const d = new Deferred<null>();
    const parts = { d, options, userAuthObject: loginOf("secret"), verifyHostKey: () => Promise.reject(changed) };
    const factory = Object.assign(Factory.forProtocol(Protocol), parts, {
      buildProtocol: () => Object.assign(new SSHClientTransport(factory), { clock: reactor }),
    });
    void new TCP4ClientEndpoint(reactor, "localhost", 22).connect(factory);
    expect(await outcome(d)).toBe(changed);
    await until(disconnection);
  });

  test("the network goes", async () => {
    const verify = () => {
      (server.transports[0]!.transport as unknown as ITCPTransport).abortConnection();
      return true;
    };
    expect(await outcome(connecting({ verify }))).toBeInstanceOf(ConnectionLost);
  });

  test("the wait is cancelled: the connection goes", async () => {
    reactor.listenTCP(2200, Factory.forProtocol(Protocol));
    const d = connecting({ port: 2200 });
    await reactor.settle();
    d.cancel();
    expect(await outcome(d)).toBeInstanceOf(CancelledError);
    await until(() => reactor.openTransports.size === 2); // those that listen
  });

  test("no way leads there: the last failure counts", async () => {
    const direct = connectTypes.get("direct")!;
    const failures = [new Error("first"), new Error("last")];
    try {
      for (const [at, failure] of failures.entries()) {
        connectTypes.set(at === 0 ? "direct" : "other", (...args) =>
          direct(...args).addCallback(() => Promise.reject(failure) as never),
        );
      }
      expect(await outcome(connecting())).toBe(failures[1]);
      expect(server.transports).toHaveLength(2);
    } finally {
      connectTypes.set("direct", direct);
      connectTypes.delete("other");
    }
  });
});
