/** Manholes by one command, `strombus run @strombus/conch/manhole_tap`: by telnet as bytes on a socket, and by OpenSSH. */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { AYT, DO, DONT, ECHO, IAC, IP, SGA, WILL } from "@strombus/conch/telnet";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "../support/example.js";
import { temporaryFolder } from "../support/folder.js";
import { openSSH, sshAtTerminal } from "../support/openssh.js";
import { freePort } from "../support/ports.js";
import type { Program } from "../support/program.js";
import { strombus } from "../support/runner.js";
import { Transcript } from "../support/transcript.js";

const openssh = openSSH();
const run = (...args: string[]) => strombus(["run", "@strombus/conch/manhole_tap", ...args], { cwd: root });
const folder = temporaryFolder();
const ports = { telnet: 0, ssh: 0 };
let server: Program;

beforeAll(async () => {
  writeFileSync(join(folder, "passwords"), "user:password\n");
  ports.telnet = await freePort();
  ports.ssh = await freePort();
  server = run(
    ...["--telnetPort", `tcp:${ports.telnet}:interface=127.0.0.1`],
    ...["--sshPort", `tcp:${ports.ssh}:interface=127.0.0.1`],
    ...["--passwd", join(folder, "passwords"), "--sshKeyDir", folder, "--sshKeySize", "2048"],
  );
  await server.stdout.until("@strombus/conch/manhole_tap runs as process");
});
afterAll(async () => {
  expect(await server.kill()).toEqual({ status: 0, signal: null });
});

/** A telnet client that is a socket, whose output is the characters of latin1. */
async function telnet() {
  const socket = connect(ports.telnet, "127.0.0.1");
  const output = new Transcript("telnet", socket);
  await once(socket, "connect");
  const send = (...pieces: (string | number)[]) =>
    socket.write(pieces.map((each) => (typeof each === "number" ? bytes(each) : each)).join(""), "latin1");
  return { socket, output, send };
}

const bytes = (...numbers: number[]) => String.fromCharCode(...numbers);

test("telnet: a user who logs in at the second try has a manhole, and the signals of the protocol work in it", async () => {
  const { socket, output, send } = await telnet();
  await output.until("Username: ");
  send("user\r\n");
  await output.until(`${bytes(IAC, WILL, ECHO)}Password: `);
  send(IAC, DO, ECHO, "wrong\r\n", IAC, DONT, ECHO);
  await output.until("\r\nAuthentication failed\r\nUsername: ");
  send("user\r\0");
  await output.until("Password: ");
  send(IAC, DO, ECHO, "password\r\0", IAC, DONT, ECHO);
  await output.until(bytes(IAC, DO, SGA));
  await output.until(">>> ");
  send(IAC, WILL, SGA, "6 * 7\r\0");
  await output.until(/\r\n\x1b\[33m42\x1b\[39m\r\n>>> /);
  send("half", IAC, IP, IAC, DO, 6);
  await output.until("KeyboardInterrupt\r\n>>> ");
  send(IAC, AYT);
  await output.until("[Yes]");
  send("\x04");
  await once(socket, "close");
  expect(output.text).not.toContain("password");
});

test("telnet: a client that floods or never ends its line is let go, and the service goes on", async () => {
  const flood = await telnet();
  flood.send(bytes(IAC, DO, SGA).repeat(5000));
  await once(flood.socket, "close");
  const endless = await telnet();
  endless.send("x".repeat(2000));
  await once(endless.socket, "close");
  const { socket, output } = await telnet();
  await output.until("Username: ");
  socket.destroy();
});

test("SSH: the same manhole, with host keys that are made", async () => {
  const session = sshAtTerminal(openssh, { port: ports.ssh });
  await session.stdout.until(">>> ");
  session.type("6 * 7\r");
  await session.stdout.until(/\n\x1b\[33m42\x1b\[39m\r\n>>> /);
  session.type("\x04");
  expect((await session.ending).status).toBe(0);
});

test("without a port is one sentence, and status 1", async () => {
  const program = run();
  expect(await program.ending).toEqual({ status: 1, signal: null });
  expect(program.stderr.text).toMatch(
    /^strombus: At least one of --telnetPort and --sshPort must be specified: see strombus run \S+ --help\n$/,
  );
});
