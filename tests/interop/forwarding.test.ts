/** Other people's clients have their forwardings, and a channel of the application's own, through a server of ours. */
import { createHash, randomBytes } from "node:crypto";
import { allowForwarding } from "@strombus/conch/ssh/forwarding";
import { Key } from "@strombus/conch/ssh/keys";
import { sessionProgram, StreamChannel } from "@strombus/conch/streams";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { peers } from "../support/peers.js";
import { Program } from "../support/program.js";
import { serve, type Served } from "../support/server.js";
import { digestOf, digestServer, exchange, freePort, isListening, type Target } from "../support/tcp.js";

const content = randomBytes(3 * 2 ** 20);
const peer = peers();
const hostKey = Key.generate("ed25519");
let server: Served;
let target: Target;

beforeAll(async () => {
  target = await digestServer();
  server = serve(
    sessionProgram(
      ({ signal }) => new Promise<number>((resolve) => signal.addEventListener("abort", () => resolve(0))),
    ),
    (factory) => {
      factory.privateKeys = { "ssh-ed25519": hostKey };
      factory.publicKeys = { "ssh-ed25519": hostKey.public() };
    },
    (user) => {
      allowForwarding(user, { connect: true, listen: true });
      user.channelLookup["upper@example.com"] = ({ data, ...options }) => {
        const channel = new StreamChannel("upper@example.com", options);
        channel.specificData = `you said ${data.toString()}`;
        channel.stream.on("data", (bytes: Buffer) => channel.stream.write(bytes.toString().toUpperCase()));
        channel.stream.on("end", () => channel.stream.end());
        return channel;
      };
      Object.assign(user, {
        "global_sum@example.com": (data: Buffer) => [true, Buffer.from([data.reduce((sum, byte) => sum + byte, 0)])],
      });
    },
  );
});
afterAll(async () => {
  target.close();
  await server.close();
});

const fingerprint = () => `SHA256:${createHash("sha256").update(hostKey.blob()).digest("base64").replace(/=+$/, "")}`;

/** The words that run a client with a port forwarded to the target from here, and one from there. */
const CLIENTS: Readonly<Record<string, (near: number, far: number) => string[]>> = {
  "OpenSSH 10": (near, far) => [
    ..."sshpass -p password ssh -F none -N -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null".split(" "),
    ...["-L", `${near}:127.0.0.1:${target.port}`, "-R", `${far}:127.0.0.1:${target.port}`],
    ...["-p", String(server.port), "user@127.0.0.1"],
  ],
  "PuTTY's plink": (near, far) => [
    ..."plink -ssh -batch -N -pw password -hostkey".split(" "),
    fingerprint(),
    ...["-L", `${near}:127.0.0.1:${target.port}`, "-R", `${far}:127.0.0.1:${target.port}`],
    ...["-P", String(server.port), "user@127.0.0.1"],
  ],
  "Dropbear's dbclient": (near, far) => [
    ..."sshpass -p password dbclient -y -y -N".split(" "),
    ...["-L", `${near}:127.0.0.1:${target.port}`, "-R", `${far}:127.0.0.1:${target.port}`],
    ...["-p", String(server.port), "user@127.0.0.1"],
  ],
  AsyncSSH: (near, far) => ["python3", "-W", "ignore", "-c", ASYNCSSH, ...args(near, far)],
  Paramiko: (near, far) => ["python3", "-W", "ignore", "-c", PARAMIKO, ...args(near, far)],
};

const args = (near: number, far: number) => [server.port, target.port, near, far].map(String);

const ASYNCSSH = `
import asyncssh, asyncio, sys
port, target, near, far = map(int, sys.argv[1:])
async def main():
    async with asyncssh.connect("127.0.0.1", port, username="user", password="password", known_hosts=None, config=None) as connection:
        await connection.forward_local_port("127.0.0.1", near, "127.0.0.1", target)
        await connection.forward_remote_port("localhost", far, "127.0.0.1", target)
        await connection.wait_closed()
asyncio.run(main())
`;

// It has no listener of its own for -L: a channel for each connection is what an application makes of it.
const PARAMIKO = `
import paramiko, select, socket, sys, threading
port, target, near, far = map(int, sys.argv[1:])
transport = paramiko.Transport(("127.0.0.1", port))
transport.connect(username="user", password="password")
def pump(one, other):
    while True:
        data = one.recv(32768)
        if not data: break
        other.sendall(data)
    other.shutdown(1)
def join(channel, sock):
    threads = [threading.Thread(target=pump, args=pair) for pair in ((channel, sock), (sock, channel))]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    channel.close(); sock.close()
def forwarded(channel, origin, server):
    threading.Thread(target=join, args=(channel, socket.create_connection(("127.0.0.1", target)))).start()
transport.request_port_forward("localhost", far, forwarded)
listener = socket.create_server(("127.0.0.1", near))
while True:
    sock, origin = listener.accept()
    channel = transport.open_channel("direct-tcpip", ("127.0.0.1", target), origin)
    threading.Thread(target=join, args=(channel, sock)).start()
`;

for (const [name, command] of Object.entries(CLIENTS)) {
  test(`${name} has ports forwarded both ways, and what listened ends with it`, async () => {
    const [near, far] = [await freePort(), await freePort()];
    const client = new Program([...peer, ...command(near, far)]);
    await expect
      .poll(async () => (await isListening({ port: near })) && (await isListening({ port: far })), { timeout: 15_000 })
      .toBe(true);
    expect(await exchange({ port: near }, content)).toBe(digestOf(content));
    expect(await exchange({ port: far }, content)).toBe(digestOf(content));
    await client.kill("SIGKILL");
    await expect.poll(() => isListening({ port: far }), { timeout: 15_000 }).toBe(false);
  });
}

describe("what the application defines itself", () => {
  test("a channel type of ours carries data both ways for Paramiko, and a global request is answered", async () => {
    const source = `
import paramiko, sys
transport = paramiko.Transport(("127.0.0.1", int(sys.argv[1])))
transport.connect(username="user", password="password")
channel = transport.open_channel("upper@example.com")
channel.sendall(b"hello"); channel.shutdown_write()
print(channel.makefile("r").read())
print(transport.global_request("sum@example.com", wait=True) is not None)
`;
    const client = new Program([...peer, "python3", "-W", "ignore", "-c", source, String(server.port)]);
    await client.stdout.until(/HELLO[^]*True/);
    await client.ending;
  });
});
