/** What the documentation says about deployment fits the program that is deployed. */
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Key } from "@strombus/conch/ssh/keys";
import { describe, expect, test } from "vitest";
import { root } from "../support/example.js";
import { temporaryFolder } from "../support/folder.js";
import { openSSH, ssh } from "../support/openssh.js";
import { freePort } from "../support/ports.js";
import { Program } from "../support/program.js";
import { statusOf, strombus } from "../support/runner.js";

const folder = join(root, "packages/examples/src/deployment");
const app = join(root, "packages/examples/dist/deployment/app.js");
const manifest = readFileSync(join(folder, "kubernetes.yaml"), "utf8");
const unit = readFileSync(join(folder, "strombus.service"), "utf8");

describe("the Kubernetes manifest", () => {
  const [, list] = /command: \[(.*)\]/.exec(manifest)!;
  const [npx, command, ...args] = list!.split(", ").map((word) => word.replaceAll('"', ""));

  test("gives more time than the drain takes", () => {
    const grace = Number(/terminationGracePeriodSeconds: (\d+)/.exec(manifest)![1]);
    const text = { type: "string" } as const;
    const { values } = parseArgs({ args, strict: false, options: { drain: text, "drain-delay": text } });
    expect(grace).toBeGreaterThan(Number(values.drain) + Number(values["drain-delay"]));
  });

  test("runs the program with options that it has, and asks where it answers", async () => {
    expect([npx, command]).toEqual(["npx", "strombus"]);
    const health = await freePort();
    const given = args.map((arg) => (arg === "0.0.0.0:8022" ? `127.0.0.1:${health}` : arg === "app.js" ? app : arg));
    const program = strombus(given, { env: { SSH_FOLDER: sshFolder(), SSH_ENDPOINT: `tcp:${await freePort()}` } });
    await program.stdout.until("runs as process");
    for (const [, path] of manifest.matchAll(/path: (\/\w+)/g)) expect(await statusOf(health, path!)).toBe(200);
    await program.kill("SIGKILL");
  });
});

test("the systemd unit runs the program with options that it has", async () => {
  const [, line] = /ExecStart=\S+\/strombus (.*)/.exec(unit)!;
  const program = strombus(line!.split(" ").map((arg) => (arg === "/srv/ssh/app.js" ? "/nowhere/app.js" : arg)));
  expect((await program.ending).status).toBe(1);
  expect(program.stderr.text).toMatch(/cannot load \/nowhere\/app\.js/); // and not: unknown option
  expect(unit).toMatch(/NotifyAccess=all/);
});

test("what the systemd unit starts is the process that gets the signals", async () => {
  const [, path] = /ExecStart=\/srv\/ssh\/(\S+)/.exec(unit)!;
  const program = new Program([join(root, path!), "run", "--processes", "1", app], {
    env: { SSH_FOLDER: sshFolder(), SSH_ENDPOINT: `tcp:${await freePort()}` },
  });
  await program.stdout.until("run under process");
  program.signal("SIGHUP"); // ExecReload
  await program.stdout.until("the processes were replaced");
  expect((await program.kill()).status).toBe(0);
});

test("an ssh session lives through a restart of the processes, and new ones find the new process", async () => {
  const port = await freePort();
  const program = strombus(["run", "--processes", "1", "--drain", "60", app], {
    env: { SSH_FOLDER: sshFolder(), SSH_ENDPOINT: `tcp:${port}` },
  });
  const [, pid] = await program.stdout.until(/run under process (\d+)/);
  const client = openSSH();
  const login = { port, user: "ann", password: "secret" };
  const session = ssh(client, login);
  await session.stdout.until("hello");
  process.kill(Number(pid), "SIGHUP");
  await program.stdout.until("the processes were replaced");
  session.type("still here");
  await session.stdout.until("you said still here");
  const second = ssh(client, login);
  await second.stdout.until("hello");
  await session.kill();
  await second.kill();
  expect((await program.kill()).status).toBe(0);
});

describe("strombus run --drain, told to stop", () => {
  async function withSession(drain: string) {
    const port = await freePort();
    const program = strombus(["run", "--drain", drain, app], {
      env: { SSH_FOLDER: sshFolder(), SSH_ENDPOINT: `haproxy:tcp:${port}` },
    });
    await program.stdout.until("runs as process");
    const session = ssh(openSSH(), { port: await balancer(port), user: "ann", password: "secret" });
    await session.stdout.until("hello");
    return { program, port, session };
  }

  test("lets ssh sessions go on, takes nobody new, and ends with the last of them", async () => {
    const { program, port, session } = await withSession("60");
    const ending = program.kill();
    await program.stdout.until("shutting down");
    await expect(statusOf(port, "/")).rejects.toThrow();
    session.type("still here");
    await session.stdout.until("you said still here");
    await session.kill();
    expect(await ending).toEqual({ status: 0, signal: null });
  });

  test("ends those that are left when the time is up, and tells them why", async () => {
    const { program, session } = await withSession("0.2");
    const ending = program.kill();
    await session.ending;
    expect(session.stderr.text).toContain("the server is stopping");
    expect(await ending).toEqual({ status: 0, signal: null });
  });
});

/** The port of a balancer of one connection to `port`, which it begins with a PROXY header. */
async function balancer(port: number): Promise<number> {
  const server = createServer((client) => {
    server.close();
    const behind = connect(port, "127.0.0.1");
    behind.write(`PROXY TCP4 192.0.2.7 192.0.2.1 4711 ${port}\r\n`);
    for (const socket of [client, behind]) socket.on("error", () => {});
    client.pipe(behind).pipe(client);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return (server.address() as AddressInfo).port;
}

function sshFolder(): string {
  const path = temporaryFolder();
  writeFileSync(join(path, "passwords"), "ann:secret\n");
  writeFileSync(join(path, "host_key"), Key.generate("ed25519").toString("openssh"));
  return path;
}
