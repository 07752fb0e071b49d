/** A whole server and a whole client of ours, each against a peer that can do what it wants, in memory. */
import { InMemoryUsernamePasswordDatabaseDontUse } from "@strombus/cred/checkers";
import { Portal } from "@strombus/cred/portal";
import { succeed, type Deferred } from "@strombus/reactor/defer";
import { Clock, FakeTransport } from "@strombus/reactor/testing";
import { connect, type IOPump } from "@strombus/reactor/testing/iosim";
import { ConchUser } from "../avatar.js";
import { IConchUser } from "../interfaces.js";
import { SSHChannel } from "../ssh/channel.js";
import { SSHConnection } from "../ssh/connection.js";
import { SSHFactory } from "../ssh/factory.js";
import { Key } from "../ssh/keys.js";
import { SSHUserAuthClient, SSHUserAuthServer } from "../ssh/userauth.js";
import type { SSHServerTransport } from "../ssh/transport.js";
import { SSHClientTransport, type SSHTransportBase } from "../ssh/transport.js";

export const hostKey = Key.generate("ed25519");
export const PASSWORD = "the right password";

/** What a victim went through. */
export interface Ledger {
  logins: number;
  logouts: number;
  opened: number;
  closed: number;
}

export interface Match {
  readonly server: SSHTransportBase;
  readonly client: SSHTransportBase;
  readonly serverIO: FakeTransport;
  readonly clientIO: FakeTransport;
  readonly pump: IOPump;
  readonly clock: Clock;
  readonly ledger: Ledger;
  /** Promises that are due settle, and what they wrote moves. */
  settle(): Promise<void>;
}

/**
 * The echo server, with a user who has a session and answers global requests.
 * @param realmTakes seconds until there is an avatar; 0 is at once
 */
export function echoServer(clock: Clock, ledger: Ledger, realmTakes = 0): SSHServerTransport {
  class Session extends SSHChannel {
    override name = "session";
    request_shell(): boolean {
      return true;
    }
    request_pty_req(): boolean {
      return true;
    }
    override channelOpen(): void {
      ledger.opened++;
    }
    override dataReceived(data: Buffer): void {
      this.write(data);
    }
    override closed(): void {
      ledger.closed++;
    }
  }
  class User extends ConchUser {
    global_ask(data: Buffer): readonly [true, Buffer] {
      return [true, data];
    }
  }
  class UserAuth extends SSHUserAuthServer {
    override clock = clock;
  }
  const factory = new SSHFactory();
  factory.defence = null;
  factory.privateKeys = { "ssh-ed25519": hostKey };
  factory.publicKeys = { "ssh-ed25519": hostKey.public() };
  factory.services = { "ssh-userauth": UserAuth, "ssh-connection": SSHConnection };
  const checker = new InMemoryUsernamePasswordDatabaseDontUse({ user: PASSWORD });
  factory.portal = new Portal(
    {
      requestAvatar() {
        const user = new User();
        user.channelLookup["session"] = Session;
        const login = () => {
          ledger.logins++;
          return [IConchUser, user, () => (ledger.logouts += 1)] as const;
        };
        if (realmTakes === 0) return login();
        return new Promise<ReturnType<typeof login>>((resolve) => {
          clock.callLater(realmTakes, () => resolve(login()));
        });
      },
    },
    [checker],
  );
  const server = factory.buildProtocol({
    toString: () => "memory",
    equals: () => false,
  }) as SSHServerTransport;
  server.factory = factory;
  server.clock = clock;
  return server;
}

/** A client that logs in, opens a session and talks in it, or does what another connection does. */
export function talkingClient(clock: Clock, ledger: Ledger, makeConnection?: () => SSHConnection): SSHClientTransport {
  class Channel extends SSHChannel {
    override name = "session";
    override channelOpen(): void {
      ledger.opened++;
      this.write("hello");
      this.conn!.sendRequest(this, "shell", "", true)?.then(undefined, () => undefined);
    }
    override closed(): void {
      ledger.closed++;
    }
  }
  class Connection extends SSHConnection {
    override serviceStarted(): void {
      super.serviceStarted();
      ledger.logins++;
      this.openChannel(new Channel()).then(undefined, () => undefined);
      this.sendGlobalRequest("ask", "what", true)?.then(undefined, () => undefined);
    }
    override serviceStopped(): void {
      super.serviceStopped();
      ledger.logouts++;
    }
  }
  class UserAuth extends SSHUserAuthClient {
    override getPassword(): Deferred<string> | null {
      return this.transport?.isEncrypted("both") === true ? succeed(PASSWORD) : null;
    }
  }
  class Client extends SSHClientTransport {
    override clock = clock;
    override verifyHostKey(): boolean {
      return true;
    }
    override connectionSecure(): void {
      this.requestService(new UserAuth("user", makeConnection?.() ?? new Connection()));
    }
  }
  return new Client();
}

export async function match(
  makeServer: (clock: Clock, ledger: Ledger) => SSHTransportBase,
  makeClient: (clock: Clock, ledger: Ledger) => SSHTransportBase,
  {
    greet = true,
    makeIO = (protocol: SSHTransportBase, isServer: boolean) => new FakeTransport(protocol, isServer),
  } = {},
): Promise<Match> {
  const clock = new Clock();
  const ledger: Ledger = { logins: 0, logouts: 0, opened: 0, closed: 0 };
  const [server, client] = [makeServer(clock, ledger), makeClient(clock, ledger)];
  const [serverIO, clientIO] = [makeIO(server, true), makeIO(client, false)];
  const pump = connect(server, serverIO, client, clientIO, { clock, greet: false });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 6; turn++) {
      pump.flush();
      await Promise.resolve();
    }
    pump.flush();
  };
  if (greet) await settle();
  return { server, client, serverIO, clientIO, pump, clock, ledger, settle };
}
