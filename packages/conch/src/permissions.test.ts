import { UnauthorizedLogin } from "@strombus/cred/error";
import { ValueError } from "@strombus/reactor/exceptions";
import { describe, expect, test } from "vitest";
import { FakeTransport } from "./channel/fixtures.test.support.js";
import { endpoint, originalCommandOf, permissionsOf, Permissions, restrict } from "./permissions.js";
import { matchesPattern } from "./permissions/pattern.js";
import { SSHChannel } from "./ssh/channel.js";
import { NS } from "./ssh/common.js";
import { SSHConnection } from "./ssh/connection.js";

const u32 = (value: number) => Buffer.of(value >>> 24, value >>> 16, value >>> 8, value);
const join = (...parts: (Buffer | string)[]) => Buffer.concat(parts.map((each) => Buffer.from(each)));

class Session extends SSHChannel {
  override name = "session";
  readonly requests: [string, string][] = [];
  override requestReceived(type: string, data: Buffer): boolean {
    this.requests.push([type, data.toString()]);
    return true;
  }
}

/** A connection whose user may do this, and an open session on it. */
function connected(may: Permissions) {
  const connection = new SSHConnection();
  const transport = new FakeTransport().of(connection);
  restrict(transport, may);
  const asked: string[] = [];
  const session = new Session({});
  transport.avatar = {
    conn: null,
    lookupChannel: (type: string) => {
      asked.push(type);
      return session;
    },
    gotGlobalRequest: (type: string) => asked.push(type),
  };
  connection.serviceStarted();
  const open = (type: string, data: Buffer | string = "") => {
    connection.ssh_CHANNEL_OPEN(join(NS(type), u32(7), u32(100), u32(100), data));
    return transport.take().map(([number, body]) => [number, body.slice(8, 16)]);
  };
  const request = (type: string, data: Buffer | string = "") => {
    connection.ssh_CHANNEL_REQUEST(join(u32(session.id!), NS(type), Buffer.of(1), data));
    return transport.take().map(([number]) => number);
  };
  const global = (type: string, data: Buffer | string = "") => {
    connection.ssh_GLOBAL_REQUEST(join(NS(type), Buffer.of(1), data));
    return transport.take().map(([number]) => number);
  };
  return { connection, session, asked, open, request, global };
}

const CONFIRMED = 91;
const PROHIBITED = [[92, "00000001"]];
const [SUCCESS, FAILURE] = [[99], [100]];
const [GLOBAL_SUCCESS, GLOBAL_FAILURE] = [[81], [82]];
const place = (host: string, port: number) => join(NS(host), u32(port), NS("127.0.0.1"), u32(1));

describe("a connection", () => {
  test("permits everything to who was not restricted, and to the client's side", () => {
    expect(permissionsOf(null)).toBe(Permissions.all);
    expect(permissionsOf({ transport: {} })).toBe(Permissions.all);
    const { open, request, global } = connected(Permissions.all);
    expect(open("direct-tcpip", place("any", 1))[0]![0]).toBe(CONFIRMED);
    for (const type of ["pty-req", "auth-agent-req@openssh.com", "x11-req"]) expect(request(type)).toEqual(SUCCESS);
    expect(global("tcpip-forward", join(NS(""), u32(0)))).toEqual(GLOBAL_SUCCESS);
  });

  test("asks neither channel nor avatar about what the user may not do", () => {
    const { session, asked, open, request, global } = connected(Permissions.none);
    expect(open("session")[0]![0]).toBe(CONFIRMED);
    for (const type of ["pty-req", "auth-agent-req@openssh.com", "x11-req"]) expect(request(type)).toEqual(FAILURE);
    expect(open("direct-tcpip", place("any", 1))).toEqual(PROHIBITED);
    expect(open("direct-streamlocal@openssh.com", join(NS("/a"), NS(""), u32(0)))).toEqual(PROHIBITED);
    expect(open("tun@openssh.com", "")).toEqual(PROHIBITED);
    expect(global("tcpip-forward", join(NS("localhost"), u32(8080)))).toEqual(GLOBAL_FAILURE);
    expect(global("streamlocal-forward@openssh.com", NS("/a"))).toEqual(GLOBAL_FAILURE);
    expect(session.requests).toEqual([]);
    expect(asked).toEqual(["session"]);
    expect(request("shell")).toEqual(SUCCESS);
    expect(global("cancel-tcpip-forward", join(NS("localhost"), u32(8080)))).toEqual(GLOBAL_SUCCESS);
  });

  test("leads forwardings to the permitted places only, and then to no sockets of the file system", () => {
    const permitOpen = [endpoint("db.example:5432"), endpoint("[::1]:*"), endpoint("*:443")];
    const { open } = connected(new Permissions({ permitOpen }));
    for (const [host, port] of [
      ["db.example", 5432],
      ["::1", 9],
      ["anywhere", 443],
    ] as const) {
      expect(open("direct-tcpip", place(host, port))[0]![0]).toBe(CONFIRMED);
    }
    for (const [host, port] of [
      ["db.example", 5433],
      ["db.example.evil", 5432],
      ["::2", 9],
      ["", 5432],
    ] as const) {
      expect(open("direct-tcpip", place(host, port))).toEqual(PROHIBITED);
    }
    expect(open("direct-streamlocal@openssh.com", join(NS("/a"), NS(""), u32(0)))).toEqual(PROHIBITED);
  });

  test("listens at the permitted places only", () => {
    const { global } = connected(new Permissions({ permitListen: [endpoint("localhost:8080"), endpoint("10.*:*")] }));
    const listen = (host: string, port: number) => global("tcpip-forward", join(NS(host), u32(port)));
    for (const [host, port] of [
      ["localhost", 8080],
      ["10.0.0.1", 0],
    ] as const) {
      expect(listen(host, port)).toEqual(GLOBAL_SUCCESS);
    }
    for (const [host, port] of [
      ["localhost", 0],
      ["", 8080],
      ["*", 8080],
      ["0.0.0.0", 8080],
    ] as const) {
      expect(listen(host, port)).toEqual(GLOBAL_FAILURE);
    }
    expect(global("streamlocal-forward@openssh.com", NS("/a"))).toEqual(GLOBAL_FAILURE);
  });

  test("S3: runs the forced command instead of a shell, another command or a subsystem", () => {
    for (const [type, data, original] of [
      ["shell", "", null],
      ["exec", NS("rm -rf /"), "rm -rf /"],
      ["subsystem", NS("sftp"), "sftp"],
    ] as const) {
      const { session, open, request } = connected(new Permissions({ command: "backup" }));
      open("session");
      expect(request(type, data)).toEqual(SUCCESS);
      expect(session.requests).toEqual([["exec", NS("backup").toString()]]);
      expect(originalCommandOf(session)?.toString() ?? null).toBe(original);
    }
  });

  test("a forced internal-sftp is the subsystem, with arguments too, whatever was asked for", () => {
    for (const command of ["internal-sftp", "internal-sftp -d /srv"]) {
      const { session, open, request } = connected(new Permissions({ command }));
      open("session");
      request("exec", NS("sh"));
      expect(session.requests).toEqual([["subsystem", NS("sftp").toString()]]);
    }
  });

  test("can be narrowed later, never widened", () => {
    const { connection, open } = connected(new Permissions({ portForwarding: false }));
    restrict(connection.transport!, new Permissions({ pty: false }));
    expect(permissionsOf(connection)).toMatchObject({ pty: false, portForwarding: false, agentForwarding: true });
    expect(open("direct-tcpip", place("any", 1))).toEqual(PROHIBITED);
  });
});

describe("what two logins permit together", () => {
  test("is what both permit", () => {
    const one = new Permissions({
      agentForwarding: false,
      environment: new Map([["A", "1"]]),
      permitOpen: [endpoint("a:1"), endpoint("b:1")],
    });
    const two = new Permissions({
      userRc: false,
      command: "run",
      environment: new Map([
        ["A", "2"],
        ["B", "2"],
      ]),
      permitOpen: [endpoint("b:*")],
    });
    const both = one.and(two);
    expect(both).toMatchObject({ agentForwarding: false, userRc: false, pty: true, command: "run" });
    expect(Object.fromEntries(both.environment)).toEqual({ A: "1", B: "2" });
    expect([both.mayConnect("a", 1), both.mayConnect("b", 1), both.mayConnect("b", 2)]).toEqual([false, true, false]);
  });

  test("is nothing when each forces another command", () => {
    const [one, two] = [new Permissions({ command: "a" }), new Permissions({ command: "b" })];
    expect(() => one.and(two)).toThrow(UnauthorizedLogin);
    expect(one.and(one).command).toBe("a");
  });
});

describe("an endpoint", () => {
  test("is a host, bracketed where it has colons, and a port or any", () => {
    expect(endpoint("host:22")).toEqual({ host: "host", port: 22 });
    expect(endpoint("[fe80::1]:*")).toEqual({ host: "fe80::1", port: null });
    expect(endpoint("8080", { bare: true })).toEqual({ host: "*", port: 8080 });
  });

  test("is nothing else", () => {
    for (const text of ["", "host", "host:", ":1", "host:0", "host:65536", "host:-1", "host:1x", "::1:22", "8080"]) {
      expect(() => endpoint(text), text).toThrow(ValueError);
    }
  });
});

test("a pattern fits the whole of a text, in any case", () => {
  for (const [text, pattern] of [
    ["example.org", "*.ORG"],
    ["a", "?"],
    ["", "*"],
    ["aXbXc", "a*b*c"],
    ["abab", "*ab"],
  ] as const) {
    expect(matchesPattern(text, pattern), pattern).toBe(true);
  }
  for (const [text, pattern] of [
    ["example.org", "example"],
    ["", "?"],
    ["ab", "a"],
    ["a", "ab"],
    ["abc", "*b"],
  ] as const) {
    expect(matchesPattern(text, pattern), pattern).toBe(false);
  }
});

test("a pattern made to be slow is not", () => {
  expect(matchesPattern("a".repeat(2000), `${"*a".repeat(500)}b`)).toBe(false);
});
