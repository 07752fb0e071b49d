/** Logins by name and password, with clients that answer, refuse or say nothing about ECHO. */
import { type ICredentialsChecker, InMemoryUsernamePasswordDatabaseDontUse } from "@strombus/cred/checkers";
import { IUsernamePassword, type UsernamePassword } from "@strombus/cred/credentials";
import { type IRealm, Portal, type PortalLogin } from "@strombus/cred/portal";
import { Deferred } from "@strombus/reactor/defer";
import { IProtocol } from "@strombus/reactor/interfaces";
import { capturedLogs, formatEvent } from "@strombus/reactor/logger";
import { captureLoggedErrors, Clock, flushLoggedErrors, StringTransport } from "@strombus/reactor/testing";
import { beforeEach, describe, expect, test } from "vitest";
import { AuthenticatingTelnetProtocol } from "./authentication.js";
import { ECHO } from "./constants.js";
import { ITelnetProtocol } from "./interfaces.js";
import { bytes, do_, dont, Recorder, will, wont } from "./recording.test.support.js";
import { TelnetTransport } from "./transport.js";

const users = new InMemoryUsernamePasswordDatabaseDontUse({ ada: "secret" });

/** A connection that logs in, and counts logouts. */
class Login {
  readonly wire = new StringTransport();
  readonly clock = new Clock();
  readonly avatar = new Recorder();
  logouts = 0;
  answer: () => PortalLogin = () => [ITelnetProtocol, this.avatar, () => (this.logouts += 1)];
  readonly realm: IRealm = { requestAvatar: () => this.answer() };
  readonly protocol: AuthenticatingTelnetProtocol;
  readonly telnet = new TelnetTransport(() => this.protocol);

  constructor(checker: ICredentialsChecker = users) {
    this.protocol = new AuthenticatingTelnetProtocol(new Portal(this.realm, [checker]));
    this.protocol.callLater = (seconds, call) => this.clock.callLater(seconds, call);
    void this.telnet.makeConnection(this.wire);
  }

  /** What is sent back for this. */
  answerTo(...pieces: (number | string)[]): Buffer {
    this.wire.clear();
    void this.telnet.dataReceived(bytes(...pieces));
    return this.wire.value();
  }

  /** A login of a client that answers. */
  enter(username: string, password: string): Buffer {
    this.answerTo(`${username}\r\n`);
    this.answerTo(...do_(ECHO), `${password}\r\n`);
    return this.answerTo(...dont(ECHO));
  }
}

let login: Login;
beforeEach(() => {
  login = new Login();
});

describe("the dialogue", () => {
  test("is Twisted's, byte for byte", () => {
    expect(login.wire.value().toString()).toBe("Username: ");
    expect(login.answerTo("ada\r\n")).toEqual(bytes(...will(ECHO), "Password: "));
    expect(login.answerTo(...do_(ECHO), "bad\r\n")).toEqual(bytes(...wont(ECHO)));
    expect(login.answerTo(...dont(ECHO)).toString()).toBe("\r\nAuthentication failed\r\nUsername: ");
    expect(login.enter("ada", "secret").length).toBe(0);
    expect([login.telnet.protocol, login.protocol.protocol]).toEqual([login.avatar, login.avatar]);
    expect([login.protocol.state, login.avatar.transport]).toEqual(["Command", login.telnet]);
    void login.telnet.dataReceived(bytes("data\r\n"));
    expect(login.avatar.heard.at(-1)).toBe("data\n");
  });

  test.each([["\r\n"], ["\r\0"], ["\n"]])("takes lines that end with %j", (end) => {
    login.answerTo(`ada${end}`);
    login.answerTo(...do_(ECHO), `secret${end}`);
    login.answerTo(...dont(ECHO));
    expect(login.telnet.protocol).toBe(login.avatar);
  });

  test("takes a line that was erased and typed anew", () => {
    expect(login.enter("bob\x15adda\x7f\x7fa", "se\b\b\bsecret").length).toBe(0);
    expect(login.telnet.protocol).toBe(login.avatar);
  });

  test("drops what is typed behind a password", () => {
    login.answerTo("ada\r\n", ...do_(ECHO), "secret\r\n");
    login.answerTo("lost\r\n");
    login.answerTo(...dont(ECHO), "kept");
    expect(login.avatar.heard).toEqual([["disableLocal", ECHO], "kept"]);
  });
});

test("what comes in one piece with the password is dropped, too", () => {
  login.answerTo("ada\r\nsecret\r\nlost\r\n");
  expect([login.telnet.protocol, login.avatar.heard]).toEqual([login.avatar, []]);
});

describe("a client", () => {
  test("that refuses ECHO logs in", () => {
    login.answerTo("ada\r\n", ...dont(ECHO), "secret\r\n");
    expect(login.telnet.protocol).toBe(login.avatar);
  });

  test("that says nothing about it logs in", () => {
    login.answerTo("ada\r\n", "secret\r\n");
    expect(login.telnet.protocol).toBe(login.avatar);
  });

  test("that answers too late shows again what is typed", () => {
    login.answerTo("ada\r\n", "bad\r\n");
    expect(login.answerTo(...do_(ECHO))).toEqual(bytes(...wont(ECHO)));
  });

  test("that does not say it shows again logs in after a while", () => {
    login.answerTo("ada\r\n", ...do_(ECHO), "secret\r\n");
    login.clock.advance(4.9);
    expect(login.telnet.protocol).toBe(login.protocol);
    login.clock.advance(0.1);
    expect(login.telnet.protocol).toBe(login.avatar);
    login.answerTo(...dont(ECHO));
    expect(login.clock.calls).toEqual([]);
  });
});

describe("limits", () => {
  test("three failures end the connection", () => {
    for (let count = 0; count < 2; count++) login.enter("ada", "bad");
    expect(login.wire.disconnecting).toBe(false);
    expect(login.enter("ada", "bad").toString()).toBe("\r\nAuthentication failed\r\n");
    expect(login.wire.disconnecting).toBe(true);
  });

  test("a line of 1,024 bytes that is not finished does", () => {
    login.answerTo("x".repeat(1024));
    expect(login.wire.disconnecting).toBe(false);
    login.answerTo("x");
    expect(login.wire.disconnecting).toBe(true);
  });

  test("two minutes do, unless somebody is in", () => {
    login.clock.advance(119);
    expect(login.wire.disconnecting).toBe(false);
    login.clock.advance(1);
    expect(login.wire.disconnecting).toBe(true);
    const other = new Login();
    other.enter("ada", "secret");
    expect(other.clock.calls).toEqual([]);
    const gone = new Login();
    void gone.telnet.connectionLost();
    expect(gone.clock.calls).toEqual([]);
  });
});

describe("the end", () => {
  test("is told to the avatar, and logs out once", () => {
    login.enter("ada", "secret");
    expect(login.logouts).toBe(0);
    void login.telnet.connectionLost();
    expect(login.avatar.heard).toMatchObject([
      ["disableLocal", ECHO],
      ["lost", {}],
    ]);
    expect(login.logouts).toBe(1);
  });

  test("while the portal thinks logs out when it has thought", () => {
    const thought = new Deferred<string>();
    const slow = new Login({ credentialInterfaces: [IUsernamePassword], requestAvatarId: () => thought });
    slow.enter("ada", "secret");
    void slow.telnet.connectionLost();
    thought.callback("ada");
    expect([slow.logouts, slow.avatar.transport]).toEqual([1, null]);
  });

  test("of the time for a login counts also while the portal thinks", () => {
    const thought = new Deferred<string>();
    const slow = new Login({ credentialInterfaces: [IUsernamePassword], requestAvatarId: () => thought });
    slow.enter("ada", "secret");
    slow.clock.advance(120);
    thought.callback("ada");
    expect([slow.wire.disconnecting, slow.logouts, slow.avatar.transport]).toEqual([true, 1, null]);
  });

  test("while the answer about ECHO is awaited asks the portal nothing", () => {
    const asked: unknown[] = [];
    const other = new Login({
      credentialInterfaces: [IUsernamePassword],
      requestAvatarId: (credentials) => void asked.push(credentials) as never,
    });
    other.answerTo("ada\r\n", ...do_(ECHO), "secret\r\n");
    void other.telnet.connectionLost();
    expect([asked, other.clock.calls]).toEqual([[], []]);
  });
});

describe("an application that fails", () => {
  beforeEach(() => captureLoggedErrors());

  test("in its checker lets nobody in", () => {
    const failing = new Login({
      credentialInterfaces: [IUsernamePassword],
      requestAvatarId: () => Promise.reject(new RangeError("no database")),
    });
    failing.enter("ada", "secret");
    return Promise.resolve()
      .then(() => new Promise(setImmediate))
      .then(() => {
        expect(failing.wire.value().toString()).toContain("Authentication failed");
        expect(flushLoggedErrors(RangeError)).toHaveLength(1);
      });
  });

  test("with an avatar of another kind loses the connection, and logs out", () => {
    for (const iface of [IProtocol, ITelnetProtocol]) {
      const other = new Login();
      other.answer = () => [iface, iface === IProtocol ? other.avatar : {}, () => (other.logouts += 1)];
      other.enter("ada", "secret");
      expect([other.wire.disconnecting, other.telnet.protocol === other.protocol]).toEqual([true, true]);
      void other.telnet.connectionLost();
      expect(other.logouts).toBe(1);
    }
    expect(flushLoggedErrors()).toHaveLength(2);
  });

  test.each([
    [
      "throws",
      () => {
        throw new RangeError("begin");
      },
    ],
    ["rejects", () => Promise.reject(new RangeError("begin"))],
  ])("in an avatar that %s as it begins loses the connection", async (_, begin) => {
    login.avatar.makeConnection = begin;
    login.enter("ada", "secret");
    await new Promise(setImmediate);
    expect(login.wire.disconnecting).toBe(true);
    expect(flushLoggedErrors(RangeError)).toHaveLength(1);
  });

  test("in its logout is logged", () => {
    login.answer = () => [
      ITelnetProtocol,
      login.avatar,
      () => {
        throw new RangeError("logout");
      },
    ];
    login.enter("ada", "secret");
    void login.telnet.connectionLost();
    expect(flushLoggedErrors(RangeError)).toHaveLength(1);
  });
});

test("logs have who has come in and who has not, and no password", () => {
  const events = capturedLogs(() => {
    login.enter("ada", "hunter2");
    login.enter("ada", "secret");
  });
  expect(events.map((event) => formatEvent(event).split(" from ")[0])).toEqual([
    "user ada was not let in by telnet",
    "user ada logged in by telnet",
  ]);
  expect(JSON.stringify(events)).not.toMatch(/hunter2|secret/);
});

test("passwords are bytes of UTF-8", () => {
  const seen: string[] = [];
  const other = new Login({
    credentialInterfaces: [IUsernamePassword],
    requestAvatarId: (credentials) => {
      seen.push((credentials as UsernamePassword).username, (credentials as UsernamePassword).password);
      return "ada";
    },
  });
  other.enter(Buffer.from("adé").toString("latin1"), Buffer.from("sécret").toString("latin1"));
  expect(seen).toEqual(["adé", "sécret"]);
});
