/** What a peer can do to a connection of ours, whichever role it has: replies, windows, forwarding, silence (C2, C3, C9, C10). */
import { ConchUser } from "@strombus/conch/avatar";
import { Permissions, restrict } from "@strombus/conch/permissions";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { SSHConnection } from "@strombus/conch/ssh/connection";
import { allowForwarding, forwardLocal } from "@strombus/conch/ssh/forwarding";
import { UnixConchUser } from "@strombus/conch/unix";
import { UnixSSHRealm } from "@strombus/conch/unix";
import { IConchUser } from "@strombus/conch/interfaces";
import { reactor } from "@strombus/reactor";
import { MemoryReactorClock } from "@strombus/reactor/testing";
import { afterEach, describe, expect, test, vi } from "vitest";
import { conversation, openedBy, type Conversation } from "../support/memory-connection.js";
import { ownAccount } from "../support/own-account.js";

const ROLES = ["server", "client"] as const;

/** A channel that does nothing by itself. */
class Quiet extends SSHChannel {
  override name = "quiet";
  readonly events: string[] = [];
  override channelOpen(): void {
    this.events.push("open");
  }
  override openFailed(reason: Error): void {
    this.events.push(`failed: ${reason.message}`);
  }
  override closed(): void {
    this.events.push("closed");
  }
}

/** A channel of ours that the peer has confirmed as its number 7. */
async function ours(talk: Conversation, window = 1000, maxPacket = 1000): Promise<Quiet> {
  const channel = new Quiet();
  const opening = talk.connection.openChannel(channel);
  await talk.made.settle();
  await talk.send(91, 0, 7, window, maxPacket);
  await opening.catch(() => undefined);
  return channel;
}

describe("replies", () => {
  test("C2: CVE-2026-39830: that nobody asked for stop nobody", async () => {
    for (const role of ROLES) {
      const talk = await conversation(role);
      const channel = await ours(talk);
      for (let n = 0; n < 1000; n++) {
        talk.push(99, channel.id!);
        talk.push(100, channel.id!);
        talk.push(99, 4711);
      }
      await talk.made.settle();
      channel.write("still here");
      await talk.made.settle();
      expect([role, talk.got(94).length, talk.disconnects]).toEqual([role, 1, []]);
      const reply = talk.connection.sendRequest(channel, "ask", "", true)!; // the next one answers this
      await talk.send(99, channel.id!);
      await expect(reply).resolves.toHaveLength(0);
    }
  });

  test("C2: CVE-2026-39830: to global requests that nobody made are nothing, and nobody waits for them", async () => {
    for (const role of ROLES) {
      for (const number of [81, 82]) {
        const talk = await conversation(role);
        for (let n = 0; n < 100; n++) await talk.send(number);
        expect([role, number, talk.disconnects]).toEqual([role, number, []]);
        const reply = talk.connection.sendGlobalRequest("ask", "", true)!; // the next one answers this
        await talk.send(81);
        await expect(reply).resolves.toHaveLength(0);
      }
    }
  });

  test("C2: to what a channel's opening was asked come once", async () => {
    for (const role of ROLES) {
      for (const [number, ...values] of [
        [91, 0, 8, 1000, 1000],
        [92, 0, 1, "no", ""],
      ] as const) {
        const talk = await conversation(role);
        const channel = await ours(talk);
        await talk.send(number, ...values);
        expect([role, talk.disconnects, channel.events]).toEqual([role, [2], ["open", "closed"]]);
      }
    }
  });

  test("C2: a channel that is refused leaves nothing behind, and its number is not one any more", async () => {
    for (const role of ROLES) {
      const talk = await conversation(role);
      const channel = new Quiet();
      const opening = talk.connection.openChannel(channel);
      await talk.made.settle();
      await talk.send(92, 0, 1, "no", "");
      await expect(opening).rejects.toThrow("no");
      expect([talk.connection.channels.size, channel.events]).toEqual([0, ["failed: no, 1"]]);
      await talk.send(91, 0, 7, 1000, 1000); // on second thoughts
      expect([role, talk.disconnects, channel.events]).toEqual([role, [2], ["failed: no, 1"]]);
    }
  });
});

describe("sizes", () => {
  const accepting = () => {
    const user = new ConchUser();
    user.channelLookup["quiet"] = Quiet;
    return user;
  };

  test("C3: CVE-2026-59843: a maximum packet of 0 is refused, where the peer opens and where it confirms", async () => {
    const talk = await conversation("server", accepting());
    await talk.send(90, "quiet", 7, 1000, 0);
    expect([talk.got(91), talk.got(92).length, talk.connection.channels.size]).toEqual([[], 1, 0]);

    for (const role of ROLES) {
      const asked = await conversation(role);
      const channel = new Quiet();
      channel.write("this would wait for ever");
      const opening = asked.connection.openChannel(channel);
      await asked.made.settle();
      await asked.send(91, 0, 7, 1000, 0);
      await expect(opening).rejects.toThrow("a maximum packet size of 0");
      expect([role, channel.events.length, asked.got(94), asked.got(97).length]).toEqual([role, 1, [], 1]);
      await asked.send(97, 0);
      expect([asked.connection.channels.size, asked.connection.localToRemoteChannel.size]).toEqual([0, 0]);
      expect([asked.disconnects, channel.events]).toEqual([[], ["failed: a maximum packet size of 0, 2"]]);
    }
  });

  test("C3: CVE-2026-39834: 4 GiB that are written go out as the window lets them, and no empty packet does", async () => {
    for (const role of ROLES) {
      const talk = await conversation(role);
      const channel = await ours(talk, 0);
      const piece = Buffer.alloc(2 ** 25);
      for (let n = 0; n < 128; n++) channel.write(piece); // the same bytes: nothing is copied
      expect(channel.bytesHeld).toBe(2 ** 32);
      const sizes = () => talk.got(94).map((body) => body.readUInt32BE(4));
      for (const [window, sent] of [
        [10, [10]],
        [5, [10, 5]],
        [1500, [10, 5, 1000, 500]],
      ] as const) {
        await talk.send(93, channel.id!, window);
        expect([role, sizes()]).toEqual([role, sent]);
      }
      expect(channel.bytesHeld).toBe(2 ** 32 - 1515);
    }
  });

  test("C3: CVE-2025-54804: a window that passes 2^32 - 1 ends the connection, and one that reaches it does not", async () => {
    for (const role of ROLES) {
      for (const [first, more, disconnects] of [
        [1, 0xffff_fffe, []],
        [1, 0xffff_ffff, [2]],
        [0xffff_ffff, 1, [2]],
        [0xffff_ffff, 0xffff_ffff, [2]],
      ] as const) {
        const talk = await conversation(role);
        const channel = await ours(talk, first);
        await talk.send(93, channel.id!, more);
        expect([role, first, more, talk.disconnects]).toEqual([role, first, more, disconnects]);
      }
    }
  });
});

describe("forwarding", () => {
  const KINDS = {
    "direct-tcpip": [90, "direct-tcpip", 1, 1000, 1000, "127.0.0.1", 4711, "127.0.0.1", 1],
    "direct-streamlocal@openssh.com": [90, "direct-streamlocal@openssh.com", 1, 1000, 1000, "/run/x", "", 0],
    "tun@openssh.com": [90, "tun@openssh.com", 1, 1000, 1000, 1, 0],
    "tcpip-forward": [80, "tcpip-forward", true, "127.0.0.1", 8080],
    "streamlocal-forward@openssh.com": [80, "streamlocal-forward@openssh.com", true, "/run/y"],
  } as const;

  const users: Readonly<Record<string, () => IConchUser>> = {
    "a user": () => new ConchUser(),
    "an account": () => new UnixConchUser(ownAccount.pw_name, ownAccount),
    "an account of a realm": () => {
      const made = new UnixSSHRealm({ users: { getpwnam: () => ownAccount } }).requestAvatar(
        ownAccount.pw_name,
        null,
        IConchUser,
      );
      return (made as unknown as readonly [unknown, UnixConchUser])[1];
    },
    "who may have other kinds": () => {
      const user = new ConchUser();
      allowForwarding(user, {}, memory());
      return user;
    },
  };
  const memory = () => Object.assign(new MemoryReactorClock(), { nameResolver: reactor.nameResolver });

  for (const [who, make] of Object.entries(users)) {
    test(`C9: ${who} has none of any kind as it comes`, async () => {
      for (const [kind, request] of Object.entries(KINDS)) {
        const [number, ...values] = request;
        const talk = await conversation("server", make());
        await talk.send(number, ...values);
        expect([who, kind, talk.numbers, talk.connection.dependents.size]).toEqual([
          who,
          kind,
          [number === 90 ? 92 : 82],
          0,
        ]);
      }
      if (who.includes("account")) {
        const talk = await conversation("server", make());
        const session = await openedBy(talk, "session");
        for (const type of ["auth-agent-req@openssh.com", "x11-req"]) {
          await talk.send(98, session, type, true, false, "MIT-MAGIC-COOKIE-1", "00ff", 0);
        }
        expect([talk.got(99), talk.got(100).length]).toEqual([[], 2]);
      }
    });
  }

  test("C9: what a key forbids, no policy allows", async () => {
    const user = new ConchUser();
    allowForwarding(user, { connect: true, listen: true, connectUNIX: true, listenUNIX: true }, memory());
    const talk = await conversation("server", user);
    restrict(talk.made.server, new Permissions({ portForwarding: false }));
    for (const [number, ...values] of Object.values(KINDS)) await talk.send(number, ...values);
    expect(talk.numbers).toEqual([92, 92, 92, 82, 82]);
  });

  test("C9: listeners end with their connection, whoever opened them, and however it ends", async () => {
    for (const end of ["disconnect", "cut", "silence"] as const) {
      const world = memory();
      const stopped: unknown[] = [];
      for (const kind of ["listenTCP", "listenUNIX"] as const) {
        const listen = world[kind].bind(world) as (...args: unknown[]) => { stopListening(): unknown };
        Object.assign(world, {
          [kind]: (...args: unknown[]) => {
            const port = listen(...args);
            const stop = port.stopListening.bind(port);
            return Object.assign(port, {
              stopListening: () => {
                stopped.push(args[0]);
                return stop();
              },
            });
          },
        });
      }
      const user = new ConchUser();
      allowForwarding(user, { listen: true, listenUNIX: true }, world);
      const talk = await conversation("server", user);
      await talk.send(80, "tcpip-forward", true, "127.0.0.1", 8080);
      await talk.send(80, "streamlocal-forward@openssh.com", true, "/run/y");
      expect([talk.got(81).length, stopped]).toEqual([2, []]);
      const client = await conversation("client");
      const forwarding = forwardLocal(client.connection, ["127.0.0.1", 9090], ["intranet", 80], world);
      expect(forwarding.port).toBe(9090);
      for (const each of [talk, client]) {
        if (end === "disconnect") await each.send(1, 11, "bye", "");
        else if (end === "cut") {
          each.made.serverIO.abortConnection();
          await each.made.settle();
        } else {
          each.made.server.dataReceived = each.made.client.dataReceived = () => {};
          for (let n = 0; n < 10; n++) each.made.clock.advance(60);
          await each.made.settle();
        }
      }
      expect([end, stopped.sort()]).toEqual([end, ["/run/y", 8080, 9090].sort()]);
      expect([end, talk.connection.dependents.size, client.connection.dependents.size]).toEqual([end, 0, 0]);
    }
  });

  describe("of an account", () => {
    afterEach(() => void vi.restoreAllMocks());

    test("C9: CVE-2025-14282: opens, connects to and removes sockets as the account, never as ourselves", async () => {
      const calls: [what: string, asUser: boolean][] = [];
      let isUser = false;
      const note = (what: string) => calls.push([what, isUser]);
      for (const kind of ["listenUNIX", "connectUNIX"] as const) {
        vi.spyOn(reactor, kind).mockImplementation(((path: string) => {
          note(`${kind} ${path}`);
          return {
            getHost: () => ({}),
            stopListening: () => {
              note(`remove ${path}`);
              return { addErrback: () => undefined };
            },
            disconnect: () => undefined,
          };
        }) as never);
      }
      vi.spyOn(UnixConchUser.prototype, "_runAsUser").mockImplementation(function <T>(
        ...each: readonly (() => T)[]
      ): T {
        isUser = true;
        try {
          return each.map((call) => call()).at(-1) as T;
        } finally {
          isUser = false;
        }
      });
      const realm = new UnixSSHRealm({
        users: { getpwnam: () => ownAccount },
        forwarding: { listenUNIX: true, connectUNIX: true },
      });
      const [, user] = realm.requestAvatar(ownAccount.pw_name, null, IConchUser) as unknown as readonly [
        unknown,
        UnixConchUser,
      ];
      const talk = await conversation("server", user);
      await talk.send(80, "streamlocal-forward@openssh.com", true, "/run/y");
      await talk.send(90, "direct-streamlocal@openssh.com", 1, 1000, 1000, "/run/docker.sock", "", 0);
      await talk.send(80, "cancel-streamlocal-forward@openssh.com", true, "/run/y");
      expect(calls).toEqual([
        ["listenUNIX /run/y", true],
        ["connectUNIX /run/docker.sock", true],
        ["remove /run/y", true],
      ]);
    });
  });
});

describe("a peer that says nothing any more", () => {
  test("C10: is asked three times, and then gone: channels and listeners end", async () => {
    for (const role of ROLES) {
      const talk = await conversation(role);
      const channel = await ours(talk);
      const [ourIO] = role === "server" ? [talk.made.serverIO] : [talk.made.clientIO];
      talk.made[role === "server" ? "client" : "server"].dataReceived = () => {};
      for (let minute = 0; minute < 5; minute++) {
        expect([role, minute, channel.events, talk.disconnects]).toEqual([role, minute, ["open"], []]);
        talk.made.clock.advance(60);
        await talk.made.settle();
      }
      talk.made.clock.advance(5); // it does not take the end either
      await talk.made.settle();
      expect([talk.disconnects, channel.events, ourIO.connected]).toEqual([[10], ["open", "closed"], false]);
      expect(talk.made.clock.getDelayedCalls()).toEqual([]);
    }
  });

  test("C10: is there as long as it says anything, and asked no more often for it", async () => {
    for (const role of ROLES) {
      const talk = await conversation(role);
      let answered = 0;
      for (let minute = 0; minute < 20; minute++) {
        talk.made.clock.advance(60);
        await talk.made.settle();
        if (talk.got(80).length > answered) {
          answered++;
          await talk.send(82);
        }
      }
      expect([role, talk.disconnects, talk.got(80).length]).toEqual([role, [], 10]);
    }
  });

  test("C10: a connection with neither channel nor listener can be given an end, which messages do not move", async () => {
    for (const role of ROLES) {
      const connection = Object.assign(new SSHConnection(), { unusedTimeout: 100, keepaliveInterval: 0 });
      const talk = await conversation(role, undefined, connection);
      for (let n = 0; n < 9; n++) {
        talk.made.clock.advance(11);
        await talk.send(80, "anything", true);
      }
      expect([role, talk.disconnects]).toEqual([role, []]);
      talk.made.clock.advance(1);
      expect([role, talk.disconnects]).toEqual([role, [11]]);

      const used = Object.assign(new SSHConnection(), { unusedTimeout: 100, keepaliveInterval: 0 });
      const busy = await conversation(role, undefined, used);
      const channel = await ours(busy);
      busy.made.clock.advance(1000);
      expect(busy.disconnects).toEqual([]);
      channel.loseConnection();
      await busy.send(97, channel.id!);
      busy.made.clock.advance(100);
      expect([role, busy.disconnects]).toEqual([role, [11]]);
    }
  });
});
