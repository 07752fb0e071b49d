/** An agent at one end of a connection, and a program that uses it at the other. */
import { existsSync, statSync } from "node:fs";
import { connect, createServer } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Factory } from "@strombus/reactor/protocol";
import { afterEach, expect, test } from "vitest";
import { pair } from "../channel/fixtures.test.support.js";
import { Key } from "../ssh/keys.js";
import type { SSHChannel, SSHChannelOptions } from "../ssh/channel.js";
import { SSHConnection } from "../ssh/connection.js";
import { SSHAgentForwardingChannel, SSHAgentServerChannel } from "./forwarding.js";
import { connectAgent } from "./host-key.js";
import { type AgentFactory, SSHAgentServer } from "./server.js";
import { AgentSocket } from "./socket.js";

const key = Key.generate("ed25519");
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A client whose agent channels are made by `make`, and the socket that its server offers. */
async function forwarded(
  make: (options: SSHChannelOptions) => SSHChannel,
): Promise<{ socket: AgentSocket; server: SSHConnection }> {
  class Client extends SSHConnection {
    channel_auth_agent_openssh_com = (remoteWindow: number, remoteMaxPacket: number) =>
      make({ remoteWindow, remoteMaxPacket });
  }
  const { client, server, pump } = pair(new Client(), new SSHConnection());
  const carrying = setInterval(pump, 1);
  const socket = await AgentSocket.open(server);
  closing.push(() => {
    clearInterval(carrying);
    client.serviceStopped();
    server.serviceStopped();
  });
  return { socket, server };
}

function ownAgent(): SSHAgentServer {
  const factory: AgentFactory = new Factory();
  factory.keys = new Map([[key.blob().toString("base64"), [key, "held"]]]);
  const agent = new SSHAgentServer();
  agent.factory = factory;
  return agent;
}

test("programs at the server use an agent of the client's own, through a socket that only their user can reach", async () => {
  const { socket } = await forwarded((options) => new SSHAgentServerChannel(ownAgent(), options));
  expect(statSync(dirname(socket.path)).mode & 0o777).toBe(0o700);
  const agents = await Promise.all([connectAgent(socket.path), connectAgent(socket.path)]);
  for (const agent of agents) {
    expect(await agent.requestIdentities()).toEqual([[key.blob(), "held"]]);
    const signature = await agent.signData(key.blob(), "data");
    expect(key.verify(signature, Buffer.from("data"))).toBe(true);
    agent.transport?.loseConnection();
  }
  socket.close();
  expect(existsSync(dirname(socket.path))).toBe(false);
  await expect(connectAgent(socket.path)).rejects.toThrow(/ENOENT/);
});

test("or the agent at a socket of the client's machine", async () => {
  const folder = mkdtempSync(join(tmpdir(), "strombus-agent-"));
  const path = join(folder, "agent");
  const real = createServer((socket) => {
    const agent = ownAgent();
    void agent.makeConnection({ write: (data: Buffer) => void socket.write(data) } as never);
    socket.on("data", (data) => agent.dataReceived(data));
  }).listen(path);
  const { socket } = await forwarded((options) => new SSHAgentForwardingChannel({ ...options, path }));
  const agent = await connectAgent(socket.path);
  expect(await agent.requestIdentities()).toHaveLength(1);
  agent.transport?.loseConnection();
  socket.close();
  real.close();
  rmSync(folder, { recursive: true });
});

test("CL5: requests fail when there is no agent, or the client will not have its agent used", async () => {
  for (const make of [
    (options: SSHChannelOptions) => new SSHAgentForwardingChannel({ ...options, path: "/no/such/agent" }),
    (options: SSHChannelOptions) => new SSHAgentForwardingChannel({ ...options, path: "" }),
    () => {
      throw new Error("no");
    },
  ]) {
    const { socket } = await forwarded(make);
    const agent = await connectAgent(socket.path);
    await expect(agent.requestIdentities()).rejects.toThrow("the agent has gone");
    socket.close();
  }
});

test("a connection to the socket ends with the channel, and the channel with it", async () => {
  const { socket, server } = await forwarded((options) => new SSHAgentServerChannel(ownAgent(), options));
  const program = connect(socket.path);
  await new Promise<void>((resolve) => {
    const look = setInterval(() => {
      if (server.channelsToRemoteChannel.size === 0) return;
      clearInterval(look);
      resolve();
    }, 1);
  });
  program.end();
  await new Promise((resolve) => program.once("close", resolve));
  expect(server.channels.size).toBe(0);
  socket.close();
});
