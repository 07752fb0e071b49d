/** What strangers can do to a server before they log in, over real sockets (rules R5 and R6). */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Defence, type DefenceOptions } from "@strombus/conch/defence";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { InMemoryUsernamePasswordDatabaseDontUse } from "@strombus/cred/checkers";
import { Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import type { IAddress } from "@strombus/reactor/interfaces";
import { expect, onTestFinished, test } from "vitest";
import { openSSH, ssh } from "../support/openssh.js";

const hostKey = Key.generate("ed25519");
const client = openSSH();

function serve(options: DefenceOptions): { readonly port: number; readonly defence: Defence } {
  const factory = new SSHFactory();
  const defence = new Defence({ exemptLoopback: false, ...options });
  factory.defence = defence;
  factory.privateKeys = { "ssh-ed25519": hostKey };
  factory.publicKeys = { "ssh-ed25519": hostKey.public() };
  factory.portal = new Portal(
    {
      requestAvatar: () => {
        throw new Error("nobody gets this far");
      },
    },
    [new InMemoryUsernamePasswordDatabaseDontUse({ user: "password" })],
  );
  const listening = reactor.listenTCP(0, factory, { interface: "127.0.0.1" });
  onTestFinished(async () => {
    await listening.stopListening();
  });
  const { port } = listening.getHost() as IAddress & { readonly port: number };
  return { port, defence };
}

/** What the server says first; nothing if it cuts the connection. */
async function greeting(port: number, sockets: Socket[] = []): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  sockets.push(socket);
  onTestFinished(() => void socket.destroy());
  return new Promise((resolve) => {
    socket.once("data", (data) => resolve(data.toString().slice(0, 8)));
    socket.on("error", () => resolve(""));
    socket.once("close", () => resolve(""));
  });
}

test("R5: a source with as many connections as it may have is cut off, and let in again when they go", async () => {
  const { port, defence } = serve({ perSource: 3 });
  const sockets: Socket[] = [];
  for (let n = 0; n < 3; n++) expect(await greeting(port, sockets)).toBe("SSH-2.0-");
  expect(await greeting(port)).toBe("");
  sockets[0]!.destroy();
  await expect.poll(() => defence.startups).toBe(2);
  expect(await greeting(port)).toBe("SSH-2.0-");
});

test("R6: whoever breaks the protocol is refused from then on", async () => {
  const { port, defence } = serve({});
  const socket = connect(port, "127.0.0.1");
  socket.write("GET / HTTP/1.1\r\n\r\n".repeat(20));
  socket.resume();
  await once(socket, "close");
  await expect.poll(() => defence.startups).toBe(0);
  expect(await greeting(port)).toBe("");
  expect(defence.refused.get("penalty")).toBe(1);
});

test("R6: four clients in a row that guess wrong are enough; the next is refused", async () => {
  const { port, defence } = serve({});
  const guess = async () => {
    const login = ssh(client, { port, password: "wrong", options: ["-o", "NumberOfPasswordPrompts=1"] });
    await login.ending;
    return login.stderr.text;
  };
  for (let n = 0; n < 4; n++) expect(await guess()).toContain("Permission denied (password).");
  await expect.poll(() => defence.startups).toBe(0);
  expect(await guess()).toMatch(/Connection (reset|closed) by/);
});

test("R6: a client without a common algorithm is no attacker", async () => {
  const { port, defence } = serve({});
  for (let n = 0; n < 3; n++) {
    const login = ssh(client, { port, options: ["-o", "KexAlgorithms=diffie-hellman-group14-sha1"] });
    await login.ending;
    expect(login.stderr.text).toContain("no matching key exchange method found");
  }
  await expect.poll(() => defence.startups).toBe(0);
  expect(await greeting(port)).toBe("SSH-2.0-");
});
