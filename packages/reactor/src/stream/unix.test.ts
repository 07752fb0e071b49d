/** UNIX sockets: files, permissions, locks and the sockets of the dead. */
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { UNIXAddress } from "../address.js";
import { BadFileError, CannotListenError, ConnectionAborted, ConnectError, ConnectionRefusedError } from "../error.js";
import { ValueError } from "../exceptions.js";
import { NodeReactor } from "../reactor.js";
import { type AnyReactor, reactors } from "../reactors.test.helper.js";
import type { StreamConnection } from "./connection.js";
import { logged, Recorder, RecordingFactory, serving, until } from "./recording.test.helper.js";

let reactor: AnyReactor = new NodeReactor();
let folder = "";
beforeEach(() => {
  reactor = new NodeReactor();
  folder = mkdtempSync(join(tmpdir(), "strombus-unix-"));
  logged.begin();
});
afterEach(async () => {
  logged.end();
  for (const transport of reactor.openTransports) {
    (transport as Partial<StreamConnection>).abortConnection?.();
    await (transport as { stopListening?: () => PromiseLike<void> }).stopListening?.();
  }
  rmSync(folder, { recursive: true });
});

const path = (): string => join(folder, "socket");
const nobody = (): ReturnType<typeof serving> => serving(() => null);

describe.each(reactors)("%s", (_, make) => {
  beforeEach(() => {
    reactor = make();
  });

  test("addresses: the path for the server's end, no name for a client's", async () => {
    const server = new Recorder();
    const factory = serving(() => server);
    const port = reactor.listenUNIX(path(), factory);
    expect(port.getHost()).toEqual(new UNIXAddress(path()));
    const client = new Recorder();
    const connector = reactor.connectUNIX(path(), new RecordingFactory(() => client));
    expect(connector.getDestination().equals(port.getHost())).toBe(true);
    await until(() => server.connected && client.connected);
    expect(client.transport.getPeer()).toEqual(new UNIXAddress(path()));
    expect(client.transport.getHost()).toEqual(new UNIXAddress(null));
    expect(server.transport.getHost()).toEqual(new UNIXAddress(path()));
    expect(server.transport.getPeer()).toEqual(new UNIXAddress(null));
    expect(server.transport.logPrefix()).toBe("Recorder,0,");
    client.transport.loseConnection();
    await until(() => server.isLost && client.isLost);
  });

  test("abortConnection closes a UNIX socket too, which knows no reset", async () => {
    const server = new Recorder();
    reactor.listenUNIX(
      path(),
      serving(() => server),
    );
    const client = new Recorder();
    reactor.connectUNIX(path(), new RecordingFactory(() => client));
    await until(() => server.connected && client.connected);
    client.transport.abortConnection();
    await until(() => server.isLost && client.isLost);
    expect(client.error).toBeInstanceOf(ConnectionAborted);
  });

  test("checkPID: BadFileError without a living lock, later and not in the call; else a connection", async () => {
    const refused = new RecordingFactory();
    const port = reactor.listenUNIX(path(), nobody());
    reactor.connectUNIX(path(), refused, { checkPID: true });
    expect(refused.events).toEqual(["start", "connecting"]);
    await until(() => refused.events.at(-1) === "stop");
    expect(refused.error).toBeInstanceOf(BadFileError);
    await port.stopListening();
    const server = new Recorder();
    reactor.listenUNIX(
      path(),
      serving(() => server),
      { wantPID: true },
    );
    const client = new Recorder();
    reactor.connectUNIX(path(), new RecordingFactory(() => client), { checkPID: true });
    await until(() => server.connected && client.connected);
  });

  test.runIf(process.platform === "linux")("an abstract name touches no file and takes no lock", async () => {
    const name = `\0strombus-${process.pid}`;
    expect(() => reactor.listenUNIX(name, nobody(), { wantPID: true })).toThrow(ValueError);
    expect(() => reactor.connectUNIX(name, new RecordingFactory(), { checkPID: true })).toThrow(ValueError);
    const server = new Recorder();
    const port = reactor.listenUNIX(
      name,
      serving(() => server),
    );
    const client = new Recorder();
    reactor.connectUNIX(name, new RecordingFactory(() => client));
    await until(() => server.connected && client.connected);
    client.transport.loseConnection();
    await until(() => server.isLost && client.isLost);
    await port.stopListening();
  });
});

test.each([0o666, 0o600, 0o777])("the file has mode %o whatever the umask, and the umask is as before", (mode) => {
  const umask = process.umask(0o027);
  reactor.listenUNIX(path(), nobody(), { mode });
  expect(statSync(path()).mode & 0o7777).toBe(mode);
  expect(process.umask(umask)).toBe(0o027);
});

test("stopListening removes the socket and its lock, and the port can listen again", async () => {
  const port = reactor.listenUNIX(path(), nobody(), { wantPID: true });
  expect(existsSync(path()) && statSync(path()).isSocket()).toBe(true);
  await port.stopListening();
  expect(existsSync(path())).toBe(false);
  port.startListening();
  expect(existsSync(path())).toBe(true);
  await port.stopListening();
  expect(existsSync(path())).toBe(false);
});

test("stopping the reactor removes both too", async () => {
  reactor.listenUNIX(path(), nobody(), { wantPID: true });
  const finished = reactor.run({ installSignalHandlers: false });
  reactor.stop();
  await finished;
  expect([existsSync(path()), existsSync(`${path()}.lock`)]).toEqual([false, false]);
});

test("a path in use, a missing folder and a path that is too long are CannotListenErrors, and no lock stays", () => {
  writeFileSync(path(), "");
  const failures: [string, RegExp][] = [
    [path(), /EADDRINUSE/],
    [join(folder, "missing", "socket"), /ENOENT|EACCES/], // libuv says the second of a socket, on any system
    [join(folder, "x".repeat(120)), /ENAMETOOLONG/],
  ];
  for (const [name, code] of failures) {
    for (const wantPID of [false, true]) {
      let error: unknown = null;
      try {
        reactor.listenUNIX(name, nobody(), { wantPID });
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(CannotListenError);
      expect((error as CannotListenError).socketError).toMatchObject({ code: expect.stringMatching(code) as string });
      expect(existsSync(`${name}.lock`)).toBe(false);
    }
  }
  expect(statSync(path()).isFile()).toBe(true);
});

test("with wantPID a socket whose process has died is replaced, and a living one's is not", async () => {
  const dead = spawnSync(process.execPath, ["-e", ""]).pid;
  const leftover = net.createServer().listen(join(folder, "other"));
  symlinkSync(String(dead), `${path()}.lock`);
  // What a dead process leaves: a socket nobody listens on.
  spawnSync(process.execPath, [
    "-e",
    `require("net").createServer().listen(${JSON.stringify(path())}, () => process.kill(process.pid, "SIGKILL"))`,
  ]);
  expect(statSync(path()).isSocket()).toBe(true);
  expect(() => reactor.listenUNIX(path(), nobody())).toThrow(CannotListenError);
  const port = reactor.listenUNIX(path(), nobody(), { wantPID: true });
  expect(() => new NodeReactor().listenUNIX(path(), nobody(), { wantPID: true })).toThrow(CannotListenError);
  await port.stopListening();
  leftover.close();
});

test("a stale lock never removes a file that is no socket", () => {
  const dead = spawnSync(process.execPath, ["-e", ""]).pid;
  symlinkSync(String(dead), `${path()}.lock`);
  writeFileSync(path(), "precious");
  expect(() => reactor.listenUNIX(path(), nobody(), { wantPID: true })).toThrow(CannotListenError);
  expect(statSync(path()).size).toBe(8);
});

test("nobody listens, nothing is there, the path is too long: the ConnectError that fits", async () => {
  spawnSync(process.execPath, [
    "-e",
    `require("net").createServer().listen(${JSON.stringify(path())}, () => process.kill(process.pid, "SIGKILL"))`,
  ]);
  const expected = [
    [path(), ConnectionRefusedError, "ECONNREFUSED"],
    [join(folder, "missing"), ConnectError, "ENOENT"],
    [join(folder, "x".repeat(120)), ConnectError, "ENAMETOOLONG"],
  ] as const;
  for (const [name, type, code] of expected) {
    const factory = new RecordingFactory();
    reactor.connectUNIX(name, factory);
    await until(() => factory.events.at(-1) === "stop");
    expect(factory.events).toEqual(["start", "connecting", "failed", "stop"]);
    expect(factory.error).toBeInstanceOf(type);
    expect(factory.error).toMatchObject({ code });
  }
  expect(reactor.getDelayedCalls()).toEqual([]);
});
