/** The programs of docs/clients.md: commands on a server, both on one reactor in memory. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { ConchUser } from "@strombus/conch/avatar";
import { InMemorySSHKeyDB, SSHPublicKeyChecker } from "@strombus/conch/checkers";
import { KnownHostsFile } from "@strombus/conch/client/knownhosts";
import { type ICommandTransport, SSHCommandClientEndpoint } from "@strombus/conch/endpoints";
import { IConchUser } from "@strombus/conch/interfaces";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { sessionProgram } from "@strombus/conch/streams";
import { Portal } from "@strombus/cred/portal";
import { Deferred } from "@strombus/reactor/defer";
import { ConnectionDone } from "@strombus/reactor/error";
import type { Failure } from "@strombus/reactor/failure";
import { Factory, Protocol } from "@strombus/reactor/protocol";
import { SimulatedReactor } from "@strombus/reactor/testing";
import { expect, test } from "vitest";

const key = Key.generate("ed25519");
const PRIVATE_KEY = key.toString("openssh");

class Answer extends Protocol {
  readonly ended = new Deferred<string>();
  #text = "";

  override dataReceived(data: Buffer) {
    this.#text += data.toString();
  }

  override connectionLost(reason: Failure) {
    if (reason.check(ConnectionDone) === null) this.ended.errback(reason);
    else this.ended.callback(this.#text);
  }
}

function ask(endpoint: SSHCommandClientEndpoint) {
  const answer = new Answer();
  return endpoint.connect(Factory.forProtocol(() => answer)).addCallback(() => answer.ended);
}

function serverOn(reactor: SimulatedReactor, hostKey: Key): void {
  const factory = new SSHFactory();
  factory.privateKeys = { "ssh-ed25519": hostKey };
  factory.publicKeys = { "ssh-ed25519": hostKey.public() };
  factory.portal = new Portal({
    requestAvatar() {
      const user = new ConchUser();
      user.channelLookup["session"] = sessionProgram(async ({ command, stdin, stdout }) => {
        if (command === "uptime") await finished(stdin.resume()); // until its input ends
        stdout.write(`${command} ran`);
      });
      return [IConchUser, user, () => undefined];
    },
  });
  factory.portal.registerChecker(new SSHPublicKeyChecker(new InMemorySSHKeyDB(new Map([["alice", [key.public()]]]))));
  reactor.listenTCP(22, factory);
}

test("commands beside each other on the connection of the first", async () => {
  const reactor = new SimulatedReactor();
  reactor.hosts.set("host.example", ["127.0.0.1"]);
  const hostKey = Key.generate("ed25519");
  serverOn(reactor, hostKey);
  const folder = mkdtempSync(join(tmpdir(), "clients-"));
  const path = join(folder, "known_hosts");
  const known = KnownHostsFile.fromPath(path);
  known.addHostKey("host.example", hostKey.public());
  known.addHostKey("127.0.0.1", hostKey.public());
  known.save();
  let done = false;
  const carry = async (): Promise<void> => {
    while (!done) await reactor.settle();
  };
  const carrying = carry();

  const first = SSHCommandClientEndpoint.newConnection(reactor, "uptime", "alice", "host.example", {
    keys: [Key.fromString(PRIVATE_KEY)],
    knownHosts: KnownHostsFile.fromPath(path),
  });
  const stays = new Protocol();
  await first.connect(Factory.forProtocol(() => stays));
  const { conn } = stays.transport as ICommandTransport;
  const answers = ["who", "df"].map((command) => ask(SSHCommandClientEndpoint.existingConnection(conn!, command)));

  expect(await Promise.all(answers)).toEqual(["who ran", "df ran"]);
  stays.transport!.loseConnection();
  done = true;
  await carrying;
  await reactor.settle();
  rmSync(folder, { recursive: true });
});
