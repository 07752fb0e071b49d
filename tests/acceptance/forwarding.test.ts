/** Everything that OpenSSH's client can have forwarded, through a server of ours. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { allowForwarding } from "@strombus/conch/ssh/forwarding";
import { reactor } from "@strombus/reactor";
import { IPv4Address, IPv6Address } from "@strombus/reactor/address";
import type { IHostnameResolver } from "@strombus/reactor/interfaces";
import { globalLogBeginner } from "@strombus/reactor/logger";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../support/folder.js";
import { PeerFolder } from "../support/interop-folder.js";
import { openSSH, ssh, sshAsking } from "../support/openssh.js";
import type { Program } from "../support/program.js";
import { serve } from "../support/server.js";
import { freePort } from "../support/ports.js";
import { digestOf, digestServer, exchange, isListening, type Target } from "../support/tcp.js";

globalLogBeginner.beginLoggingTo([], { redirectStandardIO: false }); // each refusal is logged

const openssh = openSSH();
const content = randomBytes(5 * 2 ** 20); // more than any window
let target: Target;

class Shell extends SSHChannel {
  override name = "session";
  request_pty_req() {
    return true;
  }
  request_shell() {
    this.write("ready\r\n");
    return true;
  }
  override dataReceived(data: Buffer) {
    this.write(data);
  }
}

const server = serve(Shell, undefined, (user) =>
  allowForwarding(user, { connect: true, listen: true, connectUNIX: true, listenUNIX: true }),
);
const closed = serve(Shell);

/** A name with two addresses; all else is the system's to know. */
class Names implements IHostnameResolver {
  readonly #others = reactor.nameResolver;

  resolveHostName(...[receiver, name, options]: Parameters<IHostnameResolver["resolveHostName"]>) {
    if (name !== "both.example") return this.#others.resolveHostName(receiver, name, options);
    const resolution = { name, cancel: () => {} };
    receiver.resolutionBegan(resolution);
    receiver.addressResolved(new IPv6Address("TCP", "::1", 0));
    receiver.addressResolved(new IPv4Address("TCP", "127.0.0.1", 0));
    receiver.resolutionComplete();
    return resolution;
  }
}

beforeAll(async () => {
  reactor.installNameResolver(new Names());
  target = await digestServer();
});
afterAll(async () => {
  target.close();
  await Promise.all([server.close(), closed.close()]);
});

/** Runs ssh with these options until `use` is done. */
async function withTunnel<T>(options: string[], use: (tunnel: Program) => Promise<T>, port = server.port): Promise<T> {
  const tunnel = ssh(openssh, { port, options: ["-v", "-N", "-o", "ExitOnForwardFailure=yes", ...options] });
  try {
    await tunnel.stderr.until(/Entering interactive session/);
    return await use(tunnel);
  } finally {
    await tunnel.kill();
  }
}

async function allocated(tunnel: Program): Promise<number> {
  const [, port] = await tunnel.stderr.until(/Allocated port (\d+) for remote forward/);
  return Number(port);
}

describe("-L", () => {
  for (const host of ["127.0.0.1", "localhost"]) {
    test(`carries bytes and the end of each direction to ${host}`, async () => {
      const port = await freePort();
      await withTunnel(["-L", `${port}:${host}:${target.port}`], async () => {
        expect(await exchange({ port }, content)).toBe(digestOf(content));
        await expect.poll(() => target.sockets.size).toBe(0);
      });
    });
  }

  for (const [name, host] of [
    ["both.example", "::1"],
    ["both.example", "127.0.0.1"],
    ["[::1]", "::1"],
  ] as const) {
    test(`to ${name} reaches whoever listens at ${host} alone`, async () => {
      const there = await digestServer({ host });
      onTestFinished(() => there.close());
      const port = await freePort();
      await withTunnel(["-L", `${port}:${name}:${there.port}`], async () => {
        expect(await exchange({ port }, content)).toBe(digestOf(content));
      });
    });
  }

  test("carries many connections beside each other", async () => {
    const port = await freePort();
    await withTunnel(["-L", `${port}:127.0.0.1:${target.port}`], async () => {
      const pieces = Array.from({ length: 20 }, (_, index) => content.subarray(index * 1000, index * 100_000));
      const answers = await Promise.all(pieces.map((piece) => exchange({ port }, piece)));
      expect(answers).toEqual(pieces.map(digestOf));
    });
  });

  test("to where nobody listens is refused, and says so", async () => {
    const [port, nobody] = [await freePort(), await freePort()];
    await withTunnel(["-L", `${port}:127.0.0.1:${nobody}`], async (tunnel) => {
      expect(await exchange({ port }, Buffer.of(1)).catch(() => "")).toBe("");
      await tunnel.stderr.until("open failed: connect failed: connect failed");
    });
  });

  test("to a name that nobody has is refused", async () => {
    const port = await freePort();
    await withTunnel(["-L", `${port}:no.such.host.invalid:80`], async (tunnel) => {
      expect(await exchange({ port }, Buffer.of(1)).catch(() => "")).toBe("");
      await tunnel.stderr.until("open failed: connect failed");
    });
  });

  test("ends the connection at the target when ssh is killed", async () => {
    const port = await freePort();
    await withTunnel(["-L", `${port}:127.0.0.1:${target.port}`], async (tunnel) => {
      const near = connect(port, "127.0.0.1");
      near.on("error", () => {});
      near.write("begun");
      await expect.poll(() => target.sockets.size).toBe(1);
      await tunnel.kill("SIGKILL");
    });
    await expect.poll(() => target.sockets.size).toBe(0);
  });
});

test("-W carries ssh's input and output", async () => {
  const tunnel = ssh(openssh, { port: server.port, options: ["-W", `127.0.0.1:${target.port}`] });
  tunnel.type(content);
  tunnel.endInput();
  expect((await tunnel.ending).status).toBe(0);
  expect(tunnel.stdout.text).toBe(digestOf(content));
});

test("-D: a SOCKS client reaches any place", async () => {
  const port = await freePort();
  await withTunnel(["-D", `${port}`], async () => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.write(Buffer.of(5, 1, 0));
    await once(socket, "data");
    const name = Buffer.from("localhost");
    const request = Buffer.concat([Buffer.of(5, 1, 0, 3, name.length), name, Buffer.alloc(2)]);
    request.writeUInt16BE(target.port, request.length - 2);
    socket.write(request);
    const [reply] = (await once(socket, "data")) as [Buffer];
    expect([...reply.subarray(0, 2)]).toEqual([5, 0]);
    socket.end(content);
    expect(await text(socket)).toBe(digestOf(content));
  });
});

test("ProxyJump goes through us to another server", async () => {
  const folder = new PeerFolder(openssh.prefix);
  const config = folder.put("config", "StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nUser user\n");
  const jump = ssh(openssh, {
    port: closed.port,
    options: ["-F", config, "-J", `127.0.0.1:${server.port}`, "-tt"],
  });
  await jump.stdout.until("ready\r\n");
  jump.type("through the gate");
  await jump.stdout.until("through the gate");
  await jump.kill();
  folder.remove();
});

describe("-R", () => {
  test("listens on a free port, and carries bytes and the end of each direction", async () => {
    await withTunnel(["-R", `0:127.0.0.1:${target.port}`], async (tunnel) => {
      const port = await allocated(tunnel);
      expect(await exchange({ port }, content)).toBe(digestOf(content));
    });
  });

  test("listens on the port that is asked for, on this machine's addresses alone, until ssh ends", async () => {
    const port = await freePort();
    await withTunnel(["-R", `*:${port}:127.0.0.1:${target.port}`], async () => {
      await expect.poll(() => isListening({ port })).toBe(true);
      expect(await isListening({ port, host: "::1" })).toBe(true);
      expect(await isListening({ port, host: "127.0.0.2" })).toBe(false);
    });
    await expect.poll(() => isListening({ port })).toBe(false);
  });

  test("on a port that is taken is refused", async () => {
    const tunnel = ssh(openssh, {
      port: server.port,
      options: ["-N", "-o", "ExitOnForwardFailure=yes", "-R", `${target.port}:127.0.0.1:1`],
    });
    expect((await tunnel.ending).status).toBe(255);
    expect(tunnel.stderr.text).toContain(`remote port forwarding failed for listen port ${target.port}`);
  });

  test("of a privileged port is refused", async () => {
    const tunnel = ssh(openssh, {
      port: server.port,
      options: ["-N", "-o", "ExitOnForwardFailure=yes", "-R", "1023:127.0.0.1:1"],
    });
    expect((await tunnel.ending).status).toBe(255);
  });
});

describe("sockets of the file system", () => {
  test("-L leads to one", async () => {
    const folder = temporaryFolder();
    const there = await digestServer({ path: join(folder, "target") });
    onTestFinished(() => there.close());
    const port = await freePort();
    await withTunnel(["-L", `${port}:${join(folder, "target")}`], async () => {
      expect(await exchange({ port }, content)).toBe(digestOf(content));
    });
  });

  test("-R makes one, for its owner alone, which is gone with ssh", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "made");
    await withTunnel(["-R", `${path}:127.0.0.1:${target.port}`], async () => {
      await expect.poll(() => existsSync(path)).toBe(true);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(await exchange({ path }, content)).toBe(digestOf(content));
    });
    await expect.poll(() => existsSync(path)).toBe(false);
  });

  test("-R does not replace a file that is there", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "file");
    writeFileSync(path, "mine");
    const tunnel = ssh(openssh, {
      port: server.port,
      options: ["-N", "-o", "ExitOnForwardFailure=yes", "-R", `${path}:127.0.0.1:1`],
    });
    expect((await tunnel.ending).status).toBe(255);
    expect(statSync(path).size).toBe(4);
  });
});

describe("the command line of ssh", () => {
  test("~C begins and cancels forwardings, and ~# lists them", async () => {
    const session = await sshAsking(openssh, {
      port: server.port,
      options: ["-v", "-o", "EnableEscapeCommandline=yes"],
    });
    const [near, far] = [await freePort(), await freePort()];
    await session.stdout.until("ready\r\n");
    const command = async (line: string) => {
      session.type("\r~C");
      await session.stdout.until("ssh> ");
      session.type(`${line}\r`);
    };
    await command(`-L ${near}:127.0.0.1:${target.port}`);
    await session.stdout.until("Forwarding port.");
    expect(await exchange({ port: near }, content)).toBe(digestOf(content));
    await command(`-R ${far}:127.0.0.1:${target.port}`);
    await expect.poll(() => isListening({ port: far })).toBe(true);
    expect(await exchange({ port: far }, content)).toBe(digestOf(content));
    const open = connect(far, "127.0.0.1");
    open.write("more");
    await expect.poll(() => target.sockets.size).toBe(1);
    session.type("\r~#");
    await session.stdout.until(/forwarded-tcpip/);
    await command(`-KR ${far}`);
    await session.stdout.until("Canceled forwarding.");
    await expect.poll(() => isListening({ port: far })).toBe(false);
    await command(`-KL ${near}`);
    await session.stdout.until("Canceled forwarding.");
    expect(await isListening({ port: near })).toBe(false);
    open.end(" to say"); // a connection that was accepted lives on
    expect(await text(open)).toBe(digestOf(Buffer.from("more to say")));
    session.type("\r~.");
    await session.ending;
  });
});

describe("where forwarding is not allowed", () => {
  test("-L is refused as an unknown channel", async () => {
    const port = await freePort();
    await withTunnel(
      ["-L", `${port}:127.0.0.1:${target.port}`],
      async (tunnel) => {
        expect(await exchange({ port }, Buffer.of(1)).catch(() => "")).toBe("");
        await tunnel.stderr.until("open failed: unknown channel type");
      },
      closed.port,
    );
  });

  test("-R is refused", async () => {
    const tunnel = ssh(openssh, {
      port: closed.port,
      options: ["-N", "-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1"],
    });
    expect((await tunnel.ending).status).toBe(255);
    expect(tunnel.stderr.text).toContain("remote port forwarding failed");
  });

  test("a place that is not on the list is prohibited, and one that is on it is not", async () => {
    const some = serve(Shell, undefined, (user) => allowForwarding(user, { connect: [`127.0.0.1:${target.port}`] }));
    const [listed, other] = [await freePort(), await freePort()];
    const options = ["-L", `${listed}:127.0.0.1:${target.port}`, "-L", `${other}:localhost:${target.port}`];
    await withTunnel(
      options,
      async (tunnel) => {
        expect(await exchange({ port: listed }, content)).toBe(digestOf(content));
        expect(await exchange({ port: other }, Buffer.of(1)).catch(() => "")).toBe("");
        await tunnel.stderr.until("open failed: administratively prohibited");
      },
      some.port,
    );
    await some.close();
  });

  test("a tunnel device is refused, and the session goes on", async () => {
    const session = ssh(openssh, { port: server.port, options: ["-v", "-w", "any", "-tt"] });
    await session.stdout.until("ready\r\n");
    expect(session.stderr.text).toMatch(/open failed|Tunnel device open failed|tun/i);
    await session.kill();
  });
});
