/** The service of manholes: where it listens, who may log in, and with which keys. */
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IUsernamePassword, IUsernameHashedPassword, UsernamePassword } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { StreamServerEndpointService } from "@strombus/reactor/application/internet";
import { NotImplementedError } from "@strombus/reactor/exceptions";
import type { IProtocolFactory } from "@strombus/reactor/interfaces";
import { ServerFactory } from "@strombus/reactor/protocol";
import { reactor } from "@strombus/reactor";
import { capturedLogs, formatEvent } from "@strombus/reactor/logger";
import { UsageError } from "@strombus/reactor/usage";
import { afterAll, describe, expect, test, vi } from "vitest";
import { IConchUser } from "./interfaces.js";
import { ColoredManhole } from "./manhole.js";
import { ConchFactory, TerminalRealm } from "./manhole_ssh.js";
import {
  _StupidRealm,
  chainedProtocolFactory,
  type ManholeFactory,
  makeService,
  makeTelnetProtocol,
  type ManholeSettings,
  Options,
  type TelnetProtocolFactory,
} from "./manhole_tap.js";
import { AuthenticatingTelnetProtocol, ITelnetProtocol, TelnetBootstrapProtocol, TelnetTransport } from "./telnet.js";

const folder = mkdtempSync(join(tmpdir(), "manhole-tap-"));
const passwd = join(folder, "passwords");
writeFileSync(passwd, "ada:secret\n");
afterAll(() => rmSync(folder, { recursive: true }));

/** Each service's factory, and where it would listen. */
function services(settings: Options | ManholeSettings): { factory: IProtocolFactory; place: string }[] {
  return [...makeService(settings)].map((service) => {
    if (!(service instanceof StreamServerEndpointService)) throw new TypeError("another service");
    const listen = vi.spyOn(reactor, "listenTCP").mockReturnValue({ stopListening: () => undefined } as never);
    void service.endpoint.listen(service.factory);
    const [port, , options] = listen.mock.calls[0]!;
    listen.mockRestore();
    return { factory: service.factory, place: `${options?.interface ?? ""}:${port}` };
  });
}

function isA<T>(type: new (...args: never[]) => T, value: unknown): T {
  if (value instanceof type) return value;
  throw new TypeError(`no ${type.name}`);
}

/** What makes the connections of telnet's factory. */
function telnetOf(service: { factory: IProtocolFactory } | undefined): TelnetProtocolFactory {
  return isA(ServerFactory, service?.factory).protocol as TelnetProtocolFactory;
}

function parsed(...words: string[]): Options {
  const options = new Options();
  options.parseOptions(words);
  return options;
}

describe("the command line", () => {
  test("has to say where to listen", () => {
    expect(() => parsed()).toThrow(new UsageError("At least one of --telnetPort and --sshPort must be specified"));
  });

  test("has defaults", () => {
    expect([...parsed("-t", "tcp:1")].sort(([a], [b]) => (a < b ? -1 : 1))).toEqual([
      ["namespace", null],
      ["passwd", "/etc/passwd"],
      ["sshKeyDir", "<USER DATA DIR>"],
      ["sshKeyName", "server.key"],
      ["sshKeySize", 4096],
      ["sshPort", null],
      ["telnetPort", "tcp:1"],
    ]);
  });
});

describe("telnet", () => {
  test("listens where it is told, for logins", () => {
    const [only, ...rest] = services(parsed("--telnetPort", "tcp:222", "--passwd", passwd));
    expect([only!.place, rest]).toEqual([":222", []]);
    const make = telnetOf(only);
    expect(make.portal.listCredentialsInterfaces()).toEqual([IUsernamePassword, IUsernameHashedPassword]);
    const telnet = make();
    expect(telnet).toBeInstanceOf(TelnetTransport);
    expect([telnet.protocolFactory, telnet.protocolArgs]).toEqual([AuthenticatingTelnetProtocol, [make.portal]]);
  });

  test("lets in whom the file has", async () => {
    const [only] = services({ telnetPort: "tcp:222:interface=127.0.0.1", passwd });
    const { portal } = telnetOf(only);
    const [iface, avatar] = await portal.login(new UsernamePassword("ada", "secret"), null, ITelnetProtocol);
    expect(iface).toBe(ITelnetProtocol);
    expect(avatar).toBeInstanceOf(TelnetBootstrapProtocol);
    await expect(
      Promise.resolve(portal.login(new UsernamePassword("ada", "wrong"), null, ITelnetProtocol)),
    ).rejects.toBeInstanceOf(UnauthorizedLogin);
  });

  test.each([
    ["tcp:222", true],
    ["tcp6:222:interface=\\:\\:", true],
    ["tcp:222:interface=0.0.0.0", true],
    ["tcp:222:interface=127.0.0.1", false],
    ["tcp:interface=127.0.0.1:port=222", false],
    ["tcp6:222:interface=\\:\\:1", false],
    ["unix:/run/manhole", false],
  ])("on %s has a warning: %s", (telnetPort, isOpen) => {
    const lines = capturedLogs(() => void makeService({ telnetPort, passwd })).map(formatEvent);
    expect(lines.filter((line) => line.includes("sends passwords in the clear"))).toHaveLength(isOpen ? 1 : 0);
  });
});

describe("SSH", () => {
  test("listens where it is told, with host keys that are made once", async () => {
    const sshKeyDir = join(folder, "keys");
    const words = ["--sshPort", "tcp:223", "--sshKeyDir", sshKeyDir, "--sshKeySize", "1024", "--passwd", passwd];
    const [only, ...rest] = services(parsed(...words));
    expect([only!.place, rest]).toEqual([":223", []]);
    const factory = isA(ConchFactory, only!.factory);
    expect(Object.keys(factory.privateKeys)).toEqual(["ssh-ed25519", "ssh-rsa"]);
    expect(Object.keys(factory.publicKeys)).toEqual(["ssh-ed25519", "ssh-rsa"]);
    expect(readdirSync(sshKeyDir).sort()).toEqual(["server.key", "server.key.ed25519"]);
    for (const file of readdirSync(sshKeyDir)) expect(statSync(join(sshKeyDir, file)).mode & 0o777).toBe(0o600);
    const [, avatar] = await factory.portal!.login(new UsernamePassword("ada", "secret"), null, IConchUser);
    expect(IConchUser.providedBy(avatar)).toBe(true);
    const realm = isA(TerminalRealm, factory.portal!.realm);
    expect((realm.chainedProtocolFactory as ManholeFactory).namespace).toBe(null);
    const [again] = services({ sshPort: "tcp:223", sshKeyDir, passwd });
    expect(isA(ConchFactory, again!.factory).publicKeys).toEqual(factory.publicKeys);
  });

  test("comes behind telnet, with the same namespace; keys are in the user's folder unless that is told", () => {
    vi.stubEnv("XDG_DATA_HOME", folder);
    const both = services({
      telnetPort: "tcp:222",
      sshPort: "tcp:223",
      sshKeySize: 1024,
      namespace: { foo: "bar" },
      passwd,
    });
    vi.unstubAllEnvs();
    expect(both.map((each) => each.place)).toEqual([":222", ":223"]);
    expect(readdirSync(join(folder, "strombus"))).toContain("server.key");
    const realm = isA(TerminalRealm, isA(ConchFactory, both[1]!.factory).portal!.realm);
    expect((realm.chainedProtocolFactory as ManholeFactory).namespace).toEqual({ foo: "bar" });
  });
});

describe("what it is made of", () => {
  test("functions that make the protocols, and tell of what", () => {
    const namespace = { foo: "bar" };
    const chained = chainedProtocolFactory(namespace);
    const server = chained();
    expect([chained.namespace, server.protocolFactory, server.protocolArgs]).toEqual([
      namespace,
      ColoredManhole,
      [namespace],
    ]);
    const { portal } = telnetOf(services({ telnetPort: "tcp:1", passwd })[0]);
    expect(makeTelnetProtocol(portal).portal).toBe(portal);
  });

  test("a realm that has telnet for everybody, and nothing else", () => {
    const realm = new _StupidRealm(TelnetBootstrapProtocol, ColoredManhole, 1);
    const [iface, avatar] = realm.requestAvatar("ada", null, IConchUser, ITelnetProtocol);
    expect([iface, isA(TelnetBootstrapProtocol, avatar).protocolArgs]).toEqual([ITelnetProtocol, [1]]);
    expect(() => realm.requestAvatar("ada", null, IConchUser)).toThrow(NotImplementedError);
  });
});
