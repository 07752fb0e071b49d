import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ICredentialsChecker } from "@strombus/cred/checkers";
import { ISSHPrivateKey, IUsernamePassword, UsernamePassword } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import type { InterfaceToken } from "@strombus/reactor/components";
import { reactor } from "@strombus/reactor";
import { UsageError } from "@strombus/reactor/usage";
import { afterEach, describe, expect, test, vi } from "vitest";
import type * as passwords from "./checkers/unix-password.js";
import { SSHPublicKeyChecker, UNIXPasswordDatabase } from "./checkers.js";
import { OpenSSHFactory } from "./openssh_compat/factory.js";
import { Options, makeService } from "./tap.js";

vi.mock("./checkers/unix-password.js", async (original) => {
  const module = await original<typeof passwords>();
  class Passwords extends module.UNIXPasswordDatabase {
    constructor() {
      if (missing !== null) throw missing;
      super();
    }
  }
  return { ...module, UNIXPasswordDatabase: Passwords };
});

let missing: Error | null = null;
afterEach(() => {
  missing = null;
});

const kinds = (options: Options): InterfaceToken[] => [
  ...(options.get("credInterfaces") as Map<InterfaceToken, unknown>).keys(),
];

function parsed(...words: string[]): Options {
  const options = new Options();
  options.parseOptions(words);
  return options;
}

/** What the service would listen with, and where. */
function made(options: Options): { factory: OpenSSHFactory; place: string } {
  const service = makeService(options);
  const listening: string[] = [];
  const spy = vi.spyOn(reactor, "listenTCP").mockImplementation((port, _factory, { interface: local = "" } = {}) => {
    listening.push(`${local}:${port}`);
    return { stopListening: () => undefined } as never;
  });
  void service.endpoint.listen(service.factory);
  spy.mockRestore();
  const { factory } = service;
  if (!(factory instanceof OpenSSHFactory)) throw new TypeError("another factory");
  return { factory, place: listening.join() };
}

describe("the server", () => {
  test("listens on port 22, with the host keys of /etc, for the system's users", () => {
    const { factory, place } = made(parsed());
    expect(place).toBe(":22");
    expect(factory).toBeInstanceOf(OpenSSHFactory);
    expect([factory.dataRoot, factory.moduliRoot]).toEqual(["/etc", "/etc"]);
    expect(new Set(factory.portal!.listCredentialsInterfaces())).toEqual(new Set([ISSHPrivateKey, IUsernamePassword]));
  });

  test("listens where it is told, with the files of another folder", () => {
    const { factory, place } = made(parsed("-p", "tcp:2222", "-i", "127.0.0.1", "-d", "/keys", "--moduli", "/groups"));
    expect([place, factory.dataRoot, factory.moduliRoot]).toEqual(["127.0.0.1:2222", "/keys", "/groups"]);
    expect(made(parsed("--data", "/keys")).factory.moduliRoot).toBe("/keys");
  });
});

describe("the checkers", () => {
  test("are two unless others are chosen", () => {
    const checkers = parsed().get("credCheckers") as ICredentialsChecker[];
    expect(checkers.map((each) => each.constructor)).toEqual([UNIXPasswordDatabase, SSHPublicKeyChecker]);
    expect(kinds(parsed())).toEqual([IUsernamePassword, ISSHPrivateKey]);
  });

  test.each([
    [["--auth", "memory:user:password"], 1],
    [["--auth", "memory:user:password", "--auth", "memory:other:password"], 2],
    [["--auth", "sshkey", "--auth", "unix"], 2],
  ])("%j are %i", (words, count) => {
    expect(parsed(...words).get("credCheckers")).toHaveLength(count);
  });

  test("of a file let in whom it has", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tap-"));
    writeFileSync(join(folder, "passwords"), "alice:secret\n");
    const [checker] = parsed("--auth", `file:${join(folder, "passwords")}`).checkers;
    expect(await checker!.requestAvatarId(new UsernamePassword("alice", "secret"))).toBe("alice");
    await expect(
      Promise.resolve(checker!.requestAvatarId(new UsernamePassword("alice", "wrong"))),
    ).rejects.toBeInstanceOf(UnauthorizedLogin);
    rmSync(folder, { recursive: true });
  });

  test("that nobody knows are a usage error", () => {
    expect(() => parsed("--auth", "nobody")).toThrow(UsageError);
  });

  test("of the system's passwords are missed only where they are wanted", () => {
    missing = new Error("there is no crypt(3)");
    expect(() => makeService(parsed())).toThrow(/choose with --auth what is to count: there is no crypt\(3\)$/);
    expect(made(parsed("--auth", "sshkey")).place).toBe(":22");
  });
});
