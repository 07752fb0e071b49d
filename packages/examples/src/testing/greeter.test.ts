/** A whole conversation of SSH client and server in memory: no socket, and time is a Clock's. */
import { ConchUser } from "@strombus/conch/avatar";
import { IConchUser } from "@strombus/conch/interfaces";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { SSHConnection } from "@strombus/conch/ssh/connection";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { SSHClientTransport, type SSHServerTransport } from "@strombus/conch/ssh/transport";
import { SSHUserAuthClient, SSHUserAuthServer } from "@strombus/conch/ssh/userauth";
import { InMemoryUsernamePasswordDatabaseDontUse } from "@strombus/cred/checkers";
import { Portal } from "@strombus/cred/portal";
import { IPv4Address } from "@strombus/reactor/address";
import { succeed } from "@strombus/reactor/defer";
import { Clock, connect, faulty } from "@strombus/reactor/testing";
import { expect, test } from "vitest";
import { Greeter } from "./greeter.js";

const hostKey = Key.generate("ed25519");

/** The server under test, on a clock of the test's. */
function makeServer(clock: Clock): SSHServerTransport {
  class TimedGreeter extends Greeter {
    override clock = clock;
  }
  class TimedUserAuth extends SSHUserAuthServer {
    override clock = clock;
  }
  const factory = new SSHFactory();
  factory.noisy = false;
  factory.privateKeys = { "ssh-ed25519": hostKey };
  factory.publicKeys = { "ssh-ed25519": hostKey.public() };
  factory.services["ssh-userauth"] = TimedUserAuth;
  factory.portal = new Portal({
    requestAvatar() {
      const user = new ConchUser();
      user.channelLookup["session"] = TimedGreeter;
      return [IConchUser, user, () => {}] as const;
    },
  });
  factory.portal.registerChecker(new InMemoryUsernamePasswordDatabaseDontUse({ ann: "secret" }));
  factory.doStart();
  const server = factory.buildProtocol(new IPv4Address("TCP", "127.0.0.1", 31337)) as SSHServerTransport;
  server.clock = clock;
  return server;
}

/** A client that logs in as ann and opens a shell. */
class Shell extends SSHChannel {
  override name = "session";
  text = "";
  isClosed = false;

  override channelOpen() {
    void this.conn?.sendRequest(this, "shell", "");
  }
  override dataReceived(data: Buffer) {
    this.text += data.toString();
  }
  override closed() {
    this.isClosed = true;
  }
}

class Connection extends SSHConnection {
  readonly shell = new Shell();
  override serviceStarted() {
    super.serviceStarted();
    void this.openChannel(this.shell);
  }
}

class Login extends SSHUserAuthClient {
  override getPassword() {
    return succeed("secret");
  }
}

class Client extends SSHClientTransport {
  readonly connection = new Connection();
  override verifyHostKey(key: Buffer) {
    return key.equals(hostKey.public().blob());
  }
  override connectionSecure() {
    this.requestService(new Login("ann", this.connection));
  }
}

/** Client and server, connected; `talk` lets them say all they have to say. */
function conversation(faults = {}) {
  const clock = new Clock();
  const [server, client] = [makeServer(clock), new Client()];
  client.clock = clock;
  const { serverTransportFactory, clientTransportFactory } = faulty({ clock, ...faults });
  const pump = connect(server, serverTransportFactory(server), client, clientTransportFactory(client), { clock });
  const talk = async () => {
    for (let round = 0; round < 50; round++) {
      await new Promise(setImmediate); // promises, such as those of signatures, settle in between
      pump.flush();
      clock.advance(0.1);
    }
  };
  return { clock, server, client, shell: client.connection.shell, talk };
}

test("a user logs in, is greeted, and gets answers", async () => {
  const { shell, talk } = conversation();
  await talk();
  expect(shell.text).toBe("hello\r\n");
  shell.write("good day");
  await talk();
  expect(shell.text).toBe("hello\r\nyou said good day\r\n");
});

test("whoever says nothing for five minutes is logged off, and nobody waits five minutes for it", async () => {
  const { clock, shell, talk } = conversation();
  await talk();
  clock.advance(290);
  shell.write("still here");
  await talk();
  clock.advance(290);
  await talk();
  expect(shell.isClosed).toBe(false);
  clock.advance(10);
  await talk();
  expect(shell.text).toMatch(/bye\r\n$/);
  expect(shell.isClosed).toBe(true);
});

for (const [what, faults] of [
  ["one byte at a time", { split: 1 }],
  ["over a network with a delay of a third of a second", { delay: 0.3 }],
] as const) {
  test(`it works ${what}`, async () => {
    const { shell, talk } = conversation(faults);
    await talk();
    await talk();
    expect(shell.text).toBe("hello\r\n");
  });
}

test("a byte that changes on its way ends the connection, and is not taken for data", async () => {
  const { server, shell, talk } = conversation({ corrupt: 3000 });
  await talk();
  for (let line = 0; line < 20 && server.transport !== null; line++) {
    shell.write("x".repeat(100));
    await talk();
  }
  expect(shell.isClosed).toBe(true);
  expect(shell.text).toMatch(/^hello\r\n(you said x{100}\r\n)*$/);
});
