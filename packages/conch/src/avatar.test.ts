import { Protocol } from "@strombus/reactor/protocol";
import { describe, expect, expectTypeOf, test } from "vitest";
import { type ChannelOpenOptions, ConchUser } from "./avatar.js";
import { ConchError } from "./error.js";
import { IConchUser } from "./interfaces.js";
import { SSHChannel } from "./ssh/channel.js";

class SimpleSession extends SSHChannel {
  override name = "session";
  request_pty_req(data: Buffer) {
    return data.length === 0;
  }
}

function thrown(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

test("a user provides IConchUser", () => {
  expect(IConchUser.providedBy(new ConchUser())).toBe(true);
});

describe("channels", () => {
  test("a class is constructed with what the peer sent, and with the user", () => {
    const user = new ConchUser();
    user.channelLookup["session"] = SimpleSession;
    const channel = user.lookupChannel("session", 10, 20, Buffer.from("data")) as SimpleSession;
    expect(channel).toBeInstanceOf(SimpleSession);
    expect([channel.name, channel.remoteWindowLeft, channel.remoteMaxPacket]).toEqual(["session", 10, 20]);
    expect(String(channel.data)).toBe("data");
    expect(channel.avatar).toBe(user);
  });

  test("a function is called with one object of options", () => {
    const user = new ConchUser();
    const calls: ChannelOpenOptions[] = [];
    user.channelLookup["direct-tcpip"] = (options) => {
      calls.push(options);
      return new SSHChannel(options);
    };
    expect(user.lookupChannel("direct-tcpip", 1, 2, Buffer.alloc(0))).toBeInstanceOf(SSHChannel);
    expect(calls).toEqual([{ remoteWindow: 1, remoteMaxPacket: 2, data: Buffer.alloc(0), avatar: user }]);
  });

  test("an unknown type is an error of code and text", () => {
    const error = thrown(() => new ConchUser().lookupChannel("session", 0, 0, Buffer.alloc(0)));
    expect((error as ConchError).args).toEqual([3, "unknown channel"]);
  });

  for (const name of ["constructor", "__proto__", "toString", "hasOwnProperty"]) {
    test(`C8: ${name} is not there, even when the table is an ordinary object`, () => {
      const user = new ConchUser();
      expect(thrown(() => user.lookupChannel(name, 0, 0, Buffer.alloc(0)))).toBeInstanceOf(ConchError);
      expect(user.lookupSubsystem(name, Buffer.alloc(0))).toBe(false);
      user.channelLookup = {};
      user.subsystemLookup = {};
      expect(thrown(() => user.lookupChannel(name, 0, 0, Buffer.alloc(0)))).toBeInstanceOf(ConchError);
      expect(user.lookupSubsystem(name, Buffer.alloc(0))).toBe(false);
    });
  }
});

describe("subsystems", () => {
  class Subsystem extends Protocol {
    constructor(
      readonly data: Buffer,
      readonly options: { avatar: ConchUser },
    ) {
      super();
    }
  }

  test("a class is constructed with the data, and the user by name", () => {
    const user = new ConchUser();
    user.subsystemLookup["sftp"] = Subsystem;
    const protocol = user.lookupSubsystem("sftp", Buffer.from("data")) as Subsystem;
    expect(String(protocol.data)).toBe("data");
    expect(protocol.options.avatar).toBe(user);
  });

  test("a function is called the same way", () => {
    const user = new ConchUser();
    user.subsystemLookup["sftp"] = (data, { avatar }) => new Subsystem(data, { avatar });
    expect(user.lookupSubsystem("sftp", Buffer.alloc(0))).toBeInstanceOf(Subsystem);
  });

  test("an unknown name is false", () => {
    expect(new ConchUser().lookupSubsystem("sftp", Buffer.alloc(0))).toBe(false);
  });
});

test("a global request goes to the method of its name, with underscores", () => {
  class User extends ConchUser {
    global_tcpip_forward(data: Buffer) {
      return [true, data] as const;
    }
  }
  expect(new User().gotGlobalRequest("tcpip-forward", Buffer.from("x"))).toEqual([true, Buffer.from("x")]);
  expect(new User().gotGlobalRequest("cancel-tcpip-forward", Buffer.alloc(0))).toBe(0);
  expectTypeOf<User>().toExtend<IConchUser>();
});
