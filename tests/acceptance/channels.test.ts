/** Channels beside each other, and what a client may name that nobody registered. */
import { once } from "node:events";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { globalLogBeginner } from "@strombus/reactor/logger";
import { afterAll, describe, expect, test } from "vitest";
import { startExample } from "../support/example.js";
import { openSSH, ssh } from "../support/openssh.js";
import { serve } from "../support/server.js";
import { openShell, refusalOf, ssh2Client } from "../support/ssh2.js";

const PROTOTYPE_NAMES = ["constructor", "__proto__", "toString", "hasOwnProperty"];
const openssh = openSSH();

globalLogBeginner.beginLoggingTo([], { redirectStandardIO: false }); // each refusal is logged

/** Says what happens to it, and leaves closeReceived as it is inherited. */
class PlainSession extends SSHChannel {
  static readonly events: string[] = [];
  override name = "session";

  request_shell() {
    return true;
  }

  override dataReceived(bytes: Buffer) {
    this.write(`echo ${bytes.toString()}`);
  }

  override eofReceived() {
    PlainSession.events.push("eofReceived");
  }

  override closed() {
    PlainSession.events.push("closed");
  }
}

describe("a client that closes one channel of several", () => {
  test("is told to a session that overrides closeReceived; the others live on", async () => {
    const { program, port } = await startExample("simple-session");
    const client = await ssh2Client(port);
    const [first, second] = [await openShell(client), await openShell(client)];
    first.close();
    await program.stdout.until("closeReceived\n");
    second.write("still here");
    expect(String((await once(second, "data"))[0])).toBe("echo: 'still here'\r\n");
    client.end();
    await program.stdout.until("closed\nclosed\n");
    await program.kill();
    expect(program.stdout.text).toMatch(/closeReceived\nclosed\nclosed\n$/);
  });

  test("gets an answer from a session that does not, which is then closed; the others live on", async () => {
    const server = serve(PlainSession);
    const client = await ssh2Client(server.port);
    const [first, second] = [await openShell(client), await openShell(client)];
    first.resume().close();
    await once(first, "close"); // ssh2 emits it for the server's CHANNEL_CLOSE
    second.write("still here");
    expect(String((await once(second, "data"))[0])).toBe("echo still here");
    expect(PlainSession.events).toEqual(["closed"]);
    client.end();
    await server.close();
  });
});

describe("what nobody registered", () => {
  const server = serve(PlainSession);
  afterAll(() => server.close());

  for (const type of [...PROTOTYPE_NAMES, "x11", "direct-tcpip"]) {
    test(`a channel of type ${type} is refused with reason 3, unknown channel`, async () => {
      const client = await ssh2Client(server.port);
      const refusal = await refusalOf(client, type);
      expect(refusal).toEqual({ reason: 3, message: expect.stringContaining("unknown channel") as string });
      (await openShell(client)).end(); // the connection goes on
      client.end();
    });
  }

  test("a terminal is refused, and OpenSSH says so", async () => {
    const session = ssh(openssh, { port: server.port, options: ["-tt"] });
    await session.stderr.until("PTY allocation request failed on channel 0");
    session.type("x");
    expect((await session.ending).status).toBe(255);
  });
});

describe("a subsystem that nobody registered", () => {
  test("is refused, whatever it is named", async () => {
    const { program, port } = await startExample("protocols");
    const names = [...PROTOTYPE_NAMES, "sftp"];
    const runs = names.map(async (command) => {
      const run = ssh(openssh, { port, command, options: ["-s"] });
      return [await run.ending, run.stderr.text] as const;
    });
    for (const [ending, messages] of await Promise.all(runs)) {
      expect(ending.status).toBe(255);
      expect(messages).toContain("subsystem request failed on channel 0");
    }
    await program.kill();
  });
});
