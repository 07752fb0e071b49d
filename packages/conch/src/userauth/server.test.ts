import { AllowAnonymousAccess, type AvatarId, type ICredentialsChecker } from "@strombus/cred/checkers";
import { IAnonymous, type ICredentials, ISSHPrivateKey, IUsernamePassword } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { implementer, interfaceToken } from "@strombus/reactor/components";
import { Deferred, fail, succeed } from "@strombus/reactor/defer";
import type { Failure } from "@strombus/reactor/failure";
import { capturedLogs, formatEvent } from "@strombus/reactor/logger";
import { describe, expect, test } from "vitest";
import { ConchError, IgnoreAuthentication, NotEnoughAuthentication } from "../error.js";
import { IConchUser } from "../interfaces.js";
import { PublicKeySigned, UserauthInfoResponse } from "../messages/userauth.js";
import { permissionsOf, Permissions, restrict } from "../permissions.js";
import * as userauth from "../ssh/userauth.js";
import { SSHUserAuthClient, SSHUserAuthServer } from "../ssh/userauth.js";
import {
  failure,
  keyData,
  NextService,
  NS,
  password,
  PasswordChecker,
  PrivateKeyChecker,
  Realm,
  request,
  serve,
  SESSION_ID,
  ed25519,
  hostKeyBlob,
} from "./fixtures.test.support.js";

const numbers = {
  MSG_USERAUTH_REQUEST: 50,
  MSG_USERAUTH_FAILURE: 51,
  MSG_USERAUTH_SUCCESS: 52,
  MSG_USERAUTH_BANNER: 53,
  MSG_USERAUTH_PK_OK: 60,
  MSG_USERAUTH_PASSWD_CHANGEREQ: 60,
  MSG_USERAUTH_INFO_REQUEST: 60,
  MSG_USERAUTH_INFO_RESPONSE: 61,
};
const SUCCESS = [52, Buffer.alloc(0)];
const DELAY = 0.25;

const key = ed25519();
const good = NS("ssh-ed25519", "good");
const bad = NS("ssh-ed25519", "nothing");

const ISOME = interfaceToken("ISome");

function withKeys() {
  const checker = new PrivateKeyChecker([key.blob]);
  return { checker, ...serve({ checkers: [checker, new PasswordChecker()] }) };
}

describe("starting", () => {
  test("number 60 is PK_OK, and the numbers it shares are not in the table", () => {
    expect(new SSHUserAuthServer().protocolMessages[60]).toBe("MSG_USERAUTH_PK_OK");
  });

  test("the numbers have the names of Twisted, and a method answers to its own", () => {
    const { protocolMessages } = new SSHUserAuthServer();
    for (const [name, number] of Object.entries(numbers)) expect(userauth).toHaveProperty(name, number);
    expect(new SSHUserAuthClient("foo", new NextService()).protocolMessages).toEqual(protocolMessages);
    expect(Object.entries(protocolMessages).map(([number, name]) => [name, Number(number)])).toEqual(
      Object.entries(numbers).filter(([name]) => !/PASSWD_CHANGEREQ|INFO_REQUEST/.test(name)),
    );
  });

  test("begins with nothing shown and nobody named, as the service ssh-userauth", () => {
    const { service } = serve();
    expect(service).toMatchObject({
      name: "ssh-userauth",
      authenticatedWith: [],
      loginAttempts: 0,
      user: null,
      nextService: null,
      method: null,
    });
    expect(service.interfaceToMethod.get(ISSHPrivateKey)).toBe("publickey");
    expect(service.interfaceToMethod.get(IUsernamePassword)).toBe("password");
  });

  test("methods are offered in the order in which their checkers were registered", () => {
    expect(withKeys().service.supportedAuthentications).toEqual(["publickey", "password"]);
    const other = serve({ checkers: [new PasswordChecker(), new PrivateKeyChecker([])] });
    expect(other.service.supportedAuthentications).toEqual(["password", "publickey"]);
  });

  test("a checker for credentials that no method brings is not offered", () => {
    const { service } = serve({ checkers: [new AllowAnonymousAccess(), new PasswordChecker()] });
    expect(service.supportedAuthentications).toEqual(["password"]);
  });

  test("a password is not taken in the clear, whatever we send is encrypted", () => {
    const { service, transport } = serve({ transport: (each) => (each.encrypted = { in: false, out: true }) });
    expect(service.supportedAuthentications).toEqual([]);
    service.ssh_USERAUTH_REQUEST(password("good"));
    expect(transport.avatar).toBeUndefined();
  });

  test("a password is taken when only what comes in is encrypted", () => {
    const { service } = serve({ transport: (each) => (each.encrypted = { in: true, out: false }) });
    expect(service.supportedAuthentications).toEqual(["password"]);
  });

  test("there need not be a password method to leave out in the clear", () => {
    const checkers = [new PrivateKeyChecker([])];
    const { service } = serve({ checkers, transport: (each) => (each.encrypted = { in: false, out: false }) });
    expect(service.supportedAuthentications).toEqual(["publickey"]);
  });
});

describe("the login time", () => {
  test("disconnects who is slow, and then nothing is answered", () => {
    const { clock, transport, service } = serve();
    clock.advance(119.9);
    expect(transport.disconnects).toEqual([]);
    clock.advance(0.2);
    expect(transport.disconnects).toEqual([[14, "you took too long"]]);
    expect(transport.lost).toBe(true);
    service.ssh_USERAUTH_REQUEST(password("good"));
    expect(transport.packets).toEqual([]);
  });

  test("does nothing after the service has stopped", () => {
    const { clock, transport, service } = serve();
    service.serviceStopped();
    clock.advance(11 * 3600);
    expect(transport.disconnects).toEqual([]);
    expect(transport.packets).toEqual([]);
    expect(clock.getDelayedCalls()).toEqual([]);
  });

  test("A1: is not moved by a service that starts again", () => {
    const { clock, transport } = serve();
    clock.advance(100);
    const again = new SSHUserAuthServer();
    again.clock = clock;
    transport.setService(again);
    clock.advance(20);
    expect(transport.disconnects).toEqual([[14, "you took too long"]]);
  });
});

describe("none", () => {
  test("fails at once with the list of methods, and counts as no failure", () => {
    const { service, transport } = withKeys();
    for (let i = 0; i < 10; i++) service.ssh_USERAUTH_REQUEST(request("none"));
    expect(transport.packets[0]).toEqual([51, failure("publickey,password")]);
    expect(transport.packets).toHaveLength(10);
    expect(service.loginAttempts).toBe(0);
    expect(transport.disconnects).toEqual([]);
  });

  test("A10: lets in where an anonymous checker is registered", () => {
    const { service, transport } = serve({ checkers: [new AllowAnonymousAccess()] });
    service.ssh_USERAUTH_REQUEST(request("none"));
    expect(transport.packets).toEqual([SUCCESS]);
  });

  test("lets in by credentials of a subclass's own, as other methods do, and is never on the list", () => {
    @implementer(ISOME)
    class Name {
      constructor(readonly username: string) {}
    }
    class Named extends SSHUserAuthServer {
      override interfaceToMethod = new Map([
        [ISOME, "none"],
        [IUsernamePassword, "password"],
      ]);
      override auth_none(): Deferred {
        return this.login(new Name(this.user!));
      }
    }
    const names: ICredentialsChecker = {
      credentialInterfaces: [ISOME],
      requestAvatarId(credentials) {
        const { username } = credentials as Name;
        if (username !== "guest") throw new UnauthorizedLogin();
        return username;
      },
    };
    const { service, transport } = serve({ Service: Named, checkers: [names, new PasswordChecker()] });
    service.ssh_USERAUTH_REQUEST(request("none", "", "foo"));
    service.ssh_USERAUTH_REQUEST(request("none", "", "guest"));
    expect(transport.packets).toEqual([[51, failure("password")], SUCCESS]);
    expect(service.loginAttempts).toBe(0);
  });
});

describe("password", () => {
  test("a good one gives exactly one packet, and starts the service asked for", () => {
    const { service, transport, realm } = serve();
    service.ssh_USERAUTH_REQUEST(password("good"));
    expect(transport.packets).toEqual([SUCCESS]);
    expect(transport.service).toBeInstanceOf(NextService);
    expect(transport.avatar).toBe(realm.avatar);
    expect(realm.avatars).toBe(1);
    transport.logoutFunction?.();
    expect(realm.logouts).toBe(1);
  });

  test("a bad one is answered when the delay has passed", () => {
    const { clock, service, transport } = serve();
    service.ssh_USERAUTH_REQUEST(password("bad"));
    expect(transport.packets).toEqual([]);
    clock.advance(DELAY / 2);
    expect(transport.packets).toEqual([]);
    clock.advance(DELAY / 2);
    expect(transport.packets).toEqual([[51, failure("password")]]);
  });

  test("A13: the change form never logs in, and no checker sees it", () => {
    const checker = new PasswordChecker();
    const { clock, service, transport } = serve({ checkers: [checker] });
    const change = Buffer.concat([Buffer.of(0xff), NS("good", "new")]);
    service.ssh_USERAUTH_REQUEST(request("password", change));
    clock.advance(DELAY);
    expect(transport.packets).toEqual([[51, failure("password")]]);
    expect(checker.seen).toEqual([]);
  });

  test("A13: one of more than 1,024 bytes fails before it is checked, as does one that is not UTF-8", () => {
    const checker = new PasswordChecker();
    const { clock, service, transport } = serve({ checkers: [checker] });
    for (const text of ["x".repeat(1025), Buffer.of(0xff, 0xfe), "y".repeat(1024)]) {
      service.ssh_USERAUTH_REQUEST(password(text));
      clock.advance(DELAY);
    }
    expect(transport.packets).toHaveLength(3);
    expect(checker.seen).toEqual(["y".repeat(1024)]);
  });

  test("the seventh failure disconnects instead of being answered", () => {
    const { clock, service, transport } = serve();
    for (let i = 0; i < 6; i++) {
      service.ssh_USERAUTH_REQUEST(password("bad"));
      clock.advance(DELAY);
    }
    expect(transport.packets).toHaveLength(6);
    expect(service.loginAttempts).toBe(6);
    service.ssh_USERAUTH_REQUEST(password("bad"));
    clock.advance(DELAY);
    expect(transport.packets).toHaveLength(6);
    expect(transport.disconnects).toEqual([[14, "too many bad auths"]]);
  });

  test("Twisted's 20 failures are a matter of its attribute", () => {
    const { clock, service, transport } = serve();
    service.attemptsBeforeDisconnect = 20;
    for (let i = 0; i < 21; i++) {
      expect(transport.disconnects).toEqual([]);
      service.ssh_USERAUTH_REQUEST(password("bad"));
      clock.advance(DELAY);
    }
    expect(transport.disconnects).toEqual([[14, "too many bad auths"]]);
  });

  test("A1: failures are counted on over a service that starts again", () => {
    const { clock, transport } = serve();
    for (let i = 0; i < 7; i++) {
      const service = new SSHUserAuthServer();
      service.clock = clock;
      transport.setService(service);
      service.ssh_USERAUTH_REQUEST(password("bad", `user${i}`));
      clock.advance(DELAY);
    }
    expect(transport.disconnects).toEqual([[14, "too many bad auths"]]);
  });
});

describe("publickey", () => {
  test("a signed request logs in, and the checker gets what was signed as we know it", () => {
    const { service, transport, checker } = withKeys();
    service.ssh_USERAUTH_REQUEST(request("publickey", keyData(1, "ssh-ed25519", key.blob, good)));
    expect(transport.packets).toEqual([SUCCESS]);
    const [seen] = checker.seen;
    expect(seen).toMatchObject({ username: "foo", algName: "ssh-ed25519", blob: key.blob, signature: good });
    const signed = Buffer.concat([
      NS(SESSION_ID),
      Buffer.of(50),
      NS("foo", "next", "publickey"),
      Buffer.of(1),
      NS("ssh-ed25519", key.blob),
    ]);
    expect(seen?.sigData).toEqual(signed);
  });

  test("the flag is signed as it came", () => {
    const { service, transport, checker } = withKeys();
    service.ssh_USERAUTH_REQUEST(request("publickey", keyData(0xff, "ssh-ed25519", key.blob, good)));
    expect(transport.packets).toEqual([SUCCESS]);
    expect(PublicKeySigned.decode(checker.seen[0]!.sigData!).hasSignature).toBe(0xff);
  });

  test("a question about a good key is answered with its algorithm and blob", () => {
    const { service, transport } = withKeys();
    service.ssh_USERAUTH_REQUEST(request("publickey", keyData(0, "ssh-ed25519", key.blob)));
    expect(transport.packets).toEqual([[60, NS("ssh-ed25519", key.blob)]]);
    expect(service.loginAttempts).toBe(0);
  });

  const other = ed25519().blob;
  const truncated = key.blob.subarray(0, -1);
  for (const [what, data] of [
    ["an unknown key", keyData(0, "ssh-ed25519", other)],
    ["a signature by an unknown key", keyData(1, "ssh-ed25519", other, good)],
    ["a bad signature", keyData(1, "ssh-ed25519", key.blob, bad)],
    ["an unsupported blob", keyData(1, "ssh-ed25519", NS("unsupported", "key"), good)],
    ["a corrupt blob", keyData(1, "ssh-ed25519", truncated, good)],
    ["a text that is no blob", keyData(0, "ssh-ed25519", Buffer.from("garbage"))],
  ] as const) {
    test(`${what} fails after the delay`, () => {
      const { clock, service, transport } = withKeys();
      service.ssh_USERAUTH_REQUEST(request("publickey", data));
      expect(transport.packets).toEqual([]);
      clock.advance(DELAY);
      expect(transport.packets).toEqual([[51, failure("publickey,password")]]);
      expect(transport.avatar).toBeUndefined();
    });
  }

  test("a question about a key that will not do is no login, and at debug level the log says why", () => {
    const checker = new PrivateKeyChecker([]);
    checker.requestAvatarId = () => {
      throw new UnauthorizedLogin("not from\nthis address");
    };
    const { clock, service } = serve({ checkers: [checker] });
    const events = capturedLogs(() => {
      service.ssh_USERAUTH_REQUEST(request("publickey", keyData(0, "ssh-ed25519", key.blob)));
      clock.advance(DELAY);
    });
    expect(events.map((event) => [event.log_level?.name, formatEvent(event)])).toEqual([
      [
        "debug",
        expect.stringMatching(/^a signature by key SHA256:\S+ would not do for user "foo": "not from\\nthis address"$/),
      ],
    ]);
  });

  test("A5: a question never logs in nor reaches the realm, even where the checker says yes", () => {
    const easy: ICredentialsChecker = { credentialInterfaces: [ISSHPrivateKey], requestAvatarId: () => "foo" };
    const { clock, service, transport, realm } = serve({ checkers: [easy] });
    service.ssh_USERAUTH_REQUEST(request("publickey", keyData(0, "ssh-ed25519", key.blob)));
    clock.advance(DELAY);
    expect(transport.packets).toEqual([[51, failure("publickey")]]);
    expect(realm.avatars).toBe(0);
  });

  test("A7: nothing is asked of the checker when names disagree or are not on the list", () => {
    const { clock, service, transport, checker } = withKeys();
    for (const data of [
      keyData(1, "rsa-sha2-256", key.blob, NS("rsa-sha2-256", "good")),
      keyData(1, "ssh-ed25519", key.blob, NS("ssh-ed448", "good")),
      keyData(1, "ssh-dss", NS("ssh-dss"), NS("ssh-dss", "good")),
    ]) {
      service.ssh_USERAUTH_REQUEST(request("publickey", data));
      clock.advance(DELAY);
    }
    expect(transport.packets).toHaveLength(3);
    expect(checker.seen).toEqual([]);
  });

  test("A7: the list is the one that was sent as server-sig-algs", () => {
    const { clock, service, transport } = withKeys();
    transport.supportedUserKeyAlgorithms = ["rsa-sha2-512"];
    service.ssh_USERAUTH_REQUEST(request("publickey", keyData(1, "ssh-ed25519", key.blob, good)));
    clock.advance(DELAY);
    expect(transport.packets).toEqual([[51, failure("publickey,password")]]);
  });

  test("A11: the sixteenth question about a key disconnects, the fifteen before are no failures", () => {
    const { clock, service, transport } = withKeys();
    for (let i = 0; i < 15; i++) {
      service.ssh_USERAUTH_REQUEST(request("publickey", keyData(0, "ssh-ed25519", ed25519().blob)));
      clock.advance(DELAY);
    }
    expect(transport.packets).toHaveLength(15);
    expect(service.loginAttempts).toBe(0);
    service.ssh_USERAUTH_REQUEST(request("publickey", keyData(0, "ssh-ed25519", key.blob)));
    clock.advance(DELAY);
    expect(transport.packets).toHaveLength(15);
    expect(transport.disconnects).toEqual([[14, "too many keys"]]);
  });

  test("a host-bound signature covers our host key, and is refused for another's", () => {
    const method = "publickey-hostbound-v00@openssh.com";
    const { clock, service, transport, checker } = withKeys();
    service.ssh_USERAUTH_REQUEST(request(method, keyData(1, "ssh-ed25519", key.blob, ed25519().blob, good)));
    clock.advance(DELAY);
    expect(transport.packets).toEqual([[51, failure("publickey,password")]]);
    service.ssh_USERAUTH_REQUEST(request(method, keyData(1, "ssh-ed25519", key.blob, hostKeyBlob, good)));
    expect(transport.packets[1]).toEqual(SUCCESS);
    const signed = checker.seen[0]!.sigData!;
    expect(signed.includes(NS("next", method))).toBe(true);
    expect(signed.subarray(-hostKeyBlob.length)).toEqual(hostKeyBlob);
  });
});

describe("what fits no method", () => {
  for (const [what, packet] of [
    ["an unknown method", request("hostbased")],
    ["a method name that every object has", request("constructor")],
    ["an unknown user", password("good", "nobody")],
    ["A17: an empty user name", password("good", "")],
    ["A17: a user name with NUL", password("good", "foo\0")],
    ["A17: a user name that is not UTF-8", password("good", Buffer.of(0x66, 0xff))],
    ["A17: a user name of 256 bytes", password("good", "f".repeat(256))],
    ["an empty service", password("good", "foo", "")],
    ["an unknown service", password("good", "foo", "unknown")],
    ["this very service", password("good", "foo", "ssh-userauth")],
  ] as const) {
    test(`A12: ${what} fails like a bad password`, () => {
      const { clock, service, transport } = serve();
      service.ssh_USERAUTH_REQUEST(packet);
      expect(transport.packets).toEqual([]);
      clock.advance(DELAY);
      expect(transport.packets).toEqual([[51, failure("password")]]);
      expect(service.loginAttempts).toBe(1);
    });
  }

  test("A17: no checker is asked about a user name that is none", () => {
    const checker = new PasswordChecker();
    const { clock, service } = serve({ checkers: [checker] });
    for (const name of ["", "foo\0", Buffer.of(0x66, 0xff), "f".repeat(256), "f".repeat(255)]) {
      service.ssh_USERAUTH_REQUEST(password(`by ${name.length}`, name));
      clock.advance(DELAY);
    }
    expect(checker.seen).toEqual(["by 255"]);
  });

  test("A9: a service that we do not run leaves nobody logged in", () => {
    const { clock, service, transport, realm } = serve();
    service.ssh_USERAUTH_REQUEST(password("good", "foo", "unknown"));
    expect(transport.avatar).toBeUndefined();
    expect(transport.logoutFunction).toBeNull();
    expect(realm.logouts).toBe(1);
    clock.advance(DELAY);
    transport.connectionLost();
    expect(realm.logouts).toBe(1);
  });

  for (const [what, packet] of [
    ["is cut off", NS("foo", "next")],
    ["has a cut password", request("password", Buffer.of(0, 0, 0, 9))],
    ["has data after the password", request("password", Buffer.concat([Buffer.of(0), NS("good"), Buffer.of(0)]))],
    ["has data after a key", request("publickey", keyData(0, "ssh-ed25519", key.blob, "more"))],
    ["lacks the signature that it announces", request("publickey", keyData(1, "ssh-ed25519", key.blob))],
  ] as const) {
    test(`T7: a request that ${what} ends the connection`, () => {
      const { clock, service, transport } = withKeys();
      service.ssh_USERAUTH_REQUEST(packet);
      clock.advance(DELAY);
      expect(transport.disconnects.map(([reason]) => reason)).toEqual([2]);
      expect(transport.packets).toEqual([]);
    });
  }

  test("A11: the request after the 128th disconnects, whatever it asks", () => {
    const { service, transport } = serve();
    for (let i = 0; i < 129; i++) service.ssh_USERAUTH_REQUEST(request("none"));
    expect(transport.packets).toHaveLength(128);
    expect(transport.disconnects).toEqual([[14, "too many requests"]]);
  });
});

describe("tryAuth", () => {
  const outcome = (result: Deferred) => {
    let seen: unknown;
    result.addBoth((each: unknown) => void (seen = each));
    return (seen as Failure).value;
  };

  test("fails with ConchError for a method that returns nothing, is no function, or is not offered", () => {
    const { service } = serve();
    service.supportedAuthentications = ["nothing", "attribute"];
    Object.assign(service, { auth_nothing: () => null, auth_attribute: null });
    for (const kind of ["nothing", "attribute", "other"]) {
      expect(outcome(service.tryAuth(kind, "foo", Buffer.alloc(0)))).toBeInstanceOf(ConchError);
    }
  });

  test("returning null itself is a ConchError to _ebBadAuth", () => {
    const { clock, service } = serve();
    const reasons: unknown[] = [];
    service.tryAuth = () => null as never;
    service._ebBadAuth = (reason) => void reasons.push(reason.value);
    service.ssh_USERAUTH_REQUEST(request("password"));
    clock.advance(DELAY);
    expect(reasons).toHaveLength(1);
    expect(reasons[0]).toBeInstanceOf(ConchError);
  });
});

describe("the steps of a request", () => {
  test("a method that has answered by itself is answered by nothing more, and is no failure", () => {
    const { clock, service, transport } = serve();
    service.auth_password = () => fail(new IgnoreAuthentication());
    service.ssh_USERAUTH_REQUEST(password("good"));
    clock.advance(DELAY);
    expect(transport.packets).toEqual([]);
    expect(service.loginAttempts).toBe(0);
    service.ssh_USERAUTH_REQUEST(request("none"));
    expect(transport.packets).toHaveLength(1);
  });

  test("the user, the service and the method are those of the request before it is tried", () => {
    const { service } = serve();
    let seen: unknown;
    service.tryAuth = (kind, user, data) => {
      seen = [kind, user, data, service.user, service.nextService, service.method];
      return fail(new UnauthorizedLogin());
    };
    service.ssh_USERAUTH_REQUEST(request("some-method", "data", "foo", "next"));
    expect(seen).toEqual(["some-method", "foo", Buffer.from("data"), "foo", "next", "some-method"]);
  });

  test("a method with hyphens is done by a function without", () => {
    const { service } = serve();
    service.supportedAuthentications = ["some-long-method"];
    service.portal.registerChecker(new PasswordChecker(), ISOME);
    service.interfaceToMethod.set(ISOME, "some-long-method");
    const tried: Buffer[] = [];
    Object.assign(service, { auth_some_long_method: (data: Buffer) => void tried.push(data) });
    service.tryAuth("some-long-method", "foo", Buffer.from("data")).addErrback(() => null);
    expect(tried).toEqual([Buffer.from("data")]);
  });

  test("the service may be made by a function", () => {
    const { service, transport } = serve();
    const next = new NextService();
    Object.assign((transport as unknown as { factory: object }).factory, { getService: () => () => next });
    service.ssh_USERAUTH_REQUEST(password("good"));
    expect([transport.packets, transport.service]).toEqual([[SUCCESS], next]);
  });

  test("the service is looked up when the avatar is there, and one that cannot be is none", () => {
    for (const broken of [false, true]) {
      const { clock, service, transport, realm } = serve();
      const { factory } = transport as unknown as { factory: { getService: (...of: unknown[]) => unknown } };
      const seen: unknown[] = [];
      const { getService } = factory;
      factory.getService = (...of) => {
        seen.push(transport.avatar, transport.logoutFunction !== null, of[1]);
        if (broken) throw new TypeError("no service");
        return getService(...of);
      };
      service.ssh_USERAUTH_REQUEST(password("good"));
      clock.advance(DELAY);
      expect(seen).toEqual([realm.avatar, true, "next"]);
      expect(transport.packets).toEqual([broken ? [51, failure("password")] : SUCCESS]);
      expect([transport.avatar, realm.logouts]).toEqual(broken ? [undefined, 1] : [realm.avatar, 0]);
    }
  });
});

describe("what a login gives", () => {
  test("an avatar of null is one", () => {
    const realm = new Realm();
    realm.avatar = null;
    const { service, transport } = serve({ realm });
    service.ssh_USERAUTH_REQUEST(password("good"));
    expect(transport.packets).toEqual([SUCCESS]);
    expect(transport.avatar).toBeNull();
  });

  const logout = () => {};
  for (const [what, given] of [
    ["undefined", undefined],
    ["true", true],
    ["an Error that is returned", new Error("no")],
    ["a name", "foo"],
    ["too few", [IConchUser, {}]],
    ["another interface", [IUsernamePassword, {}, logout]],
    ["no avatar", [IConchUser, undefined, logout]],
    ["no logout", [IConchUser, {}, null]],
  ] as const) {
    test(`A4: ${what} from the realm lets nobody in`, () => {
      const realm = new Realm();
      realm.requestAvatar = () => given as never;
      const { clock, service, transport } = serve({ realm });
      service.ssh_USERAUTH_REQUEST(password("good"));
      clock.advance(DELAY);
      expect(transport.packets).toEqual([[51, failure("password")]]);
      expect(transport.avatar).toBeUndefined();
    });
  }

  test("A18: an avatar that comes after the peer has left is logged out, once", () => {
    const realm = new Realm();
    const late = new Deferred();
    realm.requestAvatar = () => late as never;
    const { service, transport } = serve({ realm });
    service.ssh_USERAUTH_REQUEST(password("good"));
    transport.connectionLost();
    late.callback([IConchUser, {}, () => (realm.logouts += 1)]);
    expect(realm.logouts).toBe(1);
    expect(transport.packets).toEqual([]);
    expect(transport.avatar).toBeUndefined();
  });

  test("A4: a login that is granted after the time is over is none", () => {
    const late = new Deferred<string>();
    const checker: ICredentialsChecker = { credentialInterfaces: [IUsernamePassword], requestAvatarId: () => late };
    const { clock, service, transport, realm } = serve({ checkers: [checker] });
    service.ssh_USERAUTH_REQUEST(password("good"));
    clock.advance(120);
    late.callback("foo");
    expect(transport.packets).toEqual([]);
    expect(transport.avatar).toBeUndefined();
    expect(realm.logouts).toBe(realm.avatars);
  });

  test("R1: a checker that breaks is a failure like any other", () => {
    const checker: ICredentialsChecker = {
      credentialInterfaces: [IUsernamePassword],
      requestAvatarId: () => {
        throw new TypeError("broken");
      },
    };
    const { clock, service, transport } = serve({ checkers: [checker] });
    service.ssh_USERAUTH_REQUEST(password("good"));
    clock.advance(DELAY);
    expect(transport.packets).toEqual([[51, failure("password")]]);
  });

  test("R1: a service that cannot start ends the connection, which stays one login", () => {
    const { service, transport } = serve();
    transport.setService = () => {
      throw new TypeError("broken");
    };
    service.ssh_USERAUTH_REQUEST(password("good"));
    expect(transport.packets).toEqual([SUCCESS]);
    expect(transport.lost).toBe(true);
  });
});

describe("partial success", () => {
  test("is FAILURE with the flag, after the delay, and counts as no failure", () => {
    const checker: ICredentialsChecker = {
      credentialInterfaces: [IUsernamePassword],
      requestAvatarId: () => fail(new NotEnoughAuthentication()),
    };
    const { clock, service, transport } = serve({ checkers: [checker] });
    service.ssh_USERAUTH_REQUEST(password("good"));
    expect(transport.packets).toEqual([]);
    clock.advance(DELAY);
    expect(transport.packets).toEqual([[51, failure("password", true)]]);
    expect(service.loginAttempts).toBe(0);
  });

  test("A9: what a method noted is lost when user or service change, and only then", () => {
    const { clock, service } = serve();
    const send = (packet: Buffer) => {
      service.ssh_USERAUTH_REQUEST(packet);
      clock.advance(DELAY);
    };
    send(password("bad"));
    service.authenticatedWith.push("publickey");
    send(password("bad"));
    expect(service.authenticatedWith).toEqual(["publickey"]);
    send(password("bad", "bar"));
    expect(service.authenticatedWith).toEqual([]);
    service.authenticatedWith.push("publickey");
    send(password("bad", "bar", "other"));
    expect(service.authenticatedWith).toEqual([]);
  });
});

describe("A3: one request is in hand", () => {
  test("requests sent ahead are answered in order, each after its own delay", () => {
    const checker = new PasswordChecker();
    const { clock, service, transport } = serve({ checkers: [checker] });
    for (const text of ["one", "two", "three"]) service.ssh_USERAUTH_REQUEST(password(text));
    expect(checker.seen).toEqual(["one"]);
    clock.advance(DELAY);
    expect(transport.packets).toHaveLength(1);
    expect(checker.seen).toEqual(["one", "two"]);
    clock.advance(DELAY);
    expect(checker.seen).toEqual(["one", "two", "three"]);
    clock.advance(DELAY);
    expect(transport.packets).toHaveLength(3);
  });

  test("a login in the queue ends it: what waits behind is dropped", () => {
    const checker = new PasswordChecker();
    const { clock, service, transport } = serve({ checkers: [checker] });
    const answered: string[] = [];
    for (const text of ["bad", "good", "later"]) {
      service.ssh_USERAUTH_REQUEST(password(text)).addCallback(() => void answered.push(text));
    }
    clock.advance(DELAY);
    expect(transport.packets).toEqual([[51, failure("password")], SUCCESS]);
    expect(checker.seen).toEqual(["bad", "good"]);
    expect(new Set(answered)).toEqual(new Set(["bad", "good", "later"]));
  });

  test("T9: those that wait have 64 KiB together", () => {
    const { service, transport } = serve();
    const long = password("x".repeat(20_000));
    for (let i = 0; i < 4; i++) service.ssh_USERAUTH_REQUEST(long);
    expect(transport.disconnects).toEqual([]);
    service.ssh_USERAUTH_REQUEST(long);
    expect(transport.disconnects).toEqual([[14, "too many requests at once"]]);
  });

  test("the bytes of a waiting request are its own", () => {
    const checker = new PasswordChecker();
    const { clock, service } = serve({ checkers: [checker] });
    service.ssh_USERAUTH_REQUEST(password("one"));
    const second = password("two");
    service.ssh_USERAUTH_REQUEST(second);
    second.fill(0);
    clock.advance(DELAY);
    expect(checker.seen).toEqual(["one", "two"]);
  });

  test("more than 16 waiting requests end the connection", () => {
    const { service, transport } = serve();
    for (let i = 0; i < 17; i++) service.ssh_USERAUTH_REQUEST(password("bad"));
    expect(transport.disconnects).toEqual([]);
    service.ssh_USERAUTH_REQUEST(password("bad"));
    expect(transport.disconnects).toHaveLength(1);
  });

  test("A1: a service that starts again gets no second request in hand", () => {
    const checker = new PasswordChecker();
    const { clock, service, transport } = serve({ checkers: [checker] });
    service.ssh_USERAUTH_REQUEST(password("one"));
    const again = new SSHUserAuthServer();
    again.clock = clock;
    transport.setService(again);
    again.ssh_USERAUTH_REQUEST(password("two"));
    expect(checker.seen).toEqual(["one"]);
    clock.advance(DELAY);
    expect(transport.packets).toHaveLength(1);
    clock.advance(DELAY);
    expect(transport.packets).toHaveLength(2);
  });

  test("A2: after SUCCESS requests change nothing", () => {
    const { clock, service, transport, realm } = serve();
    service.ssh_USERAUTH_REQUEST(password("good"));
    service.ssh_USERAUTH_REQUEST(password("good"));
    service.ssh_USERAUTH_REQUEST(password("bad"));
    clock.advance(1000);
    expect(transport.packets).toEqual([SUCCESS]);
    expect(transport.disconnects).toEqual([]);
    expect(realm.avatars).toBe(1);
  });

  test("A12: a check that takes time is answered at the next multiple of the delay", () => {
    const slow = new Deferred<string>();
    const checker: ICredentialsChecker = { credentialInterfaces: [IUsernamePassword], requestAvatarId: () => slow };
    const { clock, service, transport } = serve({ checkers: [checker] });
    service.ssh_USERAUTH_REQUEST(password("bad"));
    clock.advance(0.4);
    slow.errback(new UnauthorizedLogin());
    clock.advance(0.09);
    expect(transport.packets).toEqual([]);
    clock.advance(0.02);
    expect(transport.packets).toHaveLength(1);
  });
});

describe("keyboard-interactive of a subclass", () => {
  class Asking extends SSHUserAuthServer {
    override interfaceToMethod = new Map([[IUsernamePassword as never, "keyboard-interactive"]]);
    override auth_keyboard_interactive(): Deferred {
      return this.sendInfoRequest("name", "instruction", [["Secret: ", false]]).addCallback((answers) => {
        if (answers[0] === "more") return this.auth_keyboard_interactive();
        return answers[0] === "42" ? succeed([IConchUser, {}, () => {}]) : fail(new UnauthorizedLogin());
      });
    }
  }
  const ask = request("keyboard-interactive", NS("", ""));
  const answer = (...answers: string[]) =>
    UserauthInfoResponse.encode({ answers: answers.map((each) => ({ answer: each })) });
  const question = [
    60,
    Buffer.concat([NS("name", "instruction", ""), Buffer.of(0, 0, 0, 1), NS("Secret: "), Buffer.of(0)]),
  ];

  test("asks, and logs in by the answers", () => {
    const { service, transport } = serve({ Service: Asking });
    service.ssh_USERAUTH_REQUEST(ask);
    expect(transport.packets).toEqual([question]);
    service.ssh_USERAUTH_INFO_RESPONSE(answer("42"));
    expect(transport.packets).toEqual([question, SUCCESS]);
  });

  for (const [what, body] of [
    ["none", answer()],
    ["too many answers", answer("42", "42")],
    ["an answer that is too long", answer("4".repeat(1025))],
    ["a wrong answer", answer("41")],
  ] as const) {
    test(`A14: ${what} fails, and counts`, () => {
      const { clock, service, transport } = serve({ Service: Asking });
      service.ssh_USERAUTH_REQUEST(ask);
      service.ssh_USERAUTH_INFO_RESPONSE(body);
      clock.advance(DELAY);
      expect(transport.packets).toEqual([question, [51, failure("keyboard-interactive")]]);
      expect(service.loginAttempts).toBe(1);
    });
  }

  test("malformed answers, and answers to nothing, end the connection", () => {
    const first = serve({ Service: Asking });
    first.service.ssh_USERAUTH_REQUEST(ask);
    first.service.ssh_USERAUTH_INFO_RESPONSE(Buffer.of(0, 0, 0, 9));
    first.clock.advance(DELAY);
    expect(first.transport.disconnects.map(([reason]) => reason)).toEqual([2]);
    const second = serve({ Service: Asking });
    second.service.ssh_USERAUTH_INFO_RESPONSE(answer("42"));
    expect(second.transport.disconnects.map(([reason]) => reason)).toEqual([2]);
  });

  test("A3: a new request ends an open dialogue, which gets no answer", () => {
    const { clock, service, transport } = serve({ Service: Asking });
    service.ssh_USERAUTH_REQUEST(ask);
    service.ssh_USERAUTH_REQUEST(request("none"));
    clock.advance(DELAY);
    expect(transport.packets).toEqual([question, [51, failure("keyboard-interactive")]]);
    service.ssh_USERAUTH_INFO_RESPONSE(answer("42"));
    expect(transport.avatar).toBeUndefined();
  });

  test("A3: a dialogue is not begun when the next request is waiting already", () => {
    const { clock, service, transport } = serve({ Service: Asking });
    for (const packet of [request("hostbased"), ask, request("none")]) service.ssh_USERAUTH_REQUEST(packet);
    clock.advance(DELAY);
    clock.advance(DELAY);
    const no = [51, failure("keyboard-interactive")];
    expect(transport.packets).toEqual([no, no, no]);
  });

  test("A11: the ninth round on a connection fails", () => {
    const { clock, service, transport } = serve({ Service: Asking });
    service.ssh_USERAUTH_REQUEST(ask);
    for (let i = 0; i < 7; i++) service.ssh_USERAUTH_INFO_RESPONSE(answer("more"));
    expect(transport.packets).toHaveLength(8);
    service.ssh_USERAUTH_INFO_RESPONSE(answer("more"));
    clock.advance(DELAY);
    expect(transport.packets[8]).toEqual([51, failure("keyboard-interactive")]);
    service.ssh_USERAUTH_REQUEST(ask);
    clock.advance(DELAY);
    expect(transport.packets[9]).toEqual([51, failure("keyboard-interactive")]);
  });
});

describe("what a login permits", () => {
  const noPty = new Permissions({ pty: false });
  const noAgent = new Permissions({ agentForwarding: false });

  /** Accepts any key and any password, in part or as enough, with a restriction each. */
  class Restricting extends PasswordChecker {
    override requestAvatarId(credentials: ICredentials): AvatarId {
      const { username, password } = credentials as IUsernamePassword;
      if (password === "bad") throw new UnauthorizedLogin();
      restrict(credentials, password === "partly" ? noPty : noAgent);
      if (password === "partly") throw new NotEnoughAuthentication();
      return username;
    }
  }

  test("A15: restrictions of all that was accepted reach the connection", () => {
    const { clock, service, transport } = serve({ checkers: [new Restricting()] });
    service.ssh_USERAUTH_REQUEST(password("partly"));
    clock.advance(DELAY);
    expect(permissionsOf({ transport }).pty).toBe(true);
    service.ssh_USERAUTH_REQUEST(password("good"));
    expect(transport.packets.at(-1)).toEqual(SUCCESS);
    expect(permissionsOf({ transport })).toMatchObject({ pty: false, agentForwarding: false, x11Forwarding: true });
  });

  test("A9: those of another user's partial success do not", () => {
    const { clock, service, transport } = serve({ checkers: [new Restricting()] });
    service.ssh_USERAUTH_REQUEST(password("partly", "other"));
    clock.advance(DELAY);
    service.ssh_USERAUTH_REQUEST(password("good"));
    expect(permissionsOf({ transport })).toMatchObject({ pty: true, agentForwarding: false });
  });

  test("two forced commands that differ let nobody in, and the avatar is logged out", () => {
    class Forcing extends PasswordChecker {
      override requestAvatarId(credentials: ICredentials): AvatarId {
        const { username, password } = credentials as IUsernamePassword;
        restrict(credentials, new Permissions({ command: password }));
        if (password === "one") throw new NotEnoughAuthentication();
        return username;
      }
    }
    const { clock, service, transport, realm } = serve({ checkers: [new Forcing()] });
    for (const each of ["one", "two"]) {
      service.ssh_USERAUTH_REQUEST(password(each));
      clock.advance(DELAY);
    }
    expect(transport.packets).toHaveLength(2);
    expect(transport.packets.at(-1)).toEqual([51, failure("password")]);
    expect(realm).toMatchObject({ avatars: 1, logouts: 1 });
  });
});

test("anonymous checkers are not offered as a method", () => {
  expect(new SSHUserAuthServer().interfaceToMethod.has(IAnonymous)).toBe(false);
});
