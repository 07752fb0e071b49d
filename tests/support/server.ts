/** A server in the test's own process, for sessions that no example has. `user` logs in with `password`. */
import { type ChannelEntry, ConchUser } from "@strombus/conch/avatar";
import { IConchUser } from "@strombus/conch/interfaces";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { InMemoryUsernamePasswordDatabaseDontUse } from "@strombus/cred/checkers";
import { Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import type { IAddress } from "@strombus/reactor/interfaces";

export interface Served {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens on a free port; every user gets sessions of this class. `setUp` may change the factory first, and each user. */
export function serve(
  session: ChannelEntry,
  setUp: (factory: SSHFactory) => void = () => {},
  setUpUser: (user: ConchUser) => void = () => {},
): Served {
  const hostKey = Key.generate("ed25519");
  const factory = new SSHFactory();
  factory.privateKeys = { "ssh-ed25519": hostKey };
  factory.publicKeys = { "ssh-ed25519": hostKey.public() };
  factory.portal = new Portal({
    requestAvatar() {
      const user = new ConchUser();
      user.channelLookup["session"] = session;
      setUpUser(user);
      return [IConchUser, user, () => {}] as const;
    },
  });
  factory.portal.registerChecker(new InMemoryUsernamePasswordDatabaseDontUse({ user: "password" }));
  setUp(factory);
  const listening = reactor.listenTCP(0, factory, { interface: "127.0.0.1" });
  return {
    port: (listening.getHost() as IAddress & { readonly port: number }).port,
    async close() {
      await listening.stopListening();
    },
  };
}
