/** State that is attached to a connection is found from all that serves it. */
import { InMemoryUsernamePasswordDatabaseDontUse } from "@strombus/cred/checkers";
import type { IUsernamePassword } from "@strombus/cred/credentials";
import { Portal } from "@strombus/cred/portal";
import { expect, test } from "vitest";
import { ConchUser } from "../avatar.js";
import { echoServer, match, PASSWORD, talkingClient } from "../hostile/victims.test.support.js";
import { IConchUser } from "../interfaces.js";
import { SSHChannel } from "./channel.js";
import type { SSHFactory } from "./factory.js";
import { StateKey, type SSHTransportBase } from "./transport.js";
import { transportOf } from "./userauth.js";

test("a checker, an avatar and a session find the state of their connection, and no other's", async () => {
  const NUMBER = new StateKey<number>("number");
  const found: (readonly [who: string, number: number | undefined])[] = [];
  const numberOf = (transport: unknown) => (transport as SSHTransportBase | null | undefined)?.state.get(NUMBER);

  class Checker extends InMemoryUsernamePasswordDatabaseDontUse {
    override requestAvatarId(credentials: IUsernamePassword) {
      found.push(["checker", numberOf(transportOf(credentials))]);
      return super.requestAvatarId(credentials);
    }
  }
  class Session extends SSHChannel {
    override name = "session";
    override channelOpen(): void {
      found.push(["session", numberOf(this.conn?.transport)]);
      found.push(["avatar", numberOf((this.avatar as ConchUser).conn?.transport)]);
    }
  }
  const realm = {
    requestAvatar() {
      const user = new ConchUser();
      user.channelLookup["session"] = Session;
      return [IConchUser, user, () => undefined] as const;
    },
  };

  for (const number of [1, 2]) {
    const made = await match((clock, ledger) => {
      const server = echoServer(clock, ledger);
      server.state.set(NUMBER, number);
      (server.factory as SSHFactory).portal = new Portal(realm, [new Checker({ user: PASSWORD })]);
      return server;
    }, talkingClient);
    for (let n = 0; n < 3; n++) {
      made.clock.advance(0.25);
      await made.settle();
    }
  }
  expect(found).toEqual([1, 2].flatMap((number) => ["checker", "session", "avatar"].map((who) => [who, number])));
});
