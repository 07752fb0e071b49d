/** What an account has forwarded, and by whom. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reactor } from "@strombus/reactor";
import { connectProtocol, UNIXClientEndpoint } from "@strombus/reactor/endpoints";
import { CannotListenError } from "@strombus/reactor/error";
import { Factory, Protocol } from "@strombus/reactor/protocol";
import { MemoryReactorClock } from "@strombus/reactor/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { PasswdEntry } from "../checkers/passwd.js";
import { UnixConchUser } from "../unix.js";
import { reactorOf } from "./forwarding.js";

const isRoot = process.geteuid?.() === 0;
const nobody: PasswdEntry = {
  pw_name: "nobody",
  pw_passwd: "x",
  pw_uid: 65_534,
  pw_gid: 65_534,
  pw_gecos: "",
  pw_dir: "/nonexistent",
  pw_shell: "/bin/sh",
};

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "strombus-unix-"))));
afterEach(() => rmSync(folder, { recursive: true }));

test("what listens is opened and closed as the user, and a socket is connected to as the user", () => {
  const events: string[] = [];
  class User extends UnixConchUser {
    override _runAsUser<T>(...calls: readonly (() => T)[]): T {
      events.push("as the user");
      const result = calls.map((call) => call()).at(-1) as T;
      events.push("as ourselves");
      return result;
    }
  }
  const memory = Object.assign(new MemoryReactorClock(), { nameResolver: reactor.nameResolver });
  const theirs = reactorOf(new User("nobody", nobody), memory);
  for (const listen of [
    () => theirs.listenTCP(80, new Factory(), { interface: "127.0.0.1" }),
    () => theirs.listenUNIX("/run/x", new Factory(), { mode: 0o600 }),
  ]) {
    const listening = listen();
    expect(events.splice(0)).toEqual(["as the user", "as ourselves"]);
    void listening.stopListening();
    expect(events.splice(0)).toEqual(["as the user", "as ourselves"]);
  }
  expect(memory.tcpServers.map(([port, , , host]) => [port, host])).toEqual([[80, "127.0.0.1"]]);
  expect(memory.unixServers.map(([path, , , mode]) => [path, mode])).toEqual([["/run/x", 0o600]]);
  connectProtocol(new UNIXClientEndpoint(theirs, "/run/y"), new Protocol());
  expect(events).toEqual(["as the user", "as ourselves"]);
});

test.runIf(isRoot)("a socket of others is not reached by way of root, and what is made is the user's", async () => {
  const theirs = reactorOf(new UnixConchUser("nobody", nobody));
  chmodSync(folder, 0o755);
  const guarded = join(folder, "guarded");
  const server = createServer().listen(guarded);
  await once(server, "listening");
  chmodSync(guarded, 0o600);
  await expect(connectProtocol(new UNIXClientEndpoint(theirs, guarded), new Protocol())).rejects.toMatchObject({
    message: expect.stringContaining("EACCES") as string,
  });
  server.close();
  expect(() => theirs.listenUNIX(join(folder, "made"), new Factory())).toThrow(CannotListenError);
  mkdirSync(join(folder, "open"));
  chmodSync(join(folder, "open"), 0o777);
  const listening = theirs.listenUNIX(join(folder, "open", "made"), new Factory(), { mode: 0o600 });
  expect(statSync(join(folder, "open", "made"))).toMatchObject({ uid: 65_534 });
  await listening.stopListening();
  expect(statSync(join(folder, "open", "made"), { throwIfNoEntry: false })).toBeUndefined();
});
