/** The deployment behind HAProxy that the documentation shows, with HAProxy itself. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../support/example.js";
import { temporaryFolder } from "../support/folder.js";
import { needed } from "../support/needed.js";
import { Program } from "../support/program.js";
import { freePort } from "../support/ports.js";
import { EchoClient, echoModule, strombus, visit } from "../support/runner.js";

const config = readFileSync(join(root, "packages/examples/src/deployment/haproxy.cfg"), "utf8");

interface Replica {
  readonly port: number;
  readonly health: number;
}

/** HAProxy with the ports of this test in place of those of the documentation. */
async function balancer(replicas: readonly [Replica, Replica]): Promise<{ program: Program; port: number }> {
  const port = await freePort();
  const ports = {
    2222: port,
    2022: replicas[0].port,
    8022: replicas[0].health,
    2023: replicas[1].port,
    8023: replicas[1].health,
  };
  const path = join(temporaryFolder(), "haproxy.cfg");
  writeFileSync(
    path,
    config.replace(/\b(2222|[28]02[23])\b/g, (name) => String(ports[name as unknown as keyof typeof ports])),
  );
  const program = new Program([needed("haproxy"), "-db", "-f", path]);
  const ended = program.ending.then(() => Promise.reject(new Error(`HAProxy ended: ${program.stderr.text}`)));
  const answers = expect.poll(() => visit(port).catch(() => null), { timeout: 20_000 }).not.toBe(null);
  await Promise.race([answers, ended]);
  ended.catch(() => {});
  return { program, port };
}

async function replica({ port, health }: Replica): Promise<Program> {
  const options = ["--health", String(health), "--drain-delay", "2", "--drain", "20"];
  const program = strombus(["run", ...options, echoModule, String(port), "haproxy:"]);
  await program.stdout.until("runs as process");
  return program;
}

test(
  "replicas are replaced one by one, and no client of HAProxy is refused or cut off",
  { timeout: 90_000 },
  async () => {
    const places = [
      { port: await freePort(), health: await freePort() },
      { port: await freePort(), health: await freePort() },
    ] as const;
    const programs = [await replica(places[0]), await replica(places[1])];
    const { program: haproxy, port } = await balancer(places);
    await expect
      .poll(async () => new Set([(await visit(port)).pid, (await visit(port)).pid]).size, { timeout: 20_000 })
      .toBe(2);

    const old = [new EchoClient(port), new EchoClient(port)];
    const before = await Promise.all(old.map((client) => client.greeting()));
    expect(new Set(before.map(({ pid }) => pid)).size).toBe(2);
    // The PROXY protocol: each replica knows the client behind HAProxy.
    for (const [index, { peer }] of before.entries()) expect(peer).toContain(`port=${old[index]!.localPort})`);

    let over = false;
    const visitor = async (): Promise<number> => {
      let visits = 0;
      for (; !over; visits++) await visit(port); // throws if it is not greeted
      return visits;
    };
    const visitors = [visitor(), visitor()];

    for (const [index, place] of places.entries()) {
      const gone = programs[index]!;
      const ending = gone.kill();
      // It goes on accepting for the drain delay, while HAProxy learns that it shall not send more.
      await gone.stdout.until("stopping factory");
      const client = old[before.findIndex(({ pid }) => pid === pidOf(gone))]!;
      await client.echo("an old connection lives on");
      client.close();
      expect(await ending).toEqual({ status: 0, signal: null });
      programs[index] = await replica(place);
      await expect
        .poll(async () => new Set([(await visit(port)).pid, (await visit(port)).pid]).size, { timeout: 20_000 })
        .toBe(2);
    }
    over = true;
    const visits = (await Promise.all(visitors)).reduce((sum, each) => sum + each, 0);
    expect(visits).toBeGreaterThan(50);

    await haproxy.kill();
    for (const program of programs) await program.kill();
  },
);

function pidOf(program: Program): number {
  return Number(/runs as process (\d+)/.exec(program.stdout.text)![1]);
}
