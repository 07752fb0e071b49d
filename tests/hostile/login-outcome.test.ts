/** Who is in and who is not, after all that checkers, realms and half logins can do (rules A4, A9, A13). */
import { InMemorySSHKeyDB, SSHProtocolChecker, SSHPublicKeyChecker } from "@strombus/conch/checkers";
import { IConchUser } from "@strombus/conch/interfaces";
import { Certificate } from "@strombus/conch/keys/certificate";
import { NotEnoughAuthentication } from "@strombus/conch/error";
import { permissionsOf } from "@strombus/conch/permissions";
import { Key } from "@strombus/conch/ssh/keys";
import {
  IKeyboardInteractive,
  ISSHHostBased,
  ISSHPrivateKey,
  IUsernamePassword,
  IUsernamePasswordChange,
} from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { type InterfaceToken, providedBy } from "@strombus/reactor/components";
import { describe, expect, test, vi } from "vitest";
import {
  ANSWERS,
  asking,
  change,
  DELAY,
  dialogue,
  FAILURE,
  login,
  password,
  passwords,
  REPLY,
  REQUEST,
  SERVICE,
  SUCCESS,
} from "../support/memory-login.js";
import { fields } from "../support/memory-ssh.js";
import { rsaKey } from "../support/rsa.js";

const key = Key.generate("ed25519");
const no = (): never => {
  throw new UnauthorizedLogin("no");
};

describe("what a checker answers", () => {
  const ODD: readonly (readonly [what: string, value: unknown])[] = [
    ["nothing", undefined],
    ["null", null],
    ["true", true],
    ["a number", 1],
    ["an Error", new Error("no")],
    ["an UnauthorizedLogin", new UnauthorizedLogin("no")],
    ["a list", ["alice"]],
    ["an object", { toString: () => "alice" }],
    ["bytes", Buffer.from("alice")],
    ["a String", Object("alice")],
    ["a function", () => "alice"],
    ["a symbol", Symbol("alice")],
  ];
  const signature = fields("ssh-ed25519", Buffer.alloc(64, 1));
  const METHODS = {
    password: [IUsernamePassword, password("right")],
    publickey: [ISSHPrivateKey, fields("alice", SERVICE, "publickey", true, "ssh-ed25519", key.blob(), signature)],
    "keyboard-interactive": [IKeyboardInteractive, dialogue()],
    hostbased: [
      ISSHHostBased,
      fields("alice", SERVICE, "hostbased", "ssh-ed25519", key.blob(), "client.", "alice", signature),
    ],
  } as const;

  for (const [method, [kind, request]] of Object.entries(METHODS)) {
    test(`A4: by ${method} that is no name lets nobody in, now or later`, async () => {
      for (const [what, value] of ODD) {
        for (const answer of [() => value, async () => Promise.resolve(value)]) {
          const made = await login({ checkers: [asking(answer, kind)] });
          await made.ask(request);
          expect([what, made.answers(), made.avatars]).toEqual([what, [FAILURE], []]);
        }
      }
      const made = await login({ checkers: [asking(() => "alice", kind)] });
      await made.ask(request);
      expect(made.avatars).toEqual(["alice"]);
    });
  }

  test("A4: when the time to log in is over lets nobody in", async () => {
    let grant: (user: string) => void = () => {};
    const made = await login({ checkers: [passwords(() => new Promise((resolve) => (grant = resolve)))] });
    await made.ask(password("right"));
    await made.pass(120);
    grant("alice");
    await made.pass(1);
    expect([made.server.said, made.server.avatar, made.logouts]).toEqual([[14], undefined, made.avatars]);
  });
});

describe("an error while a signature is verified", () => {
  const FAULTS: readonly (readonly [what: string, verify: () => unknown])[] = [
    ["thrown", () => no()],
    ["in a promise", () => Promise.reject(new Error("cannot verify"))],
    ["returned", () => new Error("cannot verify")],
    ["as a number, as C has it", () => -1],
    ["as a text", () => "error"],
  ];

  for (const [what, verify] of FAULTS) {
    test(`A4: CVE-2023-2283: ${what} is no good signature`, async () => {
      const checker = new SSHPublicKeyChecker(new InMemorySSHKeyDB({ alice: [key.public()] }));
      const made = await login({ checkers: [checker] });
      const request = made.signed(key);
      const broken = vi.spyOn(Key.prototype, "verify").mockImplementation(() => {
        const answer = verify();
        if (answer instanceof Promise) answer.catch(() => {});
        return answer as never;
      });
      await made.ask(request);
      broken.mockRestore();
      expect([made.answers(), made.avatars]).toEqual([[FAILURE], []]);
      await made.ask(request); // which was good
      expect(made.avatars).toEqual(["alice"]);
    });
  }

  test("A4: CVE-2023-2283: that garbage provokes is no good signature", async () => {
    const keys = [key, rsaKey(), Key.generate("ecdsa", 256), Key.generate("ecdsa", 521)];
    const checker = new SSHPublicKeyChecker(new InMemorySSHKeyDB({ alice: keys.map((each) => each.public()) }));
    for (const each of keys) {
      const [algorithm] = each.supportedSignatureAlgorithms() as [string];
      const numbers = [Buffer.alloc(0), Buffer.of(0), Buffer.of(0xff), Buffer.alloc(66, 0xff), Buffer.alloc(3000, 1)];
      for (const value of [...numbers, ...numbers.map((r) => fields(r, r))]) {
        const made = await login({ checkers: [checker] });
        const said = fields("alice", SERVICE, "publickey", true, algorithm, each.blob(), fields(algorithm, value));
        await made.ask(said);
        expect([algorithm, value, made.answers(), made.avatars]).toEqual([algorithm, value, [FAILURE], []]);
      }
    }
  });
});

describe("what a realm answers", () => {
  const ODD: readonly (readonly [what: string, answer: (logout: () => void) => unknown])[] = [
    ["nothing", () => undefined],
    ["an Error", () => new Error("no")],
    ["an avatar alone", () => ({})],
    ["another interface", (logout) => [IUsernamePassword, {}, logout]],
    ["no avatar", (logout) => [IConchUser, undefined, logout]],
    ["no way out", () => [IConchUser, {}]],
    ["a way out that is none", () => [IConchUser, {}, "logout"]],
    ["too much", (logout) => [IConchUser, {}, logout, {}]],
    ["a failure", () => no()],
  ];

  test("A4: that is no avatar lets nobody in, and whoever was half in is out again", async () => {
    for (const [what, answer] of ODD) {
      for (const later of [false, true]) {
        const realm = (_name: unknown, logout: () => void) =>
          later ? Promise.resolve().then(() => answer(logout)) : answer(logout);
        const made = await login({ checkers: [passwords()], realm });
        await made.ask(password("right"));
        expect([what, made.answers(), made.server.avatar]).toEqual([what, [FAILURE], undefined]);
        expect(made.server.service?.name).toBe("ssh-userauth");
        expect(made.logouts.length).toBe(/interface|no avatar|much/.test(what) ? 1 : 0);
      }
    }
  });
});

/** A key, then a password: whoever has shown the one must show the other. */
function both() {
  class Both extends SSHProtocolChecker {
    override areDone(avatarId: string) {
      const shown = this.successfulCredentials.get(avatarId)!;
      const has = (kind: InterfaceToken) => shown.some((each) => providedBy(kind, each));
      return has(ISSHPrivateKey) && has(IUsernamePassword);
    }
  }
  const checker = new Both();
  const keys = [key.public()];
  checker.registerChecker(new SSHPublicKeyChecker(new InMemorySSHKeyDB({ alice: keys, bob: keys })));
  checker.registerChecker(passwords());
  return checker;
}

describe("half a login", () => {
  test("A9: and its other half let in, in either order", async () => {
    for (const first of ["key", "password"]) {
      const made = await login({ checkers: [both()] });
      const requests = [made.signed(key), password("right")];
      for (const request of first === "key" ? requests : requests.reverse()) await made.ask(request);
      expect([made.answers(), made.avatars]).toEqual([[FAILURE, SUCCESS], ["alice"]]);
      expect(made.got[0]![1].at(-1)).toBe(1);
    }
  });

  test("A9: is lost when another user or service is named, if only by a wrong guess or by none", async () => {
    const between: readonly (readonly [string, Buffer])[] = [
      ["another user", password("wrong", "bob")],
      ["another user by none", fields("bob", SERVICE, "none")],
      ["no user at all", fields("\0", SERVICE, "none")],
      ["another service", password("wrong", "alice", "ssh-userauth")],
      ["another service by none", fields("alice", "", "none")],
    ];
    for (const [what, request] of between) {
      const made = await login({ checkers: [both()] });
      await made.ask(made.signed(key));
      await made.ask(request);
      await made.ask(password("right"));
      expect([what, made.avatars, made.server.avatar]).toEqual([what, [], undefined]);
      await made.ask(made.signed(key));
      expect([what, made.avatars]).toEqual([what, ["alice"]]);
    }
  });

  test("A9: of one user is no half of another's, who has the same key", async () => {
    const made = await login({ checkers: [both()] });
    await made.ask(made.signed(key));
    await made.ask(password("right", "bob"));
    expect(made.avatars).toEqual([]);
    await made.ask(made.signed(key, { user: "bob" }));
    expect(made.avatars).toEqual(["bob"]);
  });

  test("A9: is nothing on another connection", async () => {
    const checkers = [both()];
    const [one, two] = [await login({ checkers }), await login({ checkers })];
    await one.ask(one.signed(key));
    await two.ask(password("right"));
    expect([one.avatars, two.avatars]).toEqual([[], []]);
  });

  test("A9: permits nothing, and starts nothing", async () => {
    const made = await login({ checkers: [both()] });
    await made.ask(made.signed(key));
    expect([made.server.avatar, made.server.service?.name]).toEqual([undefined, "ssh-userauth"]);
    await made.say([90, fields("session", 0, 1000, 1000)]);
    expect([made.server.said, made.avatars]).toEqual([[2], []]);
  });

  test("A9: CVE-2026-39828: binds the whole login to the restrictions of its certificate", async () => {
    const authority = Key.generate("ed25519");
    const certificate = await Certificate.issue(authority, {
      kind: "user",
      keyId: "backup",
      principals: ["alice"],
      validBefore: Infinity,
      key: key.public(),
      criticalOptions: new Map([["force-command", "backup"]]),
    });
    const checker = both();
    const keys = new SSHPublicKeyChecker(new InMemorySSHKeyDB({}), { trustedUserCAKeys: [authority.public()] });
    checker.registerChecker(keys);
    const said = { algorithm: "ssh-ed25519-cert-v01@openssh.com", blob: certificate.blob };
    for (const order of ["certificate first", "password first"]) {
      const made = await login({ checkers: [checker] });
      const requests = [made.signed(key, said), password("right")];
      for (const request of order === "certificate first" ? requests : requests.reverse()) await made.ask(request);
      const { command, pty, portForwarding } = permissionsOf({ transport: made.server });
      expect([order, made.avatars, command, pty, portForwarding]).toEqual([order, ["alice"], "backup", false, false]);
    }
    // Whoever begins anew as somebody else is not bound by it.
    const fresh = await login({ checkers: [checker, passwords()] });
    await fresh.ask(fresh.signed(key, said));
    await fresh.ask(password("right", "bob"));
    expect(permissionsOf({ transport: fresh.server }).command).toBe(null);
  });

  test("A9: a service that is not run leaves nobody logged in, and the avatar is logged out", async () => {
    for (const service of [
      "ssh-userauth",
      "sftp",
      "",
      "constructor",
      "__proto__",
      "ssh-connection\0",
      "SSH-CONNECTION",
    ]) {
      const made = await login({ checkers: [passwords()] });
      await made.ask(password("right", "alice", service));
      expect([service, made.answers(), made.server.avatar]).toEqual([service, [FAILURE], undefined]);
      expect(made.logouts).toEqual(made.avatars);
      await made.ask(password("wrong"));
      expect(made.answers()).toEqual([FAILURE, FAILURE]);
    }
  });
});

describe("a password", () => {
  const changing = (makes: (old: string, chosen: string) => unknown) =>
    asking<IUsernamePasswordChange>(
      ({ password: old, newPassword }) => makes(old, newPassword),
      IUsernamePasswordChange,
    );

  test("A13: of more than 1,024 bytes reaches no checker, in whatever form it comes", async () => {
    const long = "x".repeat(1025);
    const [checker, changer] = [passwords(() => "alice"), changing(() => "alice")];
    const told: string[] = [];
    const answering = asking<IKeyboardInteractive>(async (given) => {
      told.push(...(await given.ask(["Password: "])));
      return given.username;
    }, IKeyboardInteractive);
    const made = await login({ checkers: [checker, changer, answering] });
    await made.ask(password(long));
    await made.ask(change("right", long));
    await made.ask(change(long, "new"));
    await made.ask(dialogue());
    await made.say([ANSWERS, fields(1, long)]);
    await made.pass(DELAY);
    expect(made.answers()).toEqual([FAILURE, FAILURE, FAILURE, REPLY, FAILURE]);
    expect([checker.asked, changer.asked, told, made.avatars]).toEqual([[], [], [], []]);
  });

  test("A13: CVE-2012-5975: that is to be changed logs in by the new one alone, and by a checker of passwords", async () => {
    // Without anybody to change it the form is a failure, whatever it says.
    const without = passwords();
    const made = await login({ checkers: [without] });
    for (const [old, chosen] of [
      ["right", "new"],
      ["wrong", "right"],
      ["right", "right"],
      ["", ""],
    ] as const) {
      await made.ask(change(old, chosen));
    }
    expect([made.answers(), without.asked, made.avatars]).toEqual([Array(4).fill(FAILURE), [], []]);

    // With somebody who changes whatever is to be changed, the new password still has to be right.
    const [checker, changer] = [passwords(), changing(() => "alice")];
    const second = await login({ checkers: [checker, changer] });
    await second.ask(change("whatever", "new"));
    expect([second.answers(), checker.asked, second.avatars]).toEqual([[FAILURE], ["alice:new"], []]);
    await second.ask(change("whatever", "right"));
    expect(second.avatars).toEqual(["alice"]);

    // And who changes none lets nobody in, though the new one would be right.
    for (const answer of [
      no,
      () => undefined,
      () => new Error("no"),
      () => Promise.reject(new NotEnoughAuthentication()),
    ]) {
      const third = await login({ checkers: [passwords(), changing(answer)] });
      await third.ask(change("wrong", "right"));
      expect([third.answers(), third.avatars]).toEqual([[FAILURE], []]);
    }
  });

  test("A13: with something behind it, or none where two are due, ends the connection", async () => {
    const tails = [
      fields("alice", SERVICE, "password", false, "right", "more"),
      fields("alice", SERVICE, "password", true, "right"),
    ];
    for (const request of [...tails, fields("alice", SERVICE, "password", true, "a", "b", "c")]) {
      const checker = passwords();
      const made = await login({ checkers: [checker] });
      await made.say([REQUEST, request]);
      await made.pass(DELAY);
      expect([made.server.said, checker.asked]).toEqual([[2], []]);
    }
  });
});
