/** An avatar is told once that its user is gone, however the connection ended (A18). */
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { root } from "../support/example.js";
import { openSSH, ssh } from "../support/openssh.js";
import { Program } from "../support/program.js";
import { proxyTo } from "../support/proxy.js";

const openssh = openSSH();

async function start() {
  const program = new Program([process.execPath, join(root, "tests/dist/support/logout-server.js")]);
  const port = Number((await program.stdout.until(/port (\d+)\n/))[1]);
  return { program, port };
}

let server: Awaited<ReturnType<typeof start>>;
beforeAll(async () => {
  server = await start();
});

/** Logs in as a user of this name, and waits until the command runs. */
async function logIn(user: string, command = user, port = server.port): Promise<Program> {
  const client = ssh(openssh, { port, user, command });
  await client.stdout.until("ready");
  return client;
}

/** And then types something. */
async function logInAndType(user: string): Promise<Program> {
  const client = await logIn(user);
  client.type("x");
  return client;
}

/** What each user's connection ends by. */
const ENDINGS: Readonly<Record<string, (user: string) => Promise<unknown>>> = {
  exit: async (user) => (await logIn(user)).ending,
  sigkill: async (user) => (await logIn(user)).kill("SIGKILL"),
  sigterm: async (user) => (await logIn(user)).kill("SIGTERM"),
  async cut(user) {
    const proxy = await proxyTo(server.port);
    const client = await logIn(user, user, proxy.port);
    proxy.close();
    return client.ending;
  },
  disconnect: async (user) => (await logInAndType(user)).ending,
  lose: async (user) => (await logInAndType(user)).ending,
  throw: async (user) => ssh(openssh, { port: server.port, user, command: user }).ending, // it gets no answer
  throwLater: async (user) => (await logInAndType(user)).ending,
};

test("each avatar is logged out once, whoever ends the connection and how", async () => {
  const users = Object.keys(ENDINGS);
  await Promise.all(users.map(async (user) => ENDINGS[user]!(user)));
  await server.program.stdout.whole((text) => users.every((user) => text.includes(`out ${user}\n`)), "every logout");
  // These end more than themselves: nobody can log in without a host key, and the server stops.
  const staying = await logIn("staying");
  await (
    await logIn("rekey")
  ).ending;
  await server.program.stdout.until("out rekey\n");
  server.program.signal("SIGTERM");
  await Promise.all([staying.ending, server.program.ending]);
  const lines = server.program.stdout.text.split("\n").filter((line) => /^(in|out) /.test(line));
  const all = [...users, "staying", "rekey"];
  expect(lines.sort()).toEqual(all.flatMap((user) => [`in ${user}`, `out ${user}`]).sort());
  expect(server.program.stdout.text).toMatch(/stopped\n$/);
}, 60_000);
