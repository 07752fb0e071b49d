/** X programs at one end of a connection, and the display that they use at the other. */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Key } from "@strombus/conch/ssh/keys";
import { requestX11Forwarding } from "@strombus/conch/ssh/x11";
import { ClientSession } from "@strombus/conch/streams";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startX, type XServer } from "../support/display.js";
import { PeerFolder } from "../support/interop-folder.js";
import { logIn, logOut } from "../support/login.js";
import { needed } from "../support/needed.js";
import { peers } from "../support/peers.js";
import { Program } from "../support/program.js";
import { startSSHD } from "../support/sshd.js";
import { isListening } from "../support/tcp.js";
import { startUnixServer, type UnixServer } from "../support/unix.js";

const peer = peers();
needed("xdpyinfo");

/** Says where the display is, and what it says of itself. */
const LOOK = "echo $DISPLAY; xdpyinfo 2>&1 | head -n 3";
const SEEN = /^localhost:(\d+)\.0\nname of display: {4}localhost:\1\.0\nversion number: {4}11\.0\n/;

let guarded: XServer; // asks for its cookie
let open: XServer; // for clients that can reach it by TCP only
let server: UnixServer;

beforeAll(async () => {
  [guarded, open, server] = await Promise.all([startX(), startX({ open: true }), startUnixServer()]);
});
afterAll(async () => {
  await Promise.all([guarded.stop(), open.stop(), server.example.program.kill()]);
});

describe("programs at our server use the display of", () => {
  for (const option of ["-X", "-Y"]) {
    test(`OpenSSH 9.2 with ${option}, which knows the real cookie`, async () => {
      const env = { DISPLAY: `:${guarded.number}`, XAUTHORITY: guarded.authority };
      const run = server.run(LOOK, [option], { env });
      await run.ending;
      expect(run.stdout.text).toMatch(SEEN);
      const [, number] = SEEN.exec(run.stdout.text)!;
      await expect.poll(() => isListening({ port: 6000 + Number(number) })).toBe(false);
    });
  }

  test("OpenSSH 9.2, and two sessions beside each other have displays of their own", async () => {
    const env = { DISPLAY: `:${guarded.number}`, XAUTHORITY: guarded.authority };
    const runs = [1, 2].map(() => server.run(`${LOOK}; read line`, ["-Y"], { env }));
    const numbers = await Promise.all(runs.map(async (run) => (await run.stdout.until(SEEN))[1]));
    expect(new Set(numbers).size).toBe(2);
    for (const run of runs) run.endInput();
    await Promise.all(runs.map((run) => run.ending));
  });

  /** The words that run each client among the peers. */
  const CLIENTS: Readonly<Record<string, (folder: PeerFolder, key: string) => string[]>> = {
    "OpenSSH 10 with -Y": (_, key) => [
      ..."ssh -F none -Y -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes -i".split(" "),
      ...[key, "-p", String(server.example.port), server.host, LOOK],
    ],
    "PuTTY's plink with -X": (folder, key) => {
      folder.run("puttygen", key, "-O", "private", "-o", `${key}.ppk`);
      const words = ["plink", "-ssh", "-batch", "-X", "-hostkey", fingerprint(), "-i", `${key}.ppk`];
      return [...words, "-P", String(server.example.port), server.host, LOOK];
    },
    AsyncSSH: (folder, key) => {
      folder.put("none", ""); // of cookies
      return ["python3", "-W", "ignore", folder.put("asyncssh_x11.py", ASYNCSSH), ...pythonArguments(folder, key)];
    },
    Paramiko: (folder, key) => [
      ...["python3", "-W", "ignore", folder.put("paramiko_x11.py", PARAMIKO)],
      ...pythonArguments(folder, key),
    ],
  };

  const fingerprint = () => {
    const key = Key.fromString(readFileSync(join(dirname(server.key), "id_rsa.pub")));
    return `SHA256:${createHash("sha256").update(key.blob()).digest("base64").replace(/=+$/, "")}`;
  };
  const pythonArguments = (folder: PeerFolder, key: string) => [
    ...[String(server.example.port), server.host.split("@")[0]!, key],
    ...[String(open.number), `${folder.path}/none`, LOOK],
  ];

  for (const [name, words] of Object.entries(CLIENTS)) {
    test(name, async () => {
      const folder = new PeerFolder(peer);
      const key = folder.put("key", readFileSync(server.key));
      const display = ["env", `DISPLAY=127.0.0.1:${open.number}`];
      const run = new Program([...peer, ...display, ...words(folder, key)]);
      await run.ending;
      expect(run.stdout.text, run.stderr.text).toMatch(SEEN);
      folder.remove();
    });
  }
});

const ASYNCSSH = `
import asyncssh, asyncio, sys
port, user, key, display, authority, command = sys.argv[1:]
async def main():
    async with asyncssh.connect("127.0.0.1", int(port), username=user, client_keys=[key], known_hosts=None, config=None) as connection:
        done = await connection.run(command, x11_forwarding=True, x11_display="127.0.0.1:" + display, x11_auth_path=authority)
        print(done.stdout, end="")
asyncio.run(main())
`;

const PARAMIKO = `
import paramiko, socket, sys, threading
port, user, key, display, authority, command = sys.argv[1:]
transport = paramiko.Transport(("127.0.0.1", int(port)))
transport.connect(username=user, pkey=paramiko.Ed25519Key.from_private_key_file(key))
def pump(one, other):
    while True:
        data = one.recv(32768)
        if not data: break
        other.sendall(data)
    other.shutdown(1)
def opened(channel, origin):
    sock = socket.create_connection(("127.0.0.1", 6000 + int(display)))
    for pair in ((channel, sock), (sock, channel)): threading.Thread(target=pump, args=pair, daemon=True).start()
session = transport.open_session()
session.request_x11(handler=opened)
session.exec_command(command)
print(session.makefile("r").read().decode(), end="")
transport.close()
`;

describe("a client of our server", () => {
  test("has no display where that is off, and the command runs", async () => {
    const key = readFileSync(`${server.key}.pub`, "utf8");
    const authorized = join(dirname(server.key), "authorized_keys");
    writeFileSync(authorized, `no-X11-forwarding ${key}`);
    const env = { DISPLAY: `:${guarded.number}`, XAUTHORITY: guarded.authority };
    const run = server.run("echo -$DISPLAY-", ["-X"], { env });
    expect((await run.ending).status).toBe(0);
    expect(run.stdout.text).toBe("--\n");
    writeFileSync(authorized, key);
  });
});

describe("our client", () => {
  test("lets the programs of a session at OpenSSH's server use its display, and no others", async () => {
    const sshd = await startSSHD([], ["X11Forwarding yes"]);
    const connection = await logIn(sshd);
    const session = await ClientSession.open(connection);
    await requestX11Forwarding(session, { display: `:${guarded.number}`, authority: guarded.authority });
    await session.exec(`${LOOK}; xauth -q list $DISPLAY | wc -l; XAUTHORITY=/dev/null xdpyinfo 2>&1 | tail -n 1`);
    const output = await text(session.stream);
    expect(output).toMatch(SEEN);
    expect(output).toMatch(/unable to open display/);
    expect((await session.exit).code).toBe(0);
    logOut(connection);
    await sshd.stop();
  });

  test("hears that a server will have no display", async () => {
    const sshd = await startSSHD([], ["X11Forwarding no"]);
    const connection = await logIn(sshd);
    const session = await ClientSession.open(connection);
    const asking = requestX11Forwarding(session, { display: `:${guarded.number}`, authority: guarded.authority });
    await expect(asking).rejects.toThrow("channel request failed");
    logOut(connection);
    await sshd.stop();
  });
});
