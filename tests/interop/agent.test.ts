/** Our agent with OpenSSH's ssh-add and ssh, and our agent's client with OpenSSH's ssh-agent. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type AgentFactory, type AgentKeys, SSHAgentClient, SSHAgentServer } from "@strombus/conch/ssh/agent";
import { Key } from "@strombus/conch/ssh/keys";
import { reactor } from "@strombus/reactor";
import { connectProtocol, TCP4ClientEndpoint } from "@strombus/reactor/endpoints";
import type { IListeningPort } from "@strombus/reactor/interfaces";
import { Factory } from "@strombus/reactor/protocol";
import { Clock } from "@strombus/reactor/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { root } from "../support/example.js";
import { PeerFolder } from "../support/interop-folder.js";
import { privateFile, publicLine } from "../support/interop-keys.js";
import { needed } from "../support/needed.js";
import { peers } from "../support/peers.js";
import { Program } from "../support/program.js";
import { type SSHD, startSSHD } from "../support/sshd.js";
import { rsaKey } from "../support/rsa.js";

needed("sshd");

const BRIDGE = readFileSync(join(root, "tests/interop/peers/socket_bridge.py"));
const KEYS = [Key.generate("ed25519"), Key.generate("ecdsa", 384), rsaKey()] as const;
const MLDSA = Key.generate("mldsa44-ed25519");

for (const [release, prefix, keys] of [
  ["9.2", [], KEYS],
  ["10", peers(), [...KEYS, MLDSA]],
] as const) {
  describe(`OpenSSH ${release}`, () => {
    let folder: PeerFolder;
    let socket: string;
    const programs: Program[] = [];

    beforeEach(() => {
      folder = new PeerFolder(prefix);
      socket = `${folder.path}/agent`;
    });
    afterEach(async () => {
      for (const program of programs.splice(0)) await program.kill("SIGKILL");
      folder.remove();
    });

    const run = async (words: readonly string[], env: Readonly<Record<string, string>> = {}) => {
      const settings = Object.entries({ SSH_AUTH_SOCK: socket, ...env }).map(([name, value]) => `${name}=${value}`);
      const program = new Program([...prefix, "env", ...settings, ...words]);
      program.endInput();
      const { status } = await program.ending;
      return { status, output: program.stdout.text + program.stderr.text };
    };
    const bridge = async (...words: string[]) => {
      const script = folder.put("bridge.py", BRIDGE);
      const program = new Program([...prefix, "python3", script, ...words]);
      programs.push(program);
      const [, port] = await program.stdout.until(/^port (\d+)\n/);
      return Number(port);
    };
    /** What ssh-add asks for, as a passphrase. */
    const answering = (answer: string) => ({
      SSH_ASKPASS: folder.put("askpass", `#!/bin/sh\necho ${answer}\n`, "700"),
      SSH_ASKPASS_REQUIRE: "force",
    });
    const fingerprints = (output: string) => [...output.matchAll(/SHA256:\S+/g)].map(([each]) => each);

    describe("ssh-add with our agent", () => {
      let listening: IListeningPort;
      let held: AgentKeys;
      let clock: Clock;
      let says: boolean;

      beforeEach(async () => {
        held = new Map();
        clock = new Clock();
        says = false;
        class Agent extends SSHAgentServer {
          override clock = clock;
          override confirm() {
            return says;
          }
        }
        const factory: AgentFactory = Factory.forProtocol(Agent);
        factory.keys = held;
        listening = reactor.listenTCP(0, factory, { interface: "127.0.0.1" });
        await bridge("listen", socket, String((listening.getHost() as { port?: number }).port));
      });
      afterEach(() => listening.stopListening());

      const add = (key: Key, ...options: string[]) =>
        run(["ssh-add", ...options, folder.put(`key-${key.sshType()}`, privateFile(key))]);
      const signsBy = async (key: Key) => {
        const file = folder.put(`test-${key.sshType()}.pub`, publicLine(key));
        return (await run(["ssh-add", "-T", file])).status === 0;
      };

      test("adds, lists, tries and removes keys of each type", async () => {
        for (const key of keys) expect(await add(key)).toMatchObject({ status: 0 });
        expect([...held.values()].map(([key]) => key.sshType())).toEqual(keys.map((key) => key.sshType()));
        expect(fingerprints((await run(["ssh-add", "-l"])).output)).toHaveLength(keys.length);
        for (const key of keys) expect(await signsBy(key)).toBe(true);
        await run(["ssh-add", "-d", `${folder.path}/key-ssh-ed25519`]);
        expect(fingerprints((await run(["ssh-add", "-l"])).output)).toHaveLength(keys.length - 1);
        expect(await run(["ssh-add", "-D"])).toMatchObject({ status: 0 });
        expect(held.size).toBe(0);
      });

      test("adds a key with its certificate, of each type", async () => {
        const authority = folder.put("authority", privateFile(Key.generate("ed25519")));
        for (const key of keys) {
          const file = folder.put("certified", privateFile(key));
          folder.put("certified.pub", publicLine(key));
          folder.run("ssh-keygen", "-q", "-s", authority, "-I", "id", "-n", "user", `${file}.pub`);
          expect(await run(["ssh-add", file])).toMatchObject({ status: 0 });
          expect(await run(["ssh-add", "-T", `${file}-cert.pub`])).toMatchObject({ status: 0 });
        }
        expect((await run(["ssh-add", "-L"])).output.match(/-cert(?:-v01@openssh\.com)? /g)).toHaveLength(keys.length);
        expect(held.size).toBe(2 * keys.length);
      });

      test("-t: a key is gone when its time is over", async () => {
        await add(keys[0], "-t", "60");
        clock.advance(59);
        expect(await signsBy(keys[0])).toBe(true);
        clock.advance(2);
        expect(await signsBy(keys[0])).toBe(false);
        expect(held.size).toBe(0);
      });

      test("-c: a key signs when somebody has said yes", async () => {
        await add(keys[0], "-c");
        expect(await signsBy(keys[0])).toBe(false);
        says = true;
        expect(await signsBy(keys[0])).toBe(true);
      });

      test("-x and -X lock it and unlock it", async () => {
        await add(keys[0]);
        expect(await run(["ssh-add", "-x"], answering("secret"))).toMatchObject({ status: 0 });
        expect((await run(["ssh-add", "-l"])).output).toContain("The agent has no identities.");
        expect(await signsBy(keys[0])).toBe(false);
        const wrong = run(["ssh-add", "-X"], answering("guess"));
        await expect.poll(() => clock.getDelayedCalls().length).toBe(1);
        clock.advance(1);
        expect((await wrong).status).not.toBe(0);
        expect(await run(["ssh-add", "-X"], answering("secret"))).toMatchObject({ status: 0 });
        expect(await signsBy(keys[0])).toBe(true);
      });

      test("CL5: -s loads no library", async () => {
        expect(await run(["ssh-add", "-s", "/usr/lib/x86_64-linux-gnu/libc.so.6"], answering("pin"))).toMatchObject({
          status: 1,
        });
      });

      destinations("ssh-add -h", async (key, knownHosts, ways) => {
        const options = ways.flatMap((way) => ["-h", way]);
        expect(await add(key, "-H", knownHosts, ...options)).toMatchObject({ status: 0 });
      });
    });

    describe("our client with ssh-agent", () => {
      let client: SSHAgentClient;
      beforeEach(async () => {
        const agent = new Program([...prefix, "ssh-agent", "-D", "-a", socket]);
        programs.push(agent);
        await agent.stdout.until("SSH_AUTH_SOCK");
        const port = await bridge("connect", socket);
        client = await connectProtocol(new TCP4ClientEndpoint(reactor, "127.0.0.1", port), new SSHAgentClient());
      });
      afterEach(() => client.transport?.loseConnection());

      test("adds, lists, signs by and removes keys of each type", async () => {
        for (const key of keys) await client.addIdentity(key.privateBlob(), `my ${key.sshType()}`);
        expect(await client.requestIdentities()).toEqual(keys.map((key) => [key.blob(), `my ${key.sshType()}`]));
        for (const key of keys) expect(key.verify(await client.signData(key.blob(), "data"), "data")).toBe(true);
        for (const algorithm of ["rsa-sha2-256", "rsa-sha2-512"]) {
          const signature = await client.signData(keys[2].blob(), "data", algorithm);
          expect(keys[2].verify(signature, "data", [algorithm])).toBe(true);
        }
        await client.removeIdentity(keys[0].blob());
        await expect(client.removeIdentity(keys[0].blob())).rejects.toThrow("agent failure");
        expect(await client.requestIdentities()).toHaveLength(keys.length - 1);
        await client.removeAllIdentities();
        expect(await client.requestIdentities()).toEqual([]);
      });

      test("locks and unlocks it, and adds keys that it confirms or forgets", async () => {
        await client.addIdentity(keys[0].privateBlob(), "", { lifetime: 3600 });
        await client.addIdentity(keys[1].privateBlob(), "", { confirm: true });
        await expect(client.signData(keys[1].blob(), "data")).rejects.toThrow("agent failure"); // nobody to ask
        await client.lock("secret");
        expect(await client.requestIdentities()).toEqual([]);
        await expect(client.unlock("guess")).rejects.toThrow("agent failure");
        await client.unlock("secret");
        expect(await client.requestIdentities()).toHaveLength(2);
      });

      test("binds a session to it, once it is signed; and asks for extensions", async () => {
        const host = Key.generate("ed25519");
        const bind = (signature: Buffer) => client.bindSession(host.blob(), "session", signature, true);
        await expect(bind(host.sign("another"))).rejects.toThrow();
        await bind(host.sign("session"));
        await expect(client.extension("unknown@example.com")).rejects.toThrow();
        const extensions = await client.queryExtensions().then(
          (names) => names,
          () => null, // 9.2 does not tell
        );
        if (release === "10") expect(extensions).toContain("session-bind@openssh.com");
      });

      destinations("addIdentity with destinations", async (key, knownHosts, ways, hops) => {
        const hop = (name: string) => ({ hostname: name, keys: [{ key: hops.get(name)!, isAuthority: false }] });
        const destinations = ways.map((way) => {
          const [first = "", second] = way.split(">");
          return second === undefined ? { from: null, to: hop(first) } : { from: hop(first), to: hop(second) };
        });
        await client.addIdentity(key.privateBlob(), "", { destinations });
      });
    });

    /** Keys for some hosts only; `add` gives the agent one. */
    function destinations(
      how: string,
      add: (key: Key, knownHosts: string, ways: string[], hops: Map<string, Key>) => Promise<void>,
    ): void {
      describe(how, () => {
        let servers: SSHD[];
        let hops: Map<string, Key>;
        const user = Key.generate("ed25519");
        const nameOf = (server: SSHD) => `[127.0.0.1]:${server.port}`;
        beforeAll(async () => {
          servers = await Promise.all([1, 2].map(() => startSSHD(prefix, [], user)));
          hops = new Map(servers.map((server) => [nameOf(server), server.hostKey]));
        });
        afterAll(async () => {
          for (const server of servers) await server.stop();
        });
        const lines = () => [...hops].map(([name, key]) => `${name} ${publicLine(key)}`).join("");
        const ssh = (server: SSHD, knownHosts: string, ...command: string[]) => [
          ..."ssh -A -F none -o IdentityFile=none -o BatchMode=yes -o".split(" "),
          ...[`UserKnownHostsFile=${knownHosts}`, "-p", String(server.port), `${server.user}@127.0.0.1`],
          ...command,
        ];

        test("lets the key log in there and nowhere else", async () => {
          const knownHosts = folder.put("known_hosts", lines());
          const [first, second] = servers as [SSHD, SSHD];
          await add(user, knownHosts, [nameOf(first)], hops);
          expect(await run(ssh(first, knownHosts, "echo in"))).toMatchObject({ output: "in\n" });
          expect((await run(ssh(second, knownHosts, "echo in"))).output).toContain("Permission denied");
          // Forwarded, it shows nothing there.
          expect((await run(ssh(first, knownHosts, "ssh-add -l"))).output).toContain("The agent has no identities.");
        });

        test("lets it lead on from a host that it is forwarded to", async () => {
          const knownHosts = folder.put("known_hosts", lines());
          const [first, second] = servers as [SSHD, SSHD];
          await add(user, knownHosts, [nameOf(first), `${nameOf(first)}>${nameOf(second)}`], hops);
          const onward = ssh(second, knownHosts, "echo far").join(" ");
          expect((await run(ssh(first, knownHosts, onward))).output).toBe("far\n");
          expect((await run(ssh(second, knownHosts, "echo in"))).output).toContain("Permission denied");
        });
      });
    }
  });
}
