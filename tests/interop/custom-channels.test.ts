/** Channels and requests that an application has made up, for other people's clients. */
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { StreamChannel } from "@strombus/conch/streams";
import { afterAll, beforeAll, expect, test } from "vitest";
import { peers } from "../support/peers.js";
import { Program } from "../support/program.js";
import { serve, type Served } from "../support/server.js";

const peer = peers();
let server: Served;

/** Gives everything back in capitals; says what came with the request to open it, and answers "count". */
class Upper extends StreamChannel {
  #count = 0;

  constructor({ data, ...options }: { data: Buffer; remoteWindow: number; remoteMaxPacket: number }) {
    super("upper@example.com", options);
    this.specificData = `you said ${data.toString()}`;
    this.stream.on("data", (bytes: Buffer) => {
      this.#count += bytes.length;
      this.stream.write(bytes.toString().toUpperCase());
    });
    this.stream.on("end", () => this.stream.end());
  }

  "request_is_empty@example.com"(_data: Buffer) {
    return this.#count === 0;
  }
}

beforeAll(() => {
  server = serve(SSHChannel, undefined, (user) => {
    user.channelLookup["upper@example.com"] = (options) => new Upper(options);
    Object.assign(user, {
      "global_sum@example.com": (data: Buffer) => [true, Buffer.of(data.reduce((sum, byte) => sum + byte, 0))],
    });
  });
});
afterAll(() => server.close());

const PARAMIKO = `
import paramiko, sys
transport = paramiko.Transport(("127.0.0.1", int(sys.argv[1])))
transport.connect(username="user", password="password")
channel = transport.open_channel("upper@example.com")
channel.sendall(b"hello" * 100000); channel.shutdown_write()
answer = channel.makefile("rb").read()
print("upper", answer == b"HELLO" * 100000)
reply = transport.global_request("sum@example.com", (True, True, True), wait=True)
print("sum", reply.get_remainder())
print("unknown", transport.global_request("__proto__", wait=True))
for name in ("constructor", "__proto__", "toString", "other@example.com"):
    try: transport.open_channel(name); print("opened", name)
    except paramiko.ChannelException as error: print("refused", name, error.code)
`;

// Its public interface opens channels of its own types only.
const ASYNCSSH = `
import asyncio, asyncssh, sys
from asyncssh.channel import SSHChannel
class Session(asyncssh.SSHClientSession):
    def __init__(self): self.received, self.done = [], asyncio.get_event_loop().create_future()
    def data_received(self, data, datatype): self.received.append(data)
    def eof_received(self): self.done.set_result(b"".join(self.received)); return True
async def main():
    async with asyncssh.connect("127.0.0.1", int(sys.argv[1]), username="user", password="password", known_hosts=None, config=None) as connection:
        channel = SSHChannel(connection, asyncio.get_event_loop(), None, None, 2**21, 2**15)
        packet = await channel._open(b"upper@example.com", b"raw data")
        print("confirmed", packet.get_remaining_payload())
        session = channel._session = Session()
        session.connection_made(channel); await channel._start_reading()
        print("empty", await channel._make_request(b"is-empty@example.com"))
        channel.write(b"hello" * 100000)
        print("empty", await channel._make_request(b"is-empty@example.com"))
        print("request", await channel._make_request(b"__proto__"))
        channel.write_eof()
        print("upper", await session.done == b"HELLO" * 100000)
        kind, packet = await connection._make_global_request(b"sum@example.com", bytes((1, 2, 3)))
        print("sum", kind, packet.get_remaining_payload())
        for name in (b"__proto__", b"constructor", b"unknown@example.com"):
            kind, packet = await connection._make_global_request(name)
            print("global", kind)
asyncio.run(main())
`;

async function outputOf(source: string): Promise<string> {
  const client = new Program([...peer, "python3", "-W", "ignore", "-c", source, String(server.port)]);
  const late = setTimeout(() => void client.kill("SIGKILL"), 20_000);
  const { status } = await client.ending;
  clearTimeout(late);
  expect(status, client.stderr.text).toBe(0);
  return client.stdout.text;
}

test("Paramiko opens one that carries data both ways, and has a global request answered with data", async () => {
  expect((await outputOf(PARAMIKO)).split("\n")).toEqual([
    "upper True",
    String.raw`sum b'\x03'`,
    "unknown None",
    ...["constructor", "__proto__", "toString", "other@example.com"].map((name) => `refused ${name} 3`),
    "",
  ]);
});

test("AsyncSSH does, with data in the open and the confirmation, and with requests", async () => {
  expect((await outputOf(ASYNCSSH)).split("\n")).toEqual([
    "confirmed b'you said raw data'",
    "empty True",
    "empty False",
    "request False",
    "upper True",
    String.raw`sum 81 b'\x06'`,
    ...Array<string>(3).fill("global 82"),
    "",
  ]);
});
