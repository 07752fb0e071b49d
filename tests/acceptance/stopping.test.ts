/** R10: a server that is told to stop, as OpenSSH's users see it. */
import type { SSHFactory } from "@strombus/conch/ssh/factory";
import { sessionProgram } from "@strombus/conch/streams";
import { reactor } from "@strombus/reactor";
import { Factory } from "@strombus/reactor/protocol";
import { HAProxyWrappingFactory } from "@strombus/reactor/protocols/haproxy";
import { WrappingFactory } from "@strombus/reactor/protocols/policies";
import { TLSMemoryBIOFactory } from "@strombus/reactor/protocols/tls";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { startExample } from "../support/example.js";
import { openSSH, ssh } from "../support/openssh.js";
import { serve } from "../support/server.js";

const client = openSSH();

test("SIGTERM ends sessions with the reason, behind what was written, and the process with them", async () => {
  const { program, port } = await startExample("simple-session");
  const session = ssh(client, { port, options: ["-tt"] });
  session.type("x");
  await session.stdout.until("echo: 'x'\r\n");
  void program.kill("SIGTERM");
  await session.ending;
  expect(session.stderr.text).toMatch(/Received disconnect from 127\.0\.0\.1 port \d+:11: the server is stopping/);
  await program.ending;
});

test("sessions are told, may end by themselves, and lose nothing; newcomers are refused", async () => {
  let factory!: SSHFactory;
  const size = 3_000_000; // more than a window
  const served = serve(
    sessionProgram(async ({ stdout, stopping }) => {
      stdout.write("ready\n");
      if (!stopping.aborted) await once(stopping, "abort");
      stdout.write("x".repeat(size));
      return 7;
    }),
    (made) => (factory = made),
  );
  onTestFinished(() => served.close());
  const { port } = served;
  const session = ssh(client, { port, command: "work" });
  await session.stdout.until("ready\n");
  const stopped = factory.stopGracefully(60);
  const late = ssh(client, { port, command: "late" });
  await late.ending;
  expect(late.stderr.text).toMatch(/Connection (refused|reset|closed)/);
  expect((await session.ending).status).toBe(7);
  expect(session.stdout.text.length).toBe("ready\n".length + size);
  await stopped;
  expect(factory.connections.size).toBe(0);
});

test("a factory that stops closes its ports at once, whatever wraps it; those of others stay", async () => {
  let factory!: SSHFactory;
  const served = serve(
    sessionProgram(() => 0),
    (made) => (factory = made),
  );
  onTestFinished(() => served.close());
  const wrapped = [
    new HAProxyWrappingFactory(factory),
    new TLSMemoryBIOFactory({ settingsForTLS: () => ({}) } as never, false, factory),
    new WrappingFactory(new HAProxyWrappingFactory(factory)),
  ].map((each) => reactor.listenTCP(0, each, { interface: "127.0.0.1" }));
  const other = reactor.listenTCP(0, new HAProxyWrappingFactory(new Factory()), { interface: "127.0.0.1" });
  onTestFinished(() => other.stopListening().then(() => undefined));
  const open = (): unknown[] => [...wrapped, other].filter((each) => reactor.openTransports.has(each as never));
  expect(open().length).toBe(4);
  const stopped = factory.stopGracefully(60);
  expect(open()).toEqual([other]);
  await stopped;
});
