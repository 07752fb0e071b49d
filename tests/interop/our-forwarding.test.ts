/** Our client's forwardings, with other people's servers and our own. */
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { Key } from "@strombus/conch/ssh/keys";
import {
  requestAgentForwarding,
  SSHAgentForwardingChannel,
  SSHAgentServer,
  SSHAgentServerChannel,
} from "@strombus/conch/ssh/agent";
import { SSHConnection } from "@strombus/conch/ssh/connection";
import {
  allowForwarding,
  forwardLocal,
  forwardRemote,
  SSHListenClientForwardingChannel,
  SSHListenForwardingFactory,
} from "@strombus/conch/ssh/forwarding";
import { ClientSession, sessionProgram } from "@strombus/conch/streams";
import { reactor } from "@strombus/reactor";
import { Factory } from "@strombus/reactor/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folder.js";
import { PeerFolder } from "../support/interop-folder.js";
import { privateFile, publicLine } from "../support/interop-keys.js";
import { dropbearServer } from "../support/interop-servers.js";
import { type Account, logIn, logOut } from "../support/login.js";
import { needed } from "../support/needed.js";
import { peers } from "../support/peers.js";
import { Program } from "../support/program.js";
import { serve } from "../support/server.js";
import { type SSHD, startSSHD } from "../support/sshd.js";
import { freePort } from "../support/ports.js";
import { digestOf, digestServer, exchange, isListening, type Target } from "../support/tcp.js";

needed("sshd");
const peer = peers();
const content = randomBytes(3 * 2 ** 20); // more than any window
let target: Target;
beforeAll(async () => void (target = await digestServer()));
afterAll(() => target.close());

interface Running extends Account {
  readonly stop: () => Promise<void>;
}

interface Server {
  readonly start: () => Promise<Running>;
  /** It sees the files that we see, and so our sockets. */
  readonly sockets: boolean;
}

const SERVERS: Readonly<Record<string, Server>> = {
  "OpenSSH 9.2": { start: () => startSSHD([]), sockets: true },
  "OpenSSH 10": { start: () => startSSHD(peer), sockets: false },
  Dropbear: { start: startDropbear, sockets: false },
  AsyncSSH: { start: startAsyncSSH, sockets: false },
  ours: { start: startOurs, sockets: true },
};

async function startDropbear(): Promise<Running> {
  const key = Key.generate("ed25519");
  const server = await dropbearServer({ prefix: peer, userKeys: new Map([["ssh-ed25519", key]]) });
  return { ...server, secret: key };
}

async function startAsyncSSH(): Promise<Running> {
  const folder = new PeerFolder(peer);
  const key = folder.put("host-key", Key.generate("ed25519").toString("openssh"));
  const program = new Program([...peer, "python3", "-W", "ignore", folder.put("server.py", ASYNCSSH), key]);
  const [, port] = await program.stdout.until(/^port (\d+)\n/);
  const stop = async () => {
    await program.kill();
    folder.remove();
  };
  return { port: Number(port), user: "user", secret: "password", stop };
}

const ASYNCSSH = `
import asyncio, asyncssh, sys
class Server(asyncssh.SSHServer):
    def password_auth_supported(self): return True
    def validate_password(self, username, password): return password == "password"
    def connection_requested(self, *place): return True
    def server_requested(self, *place): return True
async def main():
    server = await asyncssh.listen("127.0.0.1", 0, server_factory=Server, server_host_keys=[sys.argv[1]])
    print("port", server.get_port(), flush=True)
    await server.wait_closed()
asyncio.run(main())
`;

function startOurs(): Promise<Running> {
  const program = sessionProgram(() => 0);
  const everything = { connect: true, listen: true, connectUNIX: true, listenUNIX: true };
  const served = serve(program, undefined, (user) => allowForwarding(user, everything));
  return Promise.resolve({ port: served.port, user: "user", secret: "password", stop: () => served.close() });
}

for (const [name, { start, sockets }] of Object.entries(SERVERS)) {
  describe(`with the server ${name}`, () => {
    let server: Running;
    let connection: SSHConnection;
    beforeAll(async () => {
      server = await start();
      connection = await logIn(server);
    });
    afterAll(async () => {
      logOut(connection);
      await server.stop();
    });

    test("a port of ours leads on from there (-L), and carries the end of each direction by itself", async () => {
      await using local = forwardLocal(connection, ["127.0.0.1", 0], ["127.0.0.1", target.port]);
      const answers = await Promise.all([1, 2, 3].map(() => exchange({ port: local.port }, content)));
      expect(answers).toEqual([1, 2, 3].map(() => digestOf(content)));
    });

    test("a connection that leads to nobody is closed", async () => {
      await using local = forwardLocal(connection, ["127.0.0.1", 0], ["127.0.0.1", await freePort()]);
      expect(await exchange({ port: local.port }, Buffer.of(1)).catch(() => "")).toBe("");
    });

    test("a port of theirs that is free leads here (-R 0), until it is cancelled", async () => {
      const remote = await forwardRemote(connection, ["localhost", 0], ["127.0.0.1", target.port]);
      expect(await exchange({ port: remote.port }, content)).toBe(digestOf(content));
      await remote.close();
      await expect.poll(() => isListening({ port: remote.port })).toBe(false);
    });

    test("a port of theirs that we name leads here (-R), also when nobody is here", async () => {
      const [port, nobody] = [await freePort(), await freePort()];
      await using remote = await forwardRemote(connection, ["localhost", port], ["127.0.0.1", nobody]);
      expect(remote.port).toBe(port);
      expect(await exchange({ port }, Buffer.of(1)).catch(() => "")).toBe("");
    });

    test("one that is taken, in both families, is refused", async () => {
      const other = await digestServer({ host: "::" });
      const taken = forwardRemote(connection, ["localhost", other.port], ["127.0.0.1", target.port]);
      await expect(taken).rejects.toThrow("global request failed");
      other.close();
    });

    test("Twisted's own parts do the same", async () => {
      const place = ["127.0.0.1", target.port] as const;
      const factory = new SSHListenForwardingFactory(connection, place, SSHListenClientForwardingChannel);
      const listening = reactor.listenTCP(0, factory, { interface: "127.0.0.1" });
      expect(await exchange({ port: (listening.getHost() as { port?: number }).port! }, content)).toBe(
        digestOf(content),
      );
      await listening.stopListening();
    });

    test.runIf(sockets)("sockets of the file system lead both ways", async () => {
      const folder = temporaryFolder();
      const [near, far] = [join(folder, "near"), join(folder, "far")];
      const there = await digestServer({ path: join(folder, "target") });
      await using local = forwardLocal(connection, near, join(folder, "target"));
      expect(local.port).toBe(0);
      expect(await exchange({ path: near }, content)).toBe(digestOf(content));
      const remote = await forwardRemote(connection, far, join(folder, "target"));
      expect(await exchange({ path: far }, content)).toBe(digestOf(content));
      await remote.close();
      await expect.poll(() => isListening({ path: far })).toBe(false);
      there.close();
    });

    test("what listens there ends with the connection, and so does what listens here", async () => {
      const another = await logIn(server);
      const local = forwardLocal(another, ["127.0.0.1", 0], ["127.0.0.1", target.port]);
      const remote = await forwardRemote(another, ["localhost", 0], ["127.0.0.1", target.port]);
      const open = connect(local.port, "127.0.0.1");
      open.on("error", () => {});
      open.write("begun");
      await expect.poll(() => target.sockets.size).toBe(1);
      logOut(another);
      for (const port of [local.port, remote.port]) await expect.poll(() => isListening({ port })).toBe(false);
      await expect.poll(() => target.sockets.size).toBe(0);
      open.destroy();
    });
  });
}

describe("where OpenSSH's server forwards nothing", () => {
  test("both ways are refused, and say so", async () => {
    const server = await startSSHD([], ["AllowTcpForwarding no"]);
    const connection = await logIn(server);
    await expect(forwardRemote(connection, ["localhost", 0], ["127.0.0.1", 1])).rejects.toThrow(
      "global request failed",
    );
    await using local = forwardLocal(connection, ["127.0.0.1", 0], ["127.0.0.1", target.port]);
    expect(await exchange({ port: local.port }, Buffer.of(1)).catch(() => "")).toBe("");
    logOut(connection);
    await server.stop();
  });
});

describe("our agent, at OpenSSH's server,", () => {
  for (const [name, prefix] of [
    ["9.2", []],
    ["10", peer],
  ] as const) {
    test(`lists and signs for the programs of a session (${name})`, async () => {
      const key = Key.generate("ed25519");
      const factory: Factory & { keys?: Map<string, readonly [Key, string]> } = new Factory();
      factory.keys = new Map([[key.blob().toString("base64"), [key, "held here"]]]);
      class Connection extends SSHConnection {
        channel_auth_agent_openssh_com = (remoteWindow: number, remoteMaxPacket: number) => {
          const agent = new SSHAgentServer();
          agent.factory = factory;
          return new SSHAgentServerChannel(agent, { remoteWindow, remoteMaxPacket });
        };
      }
      const server = await startSSHD(prefix);
      const connection = await logIn(server, new Connection());
      const session = await ClientSession.open(connection);
      await requestAgentForwarding(session);
      const file = server.folder.put("held.pub", key.public().toString("openssh"));
      await session.exec(`ssh-add -l && ssh-add -T ${file} && echo signed; ssh-add -D 2>&1`);
      const output = await text(session.stream);
      expect(output).toMatch(/^256 SHA256:\S+ held here \(ED25519\)\nsigned\nAll identities removed.\n$/);
      logOut(connection);
      await server.stop();
    });
  }

  test("may be the one of this machine, OpenSSH's, which is told where it is used", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "socket");
    const agent = new Program(["ssh-agent", "-D", "-a", path]);
    await agent.stdout.until("SSH_AUTH_SOCK");
    const [server, beyond] = await Promise.all([startSSHD([]), startSSHD([])]);
    const name = (sshd: SSHD) => `[127.0.0.1]:${sshd.port}`;
    const known = [server, beyond].map((sshd) => `${name(sshd)} ${publicLine(sshd.hostKey)}`).join("");
    const knownHosts = server.folder.put("known_hosts", known);
    const key = server.folder.put("user-key", privateFile(beyond.secret));
    const ways = ["-h", name(server), "-h", `${name(server)}>${name(beyond)}`];
    const adding = new Program(["ssh-add", "-q", "-H", knownHosts, ...ways, key], { env: { SSH_AUTH_SOCK: path } });
    expect((await adding.ending).status, adding.stderr.text).toBe(0);

    class Connection extends SSHConnection {
      channel_auth_agent_openssh_com = (remoteWindow: number, remoteMaxPacket: number) =>
        new SSHAgentForwardingChannel({ remoteWindow, remoteMaxPacket, path });
    }
    const connection = await logIn(server, new Connection());
    const session = await ClientSession.open(connection);
    await requestAgentForwarding(session);
    const onward = `ssh -F none -o UserKnownHostsFile=${knownHosts} -o IdentityFile=none -o BatchMode=yes`;
    await session.exec(`ssh-add -l; ${onward} -p ${beyond.port} ${beyond.user}@127.0.0.1 echo far`);
    expect(await text(session.stream)).toMatch(/\(ED25519\)\nfar\n$/);
    logOut(connection);
    await Promise.all([server.stop(), beyond.stop()]);
    await agent.kill();
  });
});
