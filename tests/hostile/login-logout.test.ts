/** Whoever was given an avatar is logged out once, however and whenever the connection ends (rule A18). */
import { SSHProtocolChecker, SSHPublicKeyChecker, InMemorySSHKeyDB } from "@strombus/conch/checkers";
import { ConchUser } from "@strombus/conch/avatar";
import { IConchUser } from "@strombus/conch/interfaces";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { SSHConnection } from "@strombus/conch/ssh/connection";
import { Key } from "@strombus/conch/ssh/keys";
import { IKeyboardInteractive } from "@strombus/cred/credentials";
import type { ITCPTransport } from "@strombus/reactor/interfaces";
import { describe, expect, test } from "vitest";
import { ANSWERS, asking, dialogue, login, type Login, password, passwords, query } from "../support/memory-login.js";
import { type Client, fields } from "../support/memory-ssh.js";

const key = Key.generate("ed25519");

class Session extends SSHChannel {
  override name = "session";
  request_shell(): boolean {
    return true;
  }
}

function user(): ConchUser {
  const made = new ConchUser();
  made.channelLookup["session"] = Session;
  return made;
}

const running = ({ clock }: Login) => clock.getDelayedCalls().filter((call) => call.active());

const openSession = async ({ say }: Login) => {
  await say([90, fields("session", 0, 100_000, 1000)], [98, fields(0, "shell", true)]);
};

/** How a connection can end, from outside and from within. */
const ENDINGS: Readonly<Record<string, (made: Login) => unknown>> = {
  "the peer says goodbye": ({ client }) => client.sendDisconnect(11, "goodbye"),
  "the peer is gone": ({ clientIO }) => clientIO.abortConnection(),
  "the line breaks": ({ serverIO }) => serverIO.abortConnection(),
  "the peer breaks the protocol": ({ client }) => client.force(6),
  "we close": ({ server }) => server.loseConnection(),
  "we close twice, and the peer too": ({ server, client, serverIO }) => {
    server.loseConnection();
    client.loseConnection();
    server.loseConnection();
    serverIO.abortConnection();
  },
  "the peer takes nothing": async ({ server, pass }) => {
    server.pauseProducing();
    await pass(61);
  },
  "our own code fails": ({ server, client }) => {
    server.dispatchMessage = () => {
      throw new Error("a mistake of the application");
    };
    client.force(2, fields("anything"));
  },
};

/** When it ends: what has been said, and what is not answered yet. */
interface Moment {
  readonly setting?: Parameters<typeof login>[0];
  /** What the peer says. */
  readonly go: (made: Login) => Promise<unknown>;
  /** What comes late: the answer to whoever waited for it. */
  readonly late?: () => void;
  /** How many avatars there have been in the end. */
  readonly avatars: number;
}

const MOMENTS: Readonly<Record<string, () => Moment>> = {
  "before the checker has answered": () => {
    let grant: (name: string) => void = () => {};
    const checker = passwords(() => new Promise((resolve) => (grant = resolve)));
    return {
      setting: { checkers: [checker] },
      go: ({ ask }) => ask(password("right")),
      late: () => grant("alice"),
      avatars: 1,
    };
  },
  "before the realm has answered": () => {
    let grant = (): void => {};
    return {
      setting: {
        checkers: [passwords()],
        realm: (_name, logout) => new Promise((resolve) => (grant = () => resolve([IConchUser, user(), logout]))),
      },
      go: ({ ask }) => ask(password("right"), password("right", "bob")),
      late: () => grant(),
      avatars: 1,
    };
  },
  "when the login stands": () => ({ go: ({ ask }) => ask(password("right")), avatars: 1 }),
  "in a session": () => ({
    go: async (made) => {
      await made.ask(password("right"));
      await openSession(made);
      expect(made.got.map(([number]) => number)).toEqual(expect.arrayContaining([91, 99]));
    },
    avatars: 1,
  }),
  "while keys are renewed, with the success still held back": () => {
    let grant = (): void => {};
    return {
      setting: {
        checkers: [passwords()],
        realm: (_name, logout) => new Promise((resolve) => (grant = () => resolve([IConchUser, user(), logout]))),
      },
      go: async (made) => {
        await made.ask(password("right"));
        made.client.rewrite((number, body) => (number === 30 ? [] : [[number, body]]));
        made.client.sendKexInit();
        await made.settle();
        grant();
        await made.settle();
        expect(made.answers()).toEqual([]);
      },
      avatars: 1,
    };
  },
  "after a wrong password": () => ({ go: ({ ask }) => ask(password("wrong")), avatars: 0 }),
};

describe.each(Object.keys(MOMENTS))("A18: %s", (moment) => {
  for (const [ending, end] of Object.entries(ENDINGS)) {
    test(`A18: the avatar is logged out once where ${ending}`, async () => {
      const { setting, go, late, avatars } = MOMENTS[moment]!();
      const realm = (_name: unknown, logout: () => void) => [IConchUser, user(), logout];
      const made = await login({ checkers: [passwords()], realm, ...setting });
      await go(made);
      expect(made.logouts).toEqual([]);
      await end(made);
      await made.settle();
      if (late === undefined) expect(made.logouts).toHaveLength(avatars);
      late?.();
      for (let n = 0; n < 4; n++) await made.pass(100);
      expect([made.avatars.length, made.logouts]).toEqual([avatars, made.avatars]);
      expect([made.serverIO.connected, made.factory.connections.size, running(made)]).toEqual([false, 0, []]);
    });
  }
});

describe("a logout", () => {
  test("A18: that fails, at once or later, fails alone, and is not repeated", async () => {
    for (const fails of [
      () => {
        throw new Error("no way out");
      },
      () => Promise.reject(new Error("no way out")),
    ]) {
      let calls = 0;
      const logout = () => {
        calls++;
        return fails();
      };
      const made = await login({ checkers: [passwords()], realm: () => [IConchUser, user(), logout] });
      await made.ask(password("right"));
      made.clientIO.abortConnection();
      await made.settle();
      await made.pass(10);
      expect([calls, made.factory.connections.size, running(made)]).toEqual([1, 0, []]);
    }
  });

  test("A18: may end the connection once more, and is not called for it again", async () => {
    let calls = 0;
    let made: Login | null = null;
    const logout = () => {
      calls++;
      made!.server.loseConnection();
      made!.server.connectionLost();
    };
    made = await login({ checkers: [passwords()], realm: () => [IConchUser, user(), logout] });
    await made.ask(password("right"));
    made.clientIO.abortConnection();
    await made.settle();
    await made.pass(10);
    expect(calls).toBe(1);
  });

  test("A18: follows a login whose service cannot start", async () => {
    const made = await login({
      checkers: [passwords()],
      prepare(_server, factory) {
        factory.services["ssh-connection"] = class extends SSHConnection {
          override serviceStarted(): void {
            throw new Error("a mistake of the application");
          }
        };
      },
    });
    await made.ask(password("right"));
    await made.pass(10);
    expect([made.avatars, made.logouts, made.serverIO.connected]).toEqual([["alice"], ["alice"], false]);
  });

  test("A18: comes when the server stops, for those who do nothing as well", async () => {
    const made = await login({ checkers: [passwords()] });
    await made.ask(password("right"));
    const stopped = made.factory.stopGracefully(1);
    for (let n = 0; n < 8; n++) await made.pass(1);
    await stopped;
    expect(made.logouts).toEqual(["alice"]);
  });
});

/** What a peer says to log in, and then in a session. */
const SCRIPTS: Readonly<Record<string, (made: Login) => Promise<unknown>>> = {
  "a wrong password and a right one": async ({ ask }) => {
    await ask(password("wrong"));
    await ask(password("right"));
  },
  "a question about a key, and a signature": async ({ ask, signed, server }) => {
    await ask(query(key));
    if (server.sessionID !== null) await ask(signed(key));
  },
  "answers to questions": async ({ ask, say }) => {
    await ask(dialogue());
    await say([ANSWERS, fields(1, "right")]);
    await say([ANSWERS, fields(1, "right")]);
  },
};

function everyMethod() {
  const steps = new SSHProtocolChecker();
  steps.registerChecker(new SSHPublicKeyChecker(new InMemorySSHKeyDB({ alice: [key.public()] })));
  steps.registerChecker(passwords());
  const questions = asking<IKeyboardInteractive>(async (given) => {
    for (let n = 0; n < 2; n++) await given.ask(["again? "]);
    return given.username;
  }, IKeyboardInteractive);
  return [steps, questions];
}

describe.each(Object.keys(SCRIPTS))("A18: a login by %s", (script) => {
  for (const side of ["peer", "server"] as const) {
    for (const isLate of [false, true]) {
      const when = isLate ? "when the peer has long been gone" : "at once";
      test(`A18: that is cut after any packet of the ${side}'s is logged out once, where the realm answers ${when}`, async () => {
        const seen = new Set<number>();
        for (let packets = 0, isThrough = false; !isThrough; packets++) {
          let line: CutLine | null = null;
          const grants: (() => void)[] = [];
          const made = await login({
            checkers: everyMethod(),
            realm: (_name, logout) => {
              const answer = [IConchUser, user(), logout];
              return isLate ? new Promise((resolve) => grants.push(() => resolve(answer))) : answer;
            },
            prepare: (_server, _factory, client) => (line = new CutLine(packets, side, client)),
          });
          await SCRIPTS[script]!(made);
          if (!isLate) await openSession(made);
          isThrough = !line!.isCut;
          made.clientIO.abortConnection();
          await made.settle();
          for (const grant of grants) grant();
          for (let n = 0; n < 3; n++) await made.pass(100);
          expect([packets, made.logouts]).toEqual([packets, made.avatars]);
          expect([packets, made.serverIO.connected, running(made)]).toEqual([packets, false, []]);
          seen.add(made.avatars.length);
          expect(packets).toBeLessThan(50);
        }
        expect([...seen].sort()).toEqual([0, 1]);
      });
    }
  }
});

/** A line that is cut after so many packets of the peer's, or of the server's. */
class CutLine {
  isCut = false;
  #left: number;

  constructor(
    packets: number,
    side: "peer" | "server",
    readonly client: Client,
  ) {
    this.#left = packets;
    client.rewrite((number, body) => (this.#passes(side === "peer") ? [[number, body]] : []));
    const dispatch = client.dispatchMessage.bind(client);
    client.dispatchMessage = (number, payload) =>
      this.#passes(side === "server") ? dispatch(number, payload) : undefined;
  }

  #passes(counts: boolean): boolean {
    if (!this.isCut && counts && this.#left-- === 0) {
      this.isCut = true;
      (this.client.transport as ITCPTransport).abortConnection();
    }
    return !this.isCut;
  }
}
