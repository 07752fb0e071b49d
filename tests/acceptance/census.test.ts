/** Many connections at a time, and what is left of them when they have gone. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../support/example.js";
import { openSSH, ssh } from "../support/openssh.js";
import { Program } from "../support/program.js";

const CONNECTIONS = 200;
const openssh = openSSH();

interface Census {
  readonly sessions: number;
  readonly resources: Readonly<Record<string, number>>;
  readonly listeners: Readonly<Record<string, number>>;
}

test(`${CONNECTIONS} connections with a session each leave no handle, timer or listener behind`, async () => {
  const server = new Program([process.execPath, join(root, "tests/dist/support/census-server.js")]);
  const port = Number((await server.stdout.until(/port (\d+)\n/))[1]);
  const census = async (): Promise<Census> => {
    server.type("\n");
    return JSON.parse((await server.stdout.until(/^\{.*\}$/m))[0]) as Census;
  };
  let before = await census();
  while (before.resources["Immediate"] !== undefined) before = await census(); // it loads what it serves with
  expect(before.sessions).toBe(0);

  const clients = Array.from({ length: CONNECTIONS }, () => ssh(openssh, { port }));
  for (const client of clients) client.type("hello");
  await Promise.all(clients.map((client) => client.stdout.until("hello", 60)));
  const during = await census();
  expect(during.sessions).toBe(CONNECTIONS);
  expect(during.resources["TCPSocketWrap"]).toBe(CONNECTIONS);

  await Promise.all(clients.map((client) => client.kill("SIGKILL")));
  let after = await census();
  const deadline = AbortSignal.timeout(10_000);
  while (JSON.stringify(after) !== JSON.stringify(before) && !deadline.aborted) after = await census();
  expect(after).toEqual(before);
  server.endInput();
  await server.ending;
}, 90_000);
