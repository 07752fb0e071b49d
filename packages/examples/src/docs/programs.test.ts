import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { ConchUser } from "@strombus/conch/avatar";
import { InMemorySSHKeyDB, SSHPublicKeyChecker } from "@strombus/conch/checkers";
import { connect } from "@strombus/conch/client/connect";
import { SSHUserAuthClient, verifyHostKey } from "@strombus/conch/client/default";
import { ConchOptions } from "@strombus/conch/client/options";
import { IConchUser } from "@strombus/conch/interfaces";
import { type Connect, run } from "@strombus/conch/scripts/cftp";
import { SFTPServerForFolder } from "@strombus/conch/sftp";
import { SSHConnection } from "@strombus/conch/ssh/connection";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { FileTransferServer, ISFTPServer } from "@strombus/conch/ssh/filetransfer";
import { Key } from "@strombus/conch/ssh/keys";
import { SSHSession } from "@strombus/conch/ssh/session";
import { Portal } from "@strombus/cred/portal";
import { registerAdapter } from "@strombus/reactor/components";
import type { IReactorTCP, IReactorUNIX } from "@strombus/reactor/interfaces";
import { SimulatedReactor } from "@strombus/reactor/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connectionTo } from "./in-memory.js";

class Guest extends ConchUser {
  constructor(readonly folder: string) {
    super();
    this.channelLookup["session"] = SSHSession;
    this.subsystemLookup["sftp"] = FileTransferServer;
  }
}
registerAdapter((user: Guest) => new SFTPServerForFolder(user.folder), Guest, ISFTPServer);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "strombus-programs-"));
  mkdirSync(join(folder, "served"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  process.exitCode = 0;
});

async function fetchReport(connect: Connect, into: string): Promise<boolean> {
  await run(["server:monday.txt", into], { connect, stdout: new PassThrough().resume(), stdin: new PassThrough() });
  return process.exitCode === 0;
}

test("cftp on a connection that is there already", async () => {
  writeFileSync(join(folder, "served/monday.txt"), "rain");
  const into = join(folder, "report");
  expect(await fetchReport(() => connectionTo(new Guest(join(folder, "served"))), into)).toBe(true);
  expect(readFileSync(into, "utf8")).toBe("rain");
});

async function connectionOf(
  user: string,
  options: ConchOptions,
  reactor: IReactorTCP & IReactorUNIX,
): Promise<SSHConnection> {
  const connection = new SSHConnection();
  const login = new SSHUserAuthClient(user, options, connection, { reactor });
  await connect(options.host, options.port, options, verifyHostKey, login, reactor);
  return connection;
}

test("a client of one's own, by a known host and a key", async () => {
  const [hostKey, key] = [Key.generate("ed25519"), Key.generate("ed25519")];
  const factory = new SSHFactory();
  factory.privateKeys = { "ssh-ed25519": hostKey };
  factory.publicKeys = { "ssh-ed25519": hostKey.public() };
  factory.portal = new Portal({ requestAvatar: () => [IConchUser, new ConchUser(), () => undefined] });
  factory.portal.registerChecker(new SSHPublicKeyChecker(new InMemorySSHKeyDB(new Map([["alice", [key.public()]]]))));
  const reactor = new SimulatedReactor();
  const port = reactor.listenTCP(22, factory);
  writeFileSync(join(folder, "key"), key.toString("openssh"));
  writeFileSync(join(folder, "known"), `localhost,127.0.0.1 ${hostKey.public().toString("openssh").toString()}\n`);
  const options = new ConchOptions();
  options.parseOptions(["-a", "-i", join(folder, "key"), "--known-hosts", join(folder, "known")]);
  options.host = "localhost";
  const made: SSHConnection[] = [];
  const connecting = connectionOf("alice", options, reactor).then((connection) => made.push(connection));
  for (let turn = 0; turn < 500 && made.length === 0; turn++) await reactor.settle();
  await connecting;
  expect(made[0]!.transport!.service).toBe(made[0]);
  made[0]!.transport!.loseConnection();
  await port.stopListening();
  await reactor.settle();
});
