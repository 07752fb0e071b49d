/** Signs of life: OpenSSH's client asks for ours, and one that gives none is cut off. */
import { once } from "node:events";
import type { GlobalRequestResult, MaybeLater } from "@strombus/conch/interfaces";
import { SSHConnection } from "@strombus/conch/ssh/connection";
import { sessionProgram } from "@strombus/conch/streams";
import { afterAll, expect, test } from "vitest";
import { openSSH, ssh } from "../support/openssh.js";
import { serve } from "../support/server.js";

const openssh = openSSH();
const requests: string[] = [];
const connections: SSHConnection[] = [];
let aborted = 0;

class Watching extends SSHConnection {
  override keepaliveInterval = 0.5;
  override keepaliveCountMax = 3;

  override serviceStarted() {
    super.serviceStarted();
    connections.push(this);
  }

  override gotGlobalRequest(type: string, data: Buffer, wantReply?: boolean): MaybeLater<GlobalRequestResult> {
    requests.push(type);
    return super.gotGlobalRequest(type, data, wantReply);
  }
}

const server = serve(
  sessionProgram(async ({ stdin, stdout, signal }) => {
    signal.addEventListener("abort", () => aborted++);
    stdout.write("ready\n");
    const [line] = (await once(stdin, "data")) as [Buffer];
    stdout.write(line);
  }),
  (factory) => {
    factory.services["ssh-connection"] = Watching;
  },
);
afterAll(() => server.close());

test("a client that asks for signs of life gets them, gives them, and stays", async () => {
  requests.length = 0;
  const options = ["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=2"];
  const client = ssh(openssh, { port: server.port, options, command: "echo" });
  await client.stdout.until("ready\n");
  // Its questions come as long as nothing else does: our own would do as signs of life of ours.
  connections.at(-1)!.keepaliveInterval = 1000;
  const asked = () => requests.filter((type) => type === "keepalive@openssh.com").length;
  await expect.poll(asked, { timeout: 15_000 }).toBeGreaterThanOrEqual(2);
  client.type("still here\n");
  await client.stdout.until("still here\n");
  expect((await client.ending).status).toBe(0);
});

test("a client that gives no sign of life is cut off, and its program told", async () => {
  const client = ssh(openssh, { port: server.port, command: "echo" });
  await client.stdout.until("ready\n");
  const before = aborted;
  await client.pause();
  await expect.poll(() => aborted, { timeout: 15_000 }).toBe(before + 1);
  client.signal("SIGCONT");
  expect((await client.ending).status).toBe(255);
});
