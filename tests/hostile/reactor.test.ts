/** What a peer can do to the process that serves it, and to others there (rules R1 to R12). */
import { connect as connectSocket, Server as NetServer, type Socket } from "node:net";
import { once } from "node:events";
import { constants } from "node:os";
import { ConchUser } from "@strombus/conch/avatar";
import { IConchUser } from "@strombus/conch/interfaces";
import { SSHConnection } from "@strombus/conch/ssh/connection";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { SSHUserAuthServer } from "@strombus/conch/ssh/userauth";
import { ClientSession, sessionProgram } from "@strombus/conch/streams";
import { InMemoryUsernamePasswordDatabaseDontUse } from "@strombus/cred/checkers";
import { IUsernamePassword } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import type { IAddress, ISystemHandle, ITransport } from "@strombus/reactor/interfaces";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import {
  type Client,
  fields,
  hostKey,
  lenient,
  loggedIn,
  loggingIn,
  pair,
  type Pair,
  Recorder,
  secured,
  type Server,
} from "../support/memory-ssh.js";
import { logIn, logOut } from "../support/login.js";
import { serve } from "../support/server.js";

const ROLES = [
  ["server", "client"],
  ["client", "server"],
] as const;

const escaped: unknown[] = [];
const escape = (error: unknown): void => void escaped.push(error);
beforeEach(() => {
  escaped.length = 0;
  process.on("uncaughtException", escape);
  process.on("unhandledRejection", escape);
});
afterEach(async () => {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  process.off("uncaughtException", escape);
  process.off("unhandledRejection", escape);
  expect(escaped).toEqual([]);
});

const mistake = (): never => {
  throw new Error("a mistake of the application");
};
const rejected = async () => Promise.reject(new Error("a mistake of the application"));

/** What a host key has beside `sign`. */
const signer = { supportedSignatureAlgorithms: () => ["ssh-ed25519"] };

/** A server that checks passwords, in memory; `checked` are those that reached its checker. */
async function withLogins(check: (password: string) => unknown = () => "user", secondsBefore = 0) {
  const checked: string[] = [];
  const checker = {
    credentialInterfaces: [IUsernamePassword],
    requestAvatarId: (credentials: { password: Buffer | string }) => {
      checked.push(String(credentials.password));
      return check(String(credentials.password)) as never;
    },
  };
  const made = await secured((_client, server, factory) => {
    class UserAuth extends SSHUserAuthServer {
      override clock = server.clock;
    }
    factory.services = { "ssh-userauth": UserAuth, "ssh-connection": SSHConnection };
    factory.portal = new Portal({ requestAvatar: () => [IConchUser, new ConchUser(), () => {}] as const });
    factory.portal.registerChecker(checker, IUsernamePassword);
  });
  made.clock.advance(secondsBefore);
  made.client.requestService(new Recorder("ssh-userauth"));
  await made.settle();
  const guess = async (password: string | Buffer, method = "password") => {
    made.client.force(50, fields("user", "ssh-connection", method, false, password));
    await made.settle();
    made.clock.advance(0.25);
    await made.settle();
  };
  const answers = () => (made.client.service as unknown as Recorder).got.map(([number]) => number);
  return { ...made, checked, guess, answers };
}

describe("a mistake of the application", () => {
  for (const [what, fails] of [
    ["throws", mistake],
    ["rejects", rejected],
  ] as const) {
    test(`R1: that ${what} where a message arrives ends that connection, and no neighbour's`, async () => {
      for (const [victim, attacker] of ROLES) {
        const [made, neighbour] = [await loggedIn(), await loggedIn()];
        made[victim].service!.packetReceived = fails;
        made[attacker].force(94, fields(0, "x"));
        await made.settle();
        expect([made[victim].said, made[attacker].ended]).toEqual([[11], [[11, "internal error"]]]);
        neighbour[attacker].force(94, fields(0, "x"));
        await neighbour.settle();
        expect([...neighbour.there.got, ...neighbour.here.got]).toHaveLength(1);
      }
    });
  }

  test("R1: CVE-2022-27191: a host key that fails at what was negotiated costs one connection", async () => {
    const { client } = await secured((_client, _server, factory) => {
      factory.privateKeys = { "ssh-ed25519": { ...signer, sign: mistake } };
    });
    expect(client.ended).toEqual([[11, "internal error"]]);
  });

  test("R1: CVE-2020-29652: a login by a method that nobody registered is a failure", async () => {
    for (const method of ["gssapi-with-mic", "hostbased", "none", "constructor", "__proto__", "", "\0"]) {
      const made = await withLogins();
      made.client.force(50, fields("user", "ssh-connection", method));
      await made.settle();
      made.clock.advance(0.25);
      await made.settle();
      expect([method, made.answers(), made.server.avatar]).toEqual([method, [51], undefined]);
    }
  });

  test("R2: in a promise that settles when the connection is long gone is nobody's fault", async () => {
    let fail: (error: Error) => void = () => {};
    const late = () => new Promise<never>((_resolve, reject) => (fail = reject));
    const made = await secured((_client, _server, factory) => {
      factory.privateKeys = { "ssh-ed25519": { ...signer, sign: late } };
    });
    made.clientIO.abortConnection();
    await made.settle();
    fail(new Error("too late"));
    await made.settle();
    const login = await withLogins(late);
    await login.guess("password");
    login.clientIO.abortConnection();
    await login.settle();
    fail(new Error("too late"));
    await login.settle();
    expect(login.checked).toEqual(["password"]);
  });
});

const ignored = (side: Client | Server) => side.force(2, fields("still here"));

describe("a deadline", () => {
  /** The victim sees something each second, until it ends the connection. @returns the second at which it did */
  const patience = async (made: Pair, victim: "server" | "client", each: (second: number) => void) => {
    for (let second = 1; second <= 200; second++) {
      each(second);
      await made.settle();
      made.clock.advance(1);
      if (made[victim].said.length > 0) return second;
    }
    return null;
  };

  test("R3: of the version line is 10 s, byte by byte", async () => {
    for (const [victim] of ROLES) {
      const made = pair();
      made[`${victim === "server" ? "client" : "server"}IO`].getOutBuffer();
      made[victim === "server" ? "client" : "server"].dataReceived = () => {};
      const line = Buffer.from("SSH-2.0-slow_but_steady");
      const end = await patience(made, victim, (second) =>
        made[victim].dataReceived(Buffer.from(line.subarray(second - 1, second))),
      );
      expect([victim, end, made[victim].said]).toEqual([victim, 10, [11]]);
    }
  });

  test("R3: of the first exchange is 30 s, whatever is said meanwhile", async () => {
    for (const [victim, attacker] of ROLES) {
      const made = pair((client, server, factory) => {
        lenient(victim === "server" ? client : server); // who may say something in between
        if (victim === "server") client.rewrite((number, body) => (number === 30 ? [] : [[number, body]]));
        else factory.privateKeys = { "ssh-ed25519": { ...signer, sign: () => new Promise(() => {}) } };
      });
      await made.settle();
      made[attacker].dataReceived = () => {};
      const end = await patience(made, victim, () => ignored(made[attacker]));
      expect([victim, end, made[victim].said]).toEqual([victim, 30, [11]]);
    }
  });

  test("R3: of the first exchange counts from the accept, not from the version line", async () => {
    for (const [victim, attacker] of ROLES) {
      const made = pair((client, server) => {
        (victim === "server" ? client : server).identificationTimeout = 1000; // it is patient itself
      });
      const said = made[`${attacker}IO`].getOutBuffer();
      made[attacker].dataReceived = () => {};
      made.clock.advance(9);
      made[victim].dataReceived(Buffer.from(said.subarray(0, said.indexOf("\n") + 1)));
      expect([victim, await patience(made, victim, () => {})]).toEqual([victim, 21]);
    }
  });

  test("R3: of the login is 120 s from the accept, whatever service is asked for again and again", async () => {
    const idle = await secured();
    expect(await patience(idle, "server", () => idle.client.sendIgnore("still here"))).toBe(120);
    const asking = await withLogins();
    asking.client.dataReceived = () => {};
    expect(await patience(asking, "server", () => asking.client.force(5, fields("ssh-userauth")))).toBe(120);
    // Whoever comes late has less of it.
    const late = await withLogins(undefined, 100);
    expect(await patience(late, "server", () => {})).toBe(20);
  });

  test("R4: CVE-2024-6387: takes the ordinary path in every phase, and leaves nothing that could run", async () => {
    const phases: (() => Promise<Pair>)[] = [
      () => {
        const made = pair();
        made.clientIO.getOutBuffer(); // its version line is lost
        return Promise.resolve(made);
      },
      async () => secured((client) => client.rewrite((number, body) => (number === 30 ? [] : [[number, body]]))),
      async () => secured((client) => client.rewrite((number, body) => (number === 21 ? [] : [[number, body]]))),
      async () => secured(),
      async () => withLogins(),
      async () => withLogins(() => new Promise(() => {})).then(async (made) => (await made.guess("password"), made)),
    ];
    for (const phase of phases) {
      const made = await phase();
      for (let second = 0; second < 130; second++) {
        made.clock.advance(1);
        await made.settle();
      }
      expect(made.server.said).toHaveLength(1);
      expect(made.serverIO.disconnected).toBe(true);
      expect(made.clock.getDelayedCalls().filter((call) => call.active() && call.getTime() < 1e6)).toEqual([]);
    }
  });
});

describe("a peer that does not read", () => {
  test("R7: CVE-2025-26466: pings pile up nothing: before login and in an exchange they close, after it reading stops", async () => {
    const early = await loggingIn();
    early.client.force(192, fields("ping"));
    await early.settle();
    expect(early.server.said).toEqual([2]);

    for (const [victim, attacker] of ROLES) {
      const made = await loggedIn();
      let paused = 0;
      made[`${victim}IO`].pauseProducing = () => paused++;
      let sent = 0;
      for (; paused === 0 && sent < 10_000; sent++) {
        made[attacker].force(192, fields(Buffer.alloc(1000)));
        made[`${victim}IO`].bufferReceived(made[`${attacker}IO`].getOutBuffer());
      }
      expect(sent).toBeLessThan(2000); // about 1 MiB, and what the connection below holds
      expect(made[victim].said).toEqual([]);
    }
  });

  test("R7: and takes nothing for 60 s is given up, without a word", async () => {
    for (const [victim] of ROLES) {
      const made = await loggedIn();
      made[victim].pauseProducing();
      made.clock.advance(59.9);
      expect(made[`${victim}IO`].disconnecting).toBe(false);
      made.clock.advance(0.2);
      expect(made[`${victim}IO`].disconnecting || made[`${victim}IO`].disconnected).toBe(true);
    }
  });
});

test("R8: the end tells so once, however often it comes, and leaves no timer, service or avatar", async () => {
  for (const [victim] of ROLES) {
    for (const how of ["peer", "ours", "abort", "all"] as const) {
      const made = await loggedIn();
      const service = victim === "server" ? made.there : made.here;
      let [logouts, losses] = [0, 0];
      made[victim].avatar = {};
      made[victim].logoutFunction = () => logouts++;
      const lost = made[victim].connectionLost.bind(made[victim]);
      made[victim].connectionLost = (reason) => (losses++, lost(reason));
      if (how === "peer" || how === "all") made[victim === "server" ? "client" : "server"].loseConnection();
      if (how === "ours" || how === "all") made[victim].loseConnection();
      if (how === "abort" || how === "all") made[`${victim}IO`].abortConnection();
      await made.settle();
      made.clock.advance(10);
      await made.settle();
      expect([how, losses, logouts]).toEqual([how, 1, 1]);
      expect(service.events.filter((event) => event === "stopped")).toHaveLength(1);
      expect(made.factory.connections.size).toBe(0);
      expect(made.clock.getDelayedCalls().filter((call) => call.active())).toEqual([]);
    }
  }
});

test("R8: a peer that does not take our DISCONNECT is cut after 5 s", async () => {
  for (const [victim] of ROLES) {
    const made = await loggedIn();
    let cut = 0;
    made[`${victim}IO`].abortConnection = () => cut++;
    made[victim].loseConnection();
    made.clock.advance(4.9);
    expect(cut).toBe(0);
    made.clock.advance(0.2);
    expect(cut).toBe(1);
  }
});

test("R9: CVE-2016-6515: a password of more than 1,024 bytes reaches no checker", async () => {
  const made = await withLogins(() => Promise.reject(new UnauthorizedLogin("no")));
  await made.guess("x".repeat(1025));
  await made.guess(Buffer.alloc(30_000, 120));
  expect([made.checked, made.answers(), made.server.said]).toEqual([[], [51, 51], []]);
  await made.guess("x".repeat(1024));
  expect(made.checked).toHaveLength(1);
});

test("R9: CVE-2002-20001: cheap values buy no computing, and a stranger's exchanges are few", async () => {
  let computed = 0;
  const made = await secured((client, server, factory) => {
    client.supportedKeyExchanges = server.supportedKeyExchanges = ["diffie-hellman-group14-sha256"];
    client.rewrite((number, body) => (number === 30 ? [[30, fields(Buffer.of(2))]] : [[number, body]]));
    const sign = (data: Buffer) => (computed++, hostKey.sign(data));
    factory.privateKeys = { "ssh-ed25519": { ...signer, sign } };
  });
  expect([made.server.said, computed]).toEqual([[3], 0]);

  const again = await secured((client, server) => {
    client.supportedKeyExchanges = server.supportedKeyExchanges = ["diffie-hellman-group14-sha256"];
  });
  let exchanges = 1;
  while (again.server.said.length === 0 && exchanges < 20) {
    again.client.sendKexInit();
    await again.settle();
    exchanges++;
  }
  expect(exchanges).toBe(5);
});

describe("a listener", () => {
  const listen = () => {
    const factory = new SSHFactory();
    factory.defence = null;
    factory.privateKeys = { "ssh-ed25519": hostKey };
    factory.publicKeys = { "ssh-ed25519": hostKey.public() };
    const spy = vi.spyOn(NetServer.prototype, "listen");
    const listening = reactor.listenTCP(0, factory, { interface: "127.0.0.1" });
    const server = spy.mock.contexts[0] as NetServer;
    spy.mockRestore();
    onTestFinished(async () => {
      await listening.stopListening();
    });
    const { port } = listening.getHost() as IAddress & { readonly port: number };
    return { factory, server, port };
  };
  const greeted = async (port: number): Promise<Socket> => {
    const socket = connectSocket(port, "127.0.0.1");
    socket.on("error", () => {});
    onTestFinished(() => {
      socket.destroy();
    });
    const [data] = (await once(socket, "data")) as [Buffer];
    expect(data.toString()).toMatch(/^SSH-2.0-/);
    return socket;
  };

  test("R10: outlives accepts that fail", async () => {
    const { server, port } = listen();
    for (let n = 0; n < 10; n++) {
      for (const code of ["EMFILE", "ENOBUFS", "ECONNABORTED"])
        server.emit("error", Object.assign(new Error(`accept ${code}`), { code }));
    }
    await greeted(port);
  });

  test("R10: that stops tells its peers so with reason 11, and cuts them", async () => {
    const { factory, port } = listen();
    const socket = await greeted(port);
    const rest: Buffer[] = [];
    socket.on("data", (data: Buffer) => rest.push(data));
    const closed = once(socket, "close");
    await factory.stopGracefully(0);
    await closed;
    const last = Buffer.concat(rest);
    expect(last.toString("latin1")).toContain("\x01\0\0\0\x0b"); // DISCONNECT, in the clear
  });
});

test("R1: a socket that has no buffer for what is written costs its user the connection, and no neighbour", async () => {
  const users: ConchUser[] = [];
  let logouts = 0;
  const served = serve(
    sessionProgram(() => 7),
    (factory) => {
      const realm = {
        requestAvatar() {
          const user = new ConchUser();
          user.channelLookup["session"] = sessionProgram(() => 7);
          users.push(user);
          return [IConchUser, user, () => (logouts += 1)] as const;
        },
      };
      factory.portal = new Portal(realm, [new InMemoryUsernamePasswordDatabaseDontUse({ user: "password" })]);
    },
  );
  onTestFinished(() => served.close());
  const account = { port: served.port, user: "user", secret: "password" };
  const [one, two] = [await logIn(account), await logIn(account)];
  const status = async (connection: SSHConnection) => {
    await using session = await ClientSession.open(connection);
    await session.exec("anything");
    session.stream.resume();
    return (await session.exit).code;
  };
  const socket = (users[0]!.conn!.transport!.transport as ITransport & ISystemHandle).getHandle();
  const { _handle: handle } = socket as unknown as { _handle: { writeBuffer(): number } };
  vi.spyOn(handle, "writeBuffer").mockReturnValue(-constants.errno.ENOBUFS);
  await expect(status(one)).rejects.toThrow();
  await expect.poll(() => logouts).toBe(1);
  expect(await status(two)).toBe(7);
  const three = await logIn(account);
  expect(await status(three)).toBe(7);
  logOut(two);
  logOut(three);
  await expect.poll(() => logouts).toBe(3);
});

describe("bytes", () => {
  test("R11: that are kept are copies: what they came in may be used again", async () => {
    const made = await loggedIn((client, server) => {
      for (const side of [client, server]) {
        const receive = side.dataReceived.bind(side);
        side.dataReceived = (data) => {
          receive(data);
          if (side.buf.length === 0) data.fill(0xee);
        };
      }
    });
    made.client.sendKexInit();
    await made.settle();
    made.client.force(94, fields(0, "whole"));
    await made.settle();
    expect([made.client.said, made.server.said]).toEqual([[], []]);
    expect(made.client.hostKeyBlob).toEqual(hostKey.blob());
    expect(made.client.sessionID).toEqual(made.server.sessionID);
    expect(String(made.client.peerExtensions.get("server-sig-algs"))).toContain("ssh-ed25519");
    expect(made.server.otherVersionString).toBe(made.client.ourVersionString);
  });

  test("R11: of keys are overwritten once they are in force", async () => {
    const given: Buffer[] = [];
    await secured((client, server) => {
      for (const side of [client, server]) {
        for (const direction of [side.directions.incoming, side.directions.outgoing]) {
          const set = direction.setKeys.bind(direction);
          direction.setKeys = (keys, restart) => {
            given.push(keys.key, keys.iv, keys.macKey);
            expect(keys.key.some((byte) => byte !== 0)).toBe(true);
            set(keys, restart);
          };
        }
      }
    });
    expect(given).toHaveLength(12);
    expect(given.every((secret) => secret.every((byte) => byte === 0))).toBe(true);
  });
});

describe("names of a peer's", () => {
  const odd = ["__proto__", "constructor", "toString", "hasOwnProperty", "ssh-userauth\0", "SSH-USERAUTH"];

  test("R12: in EXT_INFO are a map's, whatever they are", async () => {
    const made = await secured();
    made.server.force(7, fields(odd.length, ...odd.flatMap((name) => [name, "value"])));
    await made.settle();
    expect([...made.client.peerExtensions.keys()]).toEqual(expect.arrayContaining(odd));
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
    expect(({} as { value?: unknown }).value).toBeUndefined();
  });

  test("R12: of services find nothing that was not registered", async () => {
    for (const name of odd) {
      const made = await secured();
      made.server.avatar = {}; // only strangers are refused all but one whatever its name is
      made.client.force(5, fields(name));
      await made.settle();
      expect([name, made.server.said, made.server.service]).toEqual([name, [7], null]);
    }
  });
});
