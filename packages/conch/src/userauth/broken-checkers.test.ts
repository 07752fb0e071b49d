/** Checkers that do what they should not: nobody gets in, nothing else notices, and the log says which one and why. */
import type { ICredentialsChecker } from "@strombus/cred/checkers";
import { IUsernamePassword } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { AlreadyCalledError, Deferred } from "@strombus/reactor/defer";
import { formatEvent, globalLogPublisher, type LogEvent } from "@strombus/reactor/logger";
import { describe, expect, test } from "vitest";
import { failure, NextService, password, serve } from "./fixtures.test.support.js";

const SUCCESS = [52, Buffer.alloc(0)];
const FAILED = [51, failure("password")];

/** The class whose name the log must have. */
class ShopUsers implements ICredentialsChecker {
  credentialInterfaces = [IUsernamePassword];
  constructor(readonly requestAvatarId: () => never) {}
}

/** A server with this checker, asked once; `go` is for what comes later. */
async function login(check: () => unknown, go: (setting: ReturnType<typeof serve>) => unknown = () => undefined) {
  const events: LogEvent[] = [];
  const observer = (event: LogEvent) => void events.push(event);
  globalLogPublisher.addObserver(observer);
  const setting = serve({ checkers: [new ShopUsers(check as () => never)] });
  setting.service.ssh_USERAUTH_REQUEST(password("good"));
  await new Promise(setImmediate);
  await go(setting);
  await new Promise(setImmediate);
  setting.clock.advance(1);
  globalLogPublisher.removeObserver(observer);
  const log = events.map((event) => `${formatEvent(event)} ${String(event["checker"])} ${String(event.log_failure)}`);
  return { ...setting, log: log.join("\n") };
}

describe("a checker that throws, or rejects with,", () => {
  for (const [what, thrown, why] of [
    ["a TypeError", new TypeError("users is not iterable"), "users is not iterable"],
    ["an error of the system's", Object.assign(new Error("no route"), { code: "EHOSTUNREACH" }), "no route"],
    ["a text", "out of order", "out of order"],
    ["nothing", undefined, "undefined"],
    ["null", null, "null"],
  ] as const) {
    for (const [how, check] of [
      ["at once", () => raise(thrown)],
      ["in a promise", () => Promise.reject(thrown)],
    ] as const) {
      test(`${what}, ${how}`, async () => {
        const { transport, realm, log } = await login(check);
        expect(transport.packets).toEqual([FAILED]);
        expect(realm.avatars).toBe(0);
        expect(log).toContain("ShopUsers");
        expect(log).toContain(why);
      });
    }
  }
});

test("a checker that answers by what is no avatar id", async () => {
  for (const given of [
    undefined,
    null,
    true,
    0,
    1,
    {},
    [],
    Buffer.from("foo"),
    new Error("no"),
    new UnauthorizedLogin(),
  ]) {
    for (const check of [() => given, async () => Promise.resolve(given)]) {
      const { transport, realm, log } = await login(check);
      expect(transport.packets).toEqual([FAILED]);
      expect(realm.avatars).toBe(0);
      expect(log).toContain("the answer of ShopUsers is not an avatar id");
    }
  }
});

test("a checker that never answers: the connection ends when the time to log in does", async () => {
  const { transport, realm, log } = await login(
    () => new Deferred(),
    ({ clock }) => clock.advance(120),
  );
  expect(transport.packets).toEqual([]);
  expect(transport.disconnects).toEqual([[14, "you took too long"]]);
  expect(realm.avatars).toBe(0);
  expect(log).toContain("checker ShopUsers has not answered in time");
});

describe("a checker that answers twice", () => {
  test("logs in by its first answer, whatever the second one is", async () => {
    for (const second of ["foo", "root", undefined]) {
      const twice = {
        then(resolve: (id: unknown) => void) {
          resolve("foo");
          resolve(second);
        },
      };
      const { transport, realm } = await login(() => twice);
      expect(transport.packets).toEqual([SUCCESS]);
      expect(realm.avatars).toBe(1);
      expect(transport.service).toBeInstanceOf(NextService);
    }
  });

  test("lets nobody in who was refused first", async () => {
    const twice = {
      then(resolve: (id: unknown) => void, reject: (error: unknown) => void) {
        reject(new UnauthorizedLogin());
        resolve("foo");
      },
    };
    const { transport, realm } = await login(() => twice);
    expect([transport.packets, realm.avatars]).toEqual([[FAILED], 0]);
  });

  test("hears of it where it fires its Deferred again", async () => {
    const answer = new Deferred<string>();
    const { transport } = await login(
      () => answer,
      () => {
        answer.callback("foo");
        expect(() => answer.callback("foo")).toThrow(AlreadyCalledError);
      },
    );
    expect(transport.packets).toEqual([SUCCESS]);
  });
});

describe("a checker that answers when the client has gone", () => {
  test("with a user: there is an avatar for nobody, which is logged out at once", async () => {
    const answer = new Deferred<string>();
    const { transport, realm, log } = await login(
      () => answer,
      (setting) => {
        setting.transport.connectionLost();
        answer.callback("foo");
      },
    );
    expect(transport.packets).toEqual([]);
    expect([realm.avatars, realm.logouts]).toEqual([1, 1]);
    expect(log).toContain("checker ShopUsers let somebody in whose request is gone");
  });

  test("with an error of its own: that is in the log, a refusal is not", async () => {
    for (const [error, logged] of [
      [new TypeError("users is not iterable"), true],
      [new UnauthorizedLogin("wrong password"), false],
    ] as const) {
      const answer = new Deferred<string>();
      const { transport, log } = await login(
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

function raise(error: unknown): never {
  throw error;
}
