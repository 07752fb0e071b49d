import { generateKeyPairSync } from "node:crypto";
import type { AvatarId, ICredentialsChecker } from "@strombus/cred/checkers";
import {
  type ICredentials,
  IKeyboardInteractive,
  IPluggableAuthenticationModules,
  ISSHHostBased,
  ISSHPrivateKey,
  IUsernamePassword,
  IUsernamePasswordChange,
} from "@strombus/cred/credentials";
import { PasswordChangeRequired, UnauthorizedLogin } from "@strombus/cred/error";
import { Deferred } from "@strombus/reactor/defer";
import { capturedLogs, formatEvent } from "@strombus/reactor/logger";
import { describe, expect, test } from "vitest";
import { SSHProtocolChecker } from "../checkers.js";
import { ValidPublicKey } from "../error.js";
import { Certificate } from "../keys/certificate.js";
import { HostBasedData, HostBasedSigned, PasswordData, UserauthInfoResponse } from "../messages/userauth.js";
import { BadKeyError, Key } from "../ssh/keys.js";
import { DEFAULT_USER_KEY_ALGORITHMS, SSHUserAuthServer } from "../ssh/userauth.js";
import {
  failure,
  keyData,
  NS,
  password,
  PasswordChecker,
  request,
  serve,
  SESSION_ID,
} from "./fixtures.test.support.js";
import { keyFlaw } from "./key-rules.js";
import { RSA } from "../keys/rsa.test.support.js";

const SUCCESS = [52, Buffer.alloc(0)];
const DELAY = 0.25;

const answers = (...texts: string[]) => UserauthInfoResponse.encode({ answers: texts.map((answer) => ({ answer })) });
const interactive = (user = "foo") => request("keyboard-interactive", NS("", ""), user);
/** The body of an INFO_REQUEST whose prompts are all hidden. */
const question = (name: string, instruction: string, ...prompts: string[]) => [
  60,
  Buffer.concat([
    NS(name, instruction, ""),
    Buffer.of(0, 0, 0, prompts.length),
    ...prompts.map((each) => Buffer.concat([NS(each), Buffer.of(0)])),
  ]),
];

function checker(kind: ICredentialsChecker["credentialInterfaces"], check: (given: never) => unknown) {
  return { credentialInterfaces: kind, requestAvatarId: check } as unknown as ICredentialsChecker;
}

describe("keyboard-interactive by a checker", () => {
  const twoRounds = checker([IKeyboardInteractive], async (user: IKeyboardInteractive) => {
    const [first] = await user.ask(["First: "], "round one", "Login");
    if (first !== "1") throw new UnauthorizedLogin();
    const rest = await user.ask(["Second: ", "Third: "]);
    if (rest.join() !== "2,3") throw new UnauthorizedLogin();
    return user.username;
  });
  const settled = () => new Promise(setImmediate);

  test("asks in several rounds, with several prompts, and logs in", async () => {
    const { service, transport } = serve({ checkers: [twoRounds] });
    expect(service.supportedAuthentications).toEqual(["keyboard-interactive"]);
    service.ssh_USERAUTH_REQUEST(interactive());
    expect(transport.packets).toEqual([question("Login", "round one", "First: ")]);
    service.ssh_USERAUTH_INFO_RESPONSE(answers("1"));
    await settled();
    expect(transport.packets.at(-1)).toEqual(question("", "", "Second: ", "Third: "));
    service.ssh_USERAUTH_INFO_RESPONSE(answers("2", "3"));
    await settled();
    expect(transport.packets.at(-1)).toEqual(SUCCESS);
  });

  test("a PAM checker is asked by it too", async () => {
    const pam = checker([IPluggableAuthenticationModules], async (user: IPluggableAuthenticationModules) => {
      const [[response] = [""]] = await user.pamConversion([["Password: ", 1]]);
      if (response !== "good") throw new UnauthorizedLogin();
      return user.username;
    });
    const { service, transport } = serve({ checkers: [pam] });
    service.ssh_USERAUTH_REQUEST(interactive());
    expect(transport.packets).toEqual([question("", "", "Password: ")]);
    service.ssh_USERAUTH_INFO_RESPONSE(answers("good"));
    await settled();
    expect(transport.packets.at(-1)).toEqual(SUCCESS);
  });

  test("a question that comes when the client has gone on is not sent, nor a second one beside an open one", async () => {
    const users: IKeyboardInteractive[] = [];
    const never = checker([IKeyboardInteractive], (user: IKeyboardInteractive) => {
      users.push(user);
      return user.ask(["First: "]);
    });
    const { service, transport } = serve({ checkers: [never] });
    service.ssh_USERAUTH_REQUEST(interactive());
    await expect(users[0]!.ask(["Beside: "])).rejects.toThrow("open already");
    service.ssh_USERAUTH_REQUEST(interactive());
    await expect(users[0]!.ask(["Late: "])).rejects.toThrow("not in hand");
    expect(transport.packets).toEqual([question("", "", "First: "), question("", "", "First: ")]);
  });

  test("is not offered in the clear", () => {
    const { service } = serve({
      checkers: [twoRounds],
      transport: (each) => (each.encrypted = { in: false, out: true }),
    });
    expect(service.supportedAuthentications).toEqual([]);
  });
});

describe("changing a password", () => {
  class Accounts implements ICredentialsChecker {
    credentialInterfaces = [IUsernamePassword, IUsernamePasswordChange];
    stored = "old";
    requestAvatarId(credentials: ICredentials): AvatarId {
      const { username, password, newPassword } = credentials as IUsernamePasswordChange & Partial<IUsernamePassword>;
      if (password !== this.stored) throw new UnauthorizedLogin();
      if ((newPassword as string | undefined) === "short") throw new PasswordChangeRequired("Too short: ");
      if ((newPassword as string | undefined) !== undefined) this.stored = newPassword;
      else if (password === "old") throw new PasswordChangeRequired("New password: ");
      return username;
    }
  }
  const change = (old: string, chosen: string) =>
    request("password", PasswordData.encode({ change: true, password: old, tail: NS(chosen) }));

  test("is asked for, and the new password logs in", () => {
    const { clock, service, transport, realm } = serve({ checkers: [new Accounts()] });
    service.ssh_USERAUTH_REQUEST(password("old"));
    clock.advance(DELAY);
    expect(transport.packets).toEqual([[60, NS("New password: ", "")]]);
    service.ssh_USERAUTH_REQUEST(change("old", "short"));
    clock.advance(DELAY);
    expect(transport.packets.at(-1)).toEqual([60, NS("Too short: ", "")]);
    service.ssh_USERAUTH_REQUEST(change("old", "better"));
    expect(transport.packets.at(-1)).toEqual(SUCCESS);
    expect(realm.avatars).toBe(1);
    expect(service.loginAttempts).toBe(0);
  });

  test("A13: without the old password changes nothing and lets nobody in", () => {
    const accounts = new Accounts();
    const { clock, service, transport } = serve({ checkers: [accounts] });
    service.ssh_USERAUTH_REQUEST(change("wrong", "better"));
    clock.advance(DELAY);
    expect(transport.packets).toEqual([[51, failure("password")]]);
    expect(accounts.stored).toBe("old");
  });

  test("A13: a change that its checker makes does not log in by itself", () => {
    const changes = checker([IUsernamePasswordChange], ({ username }: IUsernamePasswordChange) => username);
    const passwords = new PasswordChecker();
    const { clock, service, transport } = serve({ checkers: [passwords, changes] });
    service.ssh_USERAUTH_REQUEST(change("any", "not what the checker has"));
    clock.advance(DELAY);
    expect(transport.packets).toEqual([[51, failure("password")]]);
    expect(passwords.seen).toEqual(["not what the checker has"]);
  });

  test("without anybody to change it, a password that must be changed is a wrong one", () => {
    const expired = checker([IUsernamePassword], () => {
      throw new PasswordChangeRequired("New password: ");
    });
    const { clock, service, transport } = serve({ checkers: [expired] });
    service.ssh_USERAUTH_REQUEST(password("old"));
    clock.advance(DELAY);
    expect(transport.packets).toEqual([[51, failure("password")]]);
  });
});

describe("hostbased", () => {
  const hostKey = Key.generate("ed25519");
  const seen: ISSHHostBased[] = [];
  const hosts = checker([ISSHHostBased], (given: ISSHHostBased) => {
    seen.push(given);
    if (!hostKey.public().verify(given.signature, given.sigData)) throw new UnauthorizedLogin();
    return given.username;
  });
  const names = { algorithm: "ssh-ed25519", blob: hostKey.blob(), hostname: "host.", clientUsername: "me" };

  test("hands what the host says and signed to the checker", () => {
    const { service, transport } = serve({ checkers: [hosts] });
    const head = { sessionID: SESSION_ID, number: 50, user: "foo", service: "next", method: "hostbased" };
    const signature = hostKey.sign(HostBasedSigned.encode({ ...head, ...names }));
    service.ssh_USERAUTH_REQUEST(request("hostbased", HostBasedData.encode({ ...names, signature })));
    expect(transport.packets).toEqual([SUCCESS]);
    expect(seen.at(-1)).toMatchObject({ username: "foo", hostname: "host.", clientUsername: "me" });
  });

  test("A7: is judged like a user's key before the checker is asked", () => {
    const { clock, service, transport } = serve({ checkers: [hosts] });
    const count = seen.length;
    const signature = NS("rsa-sha2-256", "x");
    service.ssh_USERAUTH_REQUEST(request("hostbased", HostBasedData.encode({ ...names, signature })));
    clock.advance(DELAY);
    expect(transport.packets).toEqual([[51, failure("hostbased")]]);
    expect(seen).toHaveLength(count);
  });
});

describe("the banner", () => {
  class Greeting extends SSHUserAuthServer {
    override banner = "Be nice.\n";
  }
  const banner = (text: string) => [53, NS(text, "")];

  test("comes once, before the first answer", () => {
    const { service, transport } = serve({ Service: Greeting });
    service.ssh_USERAUTH_REQUEST(request("none"));
    service.ssh_USERAUTH_REQUEST(request("none"));
    const no = [51, failure("password")];
    expect(transport.packets).toEqual([banner("Be nice.\n"), no, no]);
  });

  test("can be sent again until the user is in, and not after", () => {
    const { service, transport } = serve({ Service: Greeting });
    service.ssh_USERAUTH_REQUEST(request("none"));
    service.sendBanner("Still there?");
    service.ssh_USERAUTH_REQUEST(password("good"));
    service.sendBanner("Welcome");
    expect(transport.packets.slice(2)).toEqual([banner("Still there?"), SUCCESS]);
  });
});

describe("steps in order", () => {
  const user = Key.generate("ed25519");
  const keys = checker([ISSHPrivateKey], ({ username, signature }: ISSHPrivateKey) => {
    if (signature === null) throw new ValidPublicKey();
    return username;
  });
  const signed = request("publickey", keyData(1, "ssh-ed25519", user.blob(), NS("ssh-ed25519", "any")));
  const query = request("publickey", keyData(0, "ssh-ed25519", user.blob()));

  function inOrder() {
    const steps = new SSHProtocolChecker({ inOrder: [ISSHPrivateKey, IUsernamePassword] });
    steps.registerChecker(keys);
    steps.registerChecker(new PasswordChecker());
    return serve({ checkers: [steps] });
  }

  test("each is offered in its turn alone, and the last one lets in", () => {
    const { clock, service, transport } = inOrder();
    service.ssh_USERAUTH_REQUEST(request("none"));
    expect(transport.packets.at(-1)).toEqual([51, failure("publickey")]);
    service.ssh_USERAUTH_REQUEST(query);
    expect(transport.packets.at(-1)![0]).toBe(60);
    service.ssh_USERAUTH_REQUEST(signed);
    clock.advance(DELAY);
    expect(transport.packets.at(-1)).toEqual([51, failure("password", true)]);
    service.ssh_USERAUTH_REQUEST(password("bad"));
    clock.advance(DELAY);
    expect(transport.packets.at(-1)).toEqual([51, failure("password")]);
    service.ssh_USERAUTH_REQUEST(password("good"));
    expect(transport.packets.at(-1)).toEqual(SUCCESS);
  });

  test("A9: another user begins with the first step", () => {
    const { clock, service, transport } = inOrder();
    service.ssh_USERAUTH_REQUEST(
      request("publickey", keyData(1, "ssh-ed25519", user.blob(), NS("ssh-ed25519", "x")), "bar"),
    );
    clock.advance(DELAY);
    service.ssh_USERAUTH_REQUEST(password("good"));
    clock.advance(DELAY);
    expect(transport.packets.at(-1)).toEqual([51, failure("publickey")]);
    expect(transport.avatar).toBeUndefined();
  });
});

describe("a certificate's key", () => {
  const authority = Key.generate("ed25519");
  const issue = (key: Key) =>
    Certificate.issue(authority, { kind: "user", keyId: "id", principals: ["foo"], validBefore: Infinity, key });
  const flaw = (algorithm: string, blob: Buffer, signature: Buffer | null = null) =>
    keyFlaw(algorithm, blob, signature, DEFAULT_USER_KEY_ALGORITHMS);

  test("is taken by the algorithm that the certificate's name says", async () => {
    const { blob } = await issue(Key.generate("ed25519").public());
    const name = "ssh-ed25519-cert-v01@openssh.com";
    expect(flaw(name, blob)).toBeNull();
    expect(flaw(name, blob, NS("ssh-ed25519", "signature"))).toBeNull();
    expect(flaw(name, blob, NS(name, "signature"))).toBe("signature of another algorithm");
    expect(flaw("ssh-ed25519", blob)).toBe("key type does not fit the signature algorithm");
    expect(flaw("ecdsa-sha2-nistp256-cert-v01@openssh.com", blob)).toBe(
      "key type does not fit the signature algorithm",
    );
  });

  test("A7, A8: of RSA signs by SHA-2, and is held to the size of others", async () => {
    const rsa = RSA.public();
    const { blob } = await issue(rsa);
    expect(flaw("rsa-sha2-512-cert-v01@openssh.com", blob, NS("rsa-sha2-512", "x"))).toBeNull();
    expect(flaw("ssh-rsa-cert-v01@openssh.com", blob)).toBe("signature algorithm not allowed");
    const small = new Key(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey);
    expect(flaw("rsa-sha2-512-cert-v01@openssh.com", (await issue(small)).blob)).toBe("RSA key of 1024 bits");
  });
});

describe("R1: a checker that misbehaves", () => {
  /** The lines that are logged meanwhile. */
  const linesOf = (run: () => void) => capturedLogs(run).map(formatEvent);

  class BrokenChecker implements ICredentialsChecker {
    credentialInterfaces = [IUsernamePassword];
    constructor(readonly answer: () => unknown) {}
    requestAvatarId(): AvatarId {
      return this.answer() as AvatarId;
    }
  }
  const throwing = () => {
    throw new TypeError("the database is gone");
  };

  for (const [what, answer] of [
    ["throws", throwing],
    ["is rejected later", () => Promise.reject(new TypeError("the database is gone"))],
  ] as const) {
    test(`and ${what} is named in the log with its reason, and the client gets a failure`, async () => {
      const { clock, service, transport } = serve({ checkers: [new BrokenChecker(answer)] });
      const lines: string[] = [];
      lines.push(...linesOf(() => void service.ssh_USERAUTH_REQUEST(password("any"))));
      await new Promise(setImmediate);
      lines.push(...linesOf(() => clock.advance(DELAY)));
      expect(transport.packets).toEqual([[51, failure("password")]]);
      expect(lines.join("\n")).toMatch(/broke: BrokenChecker[^]*the database is gone/);
    });
  }

  for (const [what, answer] of [
    ["undefined", undefined],
    ["null", null],
    ["true", true],
    ["an Error", new Error("returned")],
    ["a list", ["foo"]],
    ["an object", {}],
  ] as const) {
    test(`A4: and answers ${what} lets nobody in`, () => {
      const { clock, service, transport, realm } = serve({ checkers: [new BrokenChecker(() => answer)] });
      service.ssh_USERAUTH_REQUEST(password("any"));
      clock.advance(DELAY);
      expect(transport.packets).toEqual([[51, failure("password")]]);
      expect(realm.avatars).toBe(0);
    });
  }

  test("and never answers is named when the time to log in is over", () => {
    const { clock, service, transport } = serve({ checkers: [new BrokenChecker(() => new Deferred())] });
    service.ssh_USERAUTH_REQUEST(password("any"));
    expect(linesOf(() => clock.advance(120)).join("\n")).toContain("checker BrokenChecker has not answered in time");
    expect(transport.disconnects).toEqual([[14, "you took too long"]]);
  });

  test("A18: and answers after the client has gone: the avatar is logged out at once", () => {
    const late = new Deferred<string>();
    const { service, transport, realm } = serve({ checkers: [new BrokenChecker(() => late)] });
    service.ssh_USERAUTH_REQUEST(password("any"));
    transport.connectionLost();
    const lines = linesOf(() => late.callback("foo"));
    expect(lines.join("\n")).toContain("checker BrokenChecker let somebody in whose request is gone");
    expect(realm).toMatchObject({ avatars: 1, logouts: 1 });
    expect(transport.packets).toEqual([]);
  });

  test("and answers twice gets an error of its own, and one login", () => {
    const twice = new Deferred<string>();
    const { service, transport, realm } = serve({ checkers: [new BrokenChecker(() => twice)] });
    service.ssh_USERAUTH_REQUEST(password("any"));
    twice.callback("foo");
    expect(() => twice.callback("foo")).toThrow();
    expect(transport.packets).toEqual([SUCCESS]);
    expect(realm.avatars).toBe(1);
  });

  test("and does not understand a key refuses it without an outcry", () => {
    const keys = checker([ISSHPrivateKey], () => {
      throw new BadKeyError("a certificate");
    });
    const { clock, service, transport } = serve({ checkers: [keys] });
    const lines = linesOf(() => {
      service.ssh_USERAUTH_REQUEST(
        request("publickey", keyData(1, "ssh-ed25519", Key.generate("ed25519").blob(), NS("ssh-ed25519", "x"))),
      );
      clock.advance(DELAY);
    });
    expect(transport.packets).toEqual([[51, failure("publickey")]]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("login refused");
  });
});

describe("hostile user names", () => {
  test("A17, L1: are refused or plain text, and escaped in the log", () => {
    for (const name of [
      "\x1b[2J\r\nroot",
      "__proto__",
      "constructor",
      "../../etc/passwd",
      "\u202e",
      "a:b",
      "*)(uid=*",
      "' OR 1=1 --",
    ]) {
      const passwords = new PasswordChecker();
      const { clock, service, transport } = serve({ checkers: [passwords] });
      const lines = capturedLogs(() => {
        service.ssh_USERAUTH_REQUEST(password("good", name));
        clock.advance(DELAY);
      }).map(formatEvent);
      expect(transport.packets).toEqual([[51, failure("password")]]);
      expect(passwords.seen).toEqual(["good"]);
      expect(lines).toHaveLength(1);
      expect(lines[0]).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202e]/);
    }
  });
});
