/**
 * Checkers that do what they should not, by each method: nobody gets in, nothing else notices, and the log says which one
 * and why.
 */
import type { ICredentialsChecker } from "@strombus/cred/checkers";
import {
  IAnonymous,
  IKeyboardInteractive,
  IPluggableAuthenticationModules,
  ISSHHostBased,
  ISSHPrivateKey,
  IUsernamePassword,
  IUsernamePasswordChange,
} from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import type { InterfaceToken } from "@strombus/reactor/components";
import { AlreadyCalledError, Deferred } from "@strombus/reactor/defer";
import { formatEvent, globalLogPublisher, type LogEvent } from "@strombus/reactor/logger";
import { describe, expect, test } from "vitest";
import { NotEnoughAuthentication, ValidPublicKey } from "../error.js";
import { UserauthInfoResponse } from "../messages/userauth.js";
import {
  ed25519,
  failure,
  hostKeyBlob,
  keyData,
  NS,
  password,
  PasswordChecker,
  request,
  serve,
  type Setting,
} from "./fixtures.test.support.js";
import { SSHUserAuthServer } from "./server.js";

const SUCCESS = [52, Buffer.alloc(0)];
const { blob } = ed25519();
const signature = NS("ssh-ed25519", "x".repeat(64));
const HOST_BOUND = "publickey-hostbound-v00@openssh.com";

interface Method {
  /** The kind of credentials that the checker is for. */
  readonly kind: InterfaceToken;
  readonly request: Buffer;
  /** What a failure names as the methods that can go on. */
  readonly offers: string;
  /** It is no login: at the best the answer is PK_OK. */
  readonly isQuestion?: boolean;
}

const METHODS: Readonly<Record<string, Method>> = {
  none: { kind: IAnonymous, request: request("none"), offers: "" },
  password: { kind: IUsernamePassword, request: password("good"), offers: "password" },
  "a change of the password": {
    kind: IUsernamePasswordChange,
    request: request("password", Buffer.concat([Buffer.of(1), NS("old", "good")])),
    offers: "password",
  },
  "a question about a key": {
    kind: ISSHPrivateKey,
    request: request("publickey", keyData(0, "ssh-ed25519", blob)),
    offers: "publickey",
    isQuestion: true,
  },
  publickey: {
    kind: ISSHPrivateKey,
    request: request("publickey", keyData(1, "ssh-ed25519", blob, signature)),
    offers: "publickey",
  },
  "publickey, bound to the host's": {
    kind: ISSHPrivateKey,
    request: request(HOST_BOUND, keyData(1, "ssh-ed25519", blob, hostKeyBlob, signature)),
    offers: "publickey",
  },
  "keyboard-interactive": {
    kind: IKeyboardInteractive,
    request: request("keyboard-interactive", NS("", "")),
    offers: "keyboard-interactive",
  },
  "keyboard-interactive by PAM": {
    kind: IPluggableAuthenticationModules,
    request: request("keyboard-interactive", NS("", "")),
    offers: "keyboard-interactive",
  },
  hostbased: {
    kind: ISSHHostBased,
    request: request("hostbased", NS("ssh-ed25519", blob, "client.example.", "foo", signature)),
    offers: "hostbased",
  },
};

/** The class whose name the log must have. */
class ShopUsers implements ICredentialsChecker {
  readonly credentialInterfaces: InterfaceToken[];
  constructor(
    kind: InterfaceToken,
    readonly requestAvatarId: (credentials: object) => never,
  ) {
    this.credentialInterfaces = [kind];
  }
}

type Check = (credentials: object) => unknown;

/** A server with this checker, asked once; `go` is for what comes later. */
async function login(method: Method, check: Check, go: (setting: Setting) => unknown = () => undefined) {
  const events: LogEvent[] = [];
  const observer = (event: LogEvent) => void events.push(event);
  globalLogPublisher.addObserver(observer);
  const checker = new ShopUsers(method.kind, check as () => never);
  const others = method.kind === IUsernamePasswordChange ? [new PasswordChecker()] : [];
  const setting = serve({ checkers: [checker, ...others] });
  setting.service.ssh_USERAUTH_REQUEST(method.request);
  await new Promise(setImmediate);
  await go(setting);
  await new Promise(setImmediate);
  setting.clock.advance(1);
  await new Promise(setImmediate);
  globalLogPublisher.removeObserver(observer);
  const log = events.map((event) => `${formatEvent(event)} ${String(event["checker"])} ${String(event.log_failure)}`);
  return { ...setting, log: log.join("\n") };
}

for (const [name, method] of Object.entries(METHODS)) {
  describe(`by ${name}, a checker`, () => {
    const FAILED = [51, failure(method.offers)];

    for (const [what, thrown, why] of [
      ["a TypeError", new TypeError("users is not iterable"), "users is not iterable"],
      ["an error of the system's", Object.assign(new Error("no route"), { code: "EHOSTUNREACH" }), "no route"],
      ["a text", "out of order", "out of order"],
      ["nothing", undefined, "undefined"],
      ["null", null, "null"],
    ] as const) {
      test(`that throws ${what}, at once or in a promise`, async () => {
        for (const check of [() => raise(thrown), () => Promise.reject(thrown)]) {
          const { transport, realm, log } = await login(method, check);
          expect(transport.packets).toEqual([FAILED]);
          expect(realm.avatars).toBe(0);
          expect(log).toContain("an authentication method broke: ShopUsers");
          expect(log).toContain(why);
        }
      });
    }

    test("that answers by what is no avatar id", async () => {
      const nonsense = [undefined, null, true, 0, 1, {}, [], Buffer.from("foo"), new Error("no"), new ValidPublicKey()];
      for (const given of nonsense) {
        for (const check of [() => given, async () => Promise.resolve(given)]) {
          const { transport, realm, log } = await login(method, check);
          expect(transport.packets).toEqual([FAILED]);
          expect(realm.avatars).toBe(0);
          expect(log).toContain("checker ShopUsers answered by what is no avatar id");
        }
      }
    });

    test("that never answers: the connection ends when the time to log in does", async () => {
      const { transport, realm, log } = await login(
        method,
        () => new Deferred(),
        ({ clock }) => clock.advance(120),
      );
      expect(transport.packets).toEqual([]);
      expect(transport.disconnects).toEqual([[14, "you took too long"]]);
      expect(realm.avatars).toBe(0);
      expect(log).toContain("checker ShopUsers has not answered in time");
    });

    test("that answers twice: its first answer counts, whatever the second one is", async () => {
      for (const second of ["foo", "root", undefined]) {
        const { transport, realm } = await login(method, () => ({
          then(resolve: (id: unknown) => void, reject: (error: unknown) => void) {
            resolve("foo");
            resolve(second);
            reject(new TypeError("and no"));
          },
        }));
        expect([transport.packets, realm.avatars]).toEqual(method.isQuestion ? [[FAILED], 0] : [[SUCCESS], 1]);
      }
      const { transport, realm } = await login(method, () => ({
        then(resolve: (id: unknown) => void, reject: (error: unknown) => void) {
          reject(new UnauthorizedLogin());
          resolve("foo");
        },
      }));
      expect([transport.packets, realm.avatars]).toEqual([[FAILED], 0]);
    });

    test("that fires its Deferred again hears of it", async () => {
      const answer = new Deferred<string>();
      const { transport } = await login(
        method,
        () => answer,
        () => {
          answer.callback("foo");
          expect(() => answer.callback("foo")).toThrow(AlreadyCalledError);
        },
      );
      expect(transport.packets).toEqual([method.isQuestion ? FAILED : SUCCESS]);
    });

    test("that lets in whose client has gone: there is an avatar for nobody, which is logged out at once", async () => {
      const answer = new Deferred<string>();
      const { transport, realm, log } = await login(
        method,
        () => answer,
        (setting) => {
          setting.transport.connectionLost();
          answer.callback("foo");
        },
      );
      expect(transport.packets).toEqual([]);
      expect([realm.avatars, realm.logouts]).toEqual(method.isQuestion ? [0, 0] : [1, 1]);
      if (method.isQuestion) expect(log).toContain("checker ShopUsers would let in who only asked about a key");
      else expect(log).toMatch(/checker \w+ let somebody in whose request is gone/);
    });

    test("that fails when the client has gone: what broke it is in the log, an answer is not", async () => {
      for (const [error, logged] of [
        [new TypeError("users is not iterable"), true],
        [new UnauthorizedLogin("wrong password"), false],
        [new NotEnoughAuthentication(), false],
        [new ValidPublicKey(), false],
      ] as const) {
        const answer = new Deferred<string>();
        const { transport, log } = await login(
          method,
          () => answer,
          (setting) => {
            setting.transport.connectionLost();
            answer.errback(error);
          },
        );
        expect(transport.packets).toEqual([]);
        expect(log.includes("checker ShopUsers broke when the request was gone")).toBe(logged);
        expect(log.includes("users is not iterable")).toBe(logged);
      }
    });
  });
}

test("A5: no checker makes a question about a key a step of a login", async () => {
  const { transport, realm } = await login(METHODS["a question about a key"]!, () => {
    throw new NotEnoughAuthentication();
  });
  expect(transport.packets).toEqual([[51, failure("publickey")]]);
  expect(realm.avatars).toBe(0);
});

describe("a checker that asks by keyboard-interactive", () => {
  const method = METHODS["keyboard-interactive"]!;
  const FAILED = [51, failure("keyboard-interactive")];
  const asking = (then: () => unknown) => async (user: object) => {
    await (user as IKeyboardInteractive).ask(["Code: "]);
    return then();
  };
  const answer = ({ service }: Setting) =>
    service.ssh_USERAUTH_INFO_RESPONSE(UserauthInfoResponse.encode({ answers: [{ answer: "42" }] }));

  test("and breaks at the answer", async () => {
    const { transport, log } = await login(
      method,
      asking(() => raise(new TypeError("no such column"))),
      answer,
    );
    expect(transport.packets.slice(1)).toEqual([FAILED]);
    expect(log).toMatch(/broke: ShopUsers[^]*no such column/);
  });

  test("and says nothing to the answer", async () => {
    const { transport, log } = await login(
      method,
      asking(() => new Promise(() => {})),
      async (setting) => {
        answer(setting);
        await new Promise(setImmediate);
        setting.clock.advance(120);
      },
    );
    expect(transport.packets).toHaveLength(1);
    expect(transport.disconnects).toEqual([[14, "you took too long"]]);
    expect(log).toContain("checker ShopUsers has not answered in time");
  });

  test("and asks on when the client has gone", async () => {
    let told: unknown;
    const later = new Deferred<string>();
    const { transport } = await login(
      method,
      async (user) => {
        await later;
        await Promise.resolve((user as IKeyboardInteractive).ask(["Code: "])).catch((error: unknown) => (told = error));
        throw new UnauthorizedLogin();
      },
      (setting) => {
        setting.transport.connectionLost();
        later.callback("");
      },
    );
    expect(transport.packets).toEqual([]);
    expect(String(told)).toContain("nobody to ask");
  });

  for (const [what, go] of [
    ["whose client goes", ({ transport }) => transport.connectionLost()],
    ["whose client is out of time", ({ clock }) => clock.advance(120)],
    ["whose client goes on to something else", ({ service }) => service.ssh_USERAUTH_REQUEST(request("none"))],
  ] as const satisfies readonly (readonly [string, (setting: Setting) => unknown])[]) {
    test(`and is not answered, ${what}: it hears of it`, async () => {
      let told: unknown;
      await login(
        method,
        async (user) => {
          await Promise.resolve((user as IKeyboardInteractive).ask(["Code: "])).catch(
            (error: unknown) => (told = error),
          );
          throw new UnauthorizedLogin();
        },
        go,
      );
      expect(told).toBeInstanceOf(Error);
    });
  }

  test("is answered on, when the client asks for the service again in between (A1)", async () => {
    const { transport } = await login(
      method,
      asking(() => "foo"),
      (setting) => {
        const again = new SSHUserAuthServer();
        again.clock = setting.clock;
        setting.transport.setService(again);
        again.ssh_USERAUTH_INFO_RESPONSE(UserauthInfoResponse.encode({ answers: [{ answer: "42" }] }));
      },
    );
    expect(transport.packets.slice(1)).toEqual([SUCCESS]);
  });
});

function raise(error: unknown): never {
  throw error;
}
