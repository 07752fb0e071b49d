/** OpenSSH's ControlMaster: as many sessions on one connection as the server allows, opened and closed in every order. */
import { join } from "node:path";
import { SSHConnection } from "@strombus/conch/ssh/connection";
import { sessionProgram } from "@strombus/conch/streams";
import { afterAll, expect, test } from "vitest";
import { PeerFolder } from "../support/interop-folder.js";
import { openSSH, ssh } from "../support/openssh.js";
import { serve } from "../support/server.js";

const SESSIONS = 50;
const openssh = openSSH();

class ManySessions extends SSHConnection {
  override maxSessions = SESSIONS;
}

const server = serve(
  sessionProgram(async ({ command, stdin, stdout }) => {
    stdout.write("ready\n");
    for await (const line of stdin) stdout.write(`${command}: ${String(line)}`);
    return Number(command);
  }),
  (factory) => {
    factory.services["ssh-connection"] = ManySessions;
  },
);
afterAll(() => server.close());

test(`${SESSIONS} sessions on one connection, the next one refused, and each ends by itself`, async () => {
  const folder = new PeerFolder(openssh.prefix);
  const options = ["-o", `ControlPath=${join(folder.path, "control")}`];
  const master = ssh(openssh, { port: server.port, options: [...options, "-M", "-N", "-v"] });
  await master.stderr.until("Entering interactive session");
  const begin = (number: number) => ssh(openssh, { port: server.port, options, command: String(number) });
  const sessions = Array.from({ length: SESSIONS }, (_, number) => begin(number));
  await Promise.all(sessions.map((session) => session.stdout.until("ready\n")));

  const refused = begin(99);
  refused.endInput(); // ssh makes a connection of its own then
  await refused.ending;
  expect(refused.stderr.text).toContain("Session open refused by peer");

  // In an order that is neither the one they began in nor the reverse: 7 and 50 have no common factor.
  for (let step = 0; step < SESSIONS; step++) {
    const number = (step * 7) % SESSIONS;
    const session = sessions[number]!;
    session.type("hello\n");
    await session.stdout.until(`${number}: hello\n`);
    session.endInput();
    expect((await session.ending).status).toBe(number);
    if (step % 10 !== 0) continue;
    const again = begin(77); // in the place of the one that has ended
    await again.stdout.until("ready\n");
    again.endInput();
    expect((await again.ending).status).toBe(77);
  }
  await master.kill();
  folder.remove();
}, 120_000);
