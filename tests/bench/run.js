/**
 * Every target of ours as a row: our server beside raw ssh2, by turns on this machine and under the same load; and, where
 * the project's peers are set up, beside all of them.
 *
 *     npm run bench [-- --only logins,bulk,echo,commands,many,stalls,distance,processes,peers] [--quick] [--json FILE]
 *
 * Ratios are ours divided by theirs. Processor time is the servers' own, and can be trusted on a machine that does other
 * things too; what is timed by the clock cannot.
 */
import { fork, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { methods } from "../../packages/conch/dist/kex/methods.js";
import { bulk, commands, concurrently, idle, login, logins, roundTrips, run } from "./clients.js";
import { far } from "./distance.js";
import { ourBulk } from "./our-client.js";
import { Program } from "./program.js";

const PARTS = ["logins", "bulk", "echo", "commands", "many", "stalls", "distance", "processes", "peers"];
const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: PARTS.join(",") },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
  },
});
const scale = options.quick ? 0.05 : 1;
const some = (count) => Math.max(2, Math.round(count * scale));

const here = dirname(fileURLToPath(import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "bench-"));
const keyFile = makeKey("ed25519");
const privateKey = readFileSync(keyFile);

const ours = (hostKey) => (port) => [
  process.execPath,
  join(here, "dist/server.js"),
  "--port",
  port,
  "--host-key",
  hostKey,
];
const raw = (hostKey) => (port) => [process.execPath, join(here, "ssh2-server.js"), port, hostKey];
const servers = { ours: ours(keyFile), ssh2: raw(keyFile) };

const rows = [];

/** A row: what was measured, of ours and of the other; the ratio, or ours where there is none, is held to `target`. */
function row(title, our, other, target = null) {
  const measured = other === null ? our : our / other;
  const met =
    target === null
      ? ""
      : (target.most === undefined ? measured >= target.least : measured <= target.most)
        ? "met"
        : "MISSED";
  const wanted = target === null ? "" : target.most === undefined ? `>= ${target.least}` : `<= ${shown(target.most)}`;
  rows.push({ title, ours: our, other, ratio: other === null ? null : measured, target: wanted, met });
  const cells = [our, other, other === null ? null : measured].map((value) => shown(value).padStart(10));
  console.log(`${title.padEnd(58)}${cells.join("")}  ${wanted.padEnd(9)}${met}`);
}

/**
 * The loop's longest standstill, in milliseconds by the clock, which also counts when the machine ran the clients instead; and
 * what of it the loop's own thread ran.
 */
function stillFor(title, target, our, other, most) {
  row(`${title}: still for, ms (${target})`, our.max, other?.max ?? null);
  row("  the same by itself", our.max, null, { most });
  row("  its own thread ran for, at most", our.busy, other?.busy ?? null);
}

const parts = {
  /** Target 1. */
  async logins() {
    const cost = await onEach(servers, async (server) => {
      await logins(some(800), server.port, privateKey);
      return ((await server.cpuOf(() => logins(some(1200), server.port, privateKey))) * 1000) / some(1200);
    });
    row("a login, ms of processor (1 and 3)", cost.ours, cost.ssh2, { most: 1 / 3 });
    row("  the same by itself", cost.ours, null, { most: 0.7 });
    const extra = exchangeCost("mlkem768x25519-sha256") - exchangeCost("curve25519-sha256");
    const limit = Number(process.versions.node.split(".")[0]) >= 24 ? 1.15 : 2.5;
    row("  by mlkem768x25519, beside curve25519 (1)", cost.ours + extra, cost.ours, { most: limit });
  },

  /** Target 2. */
  async bulk() {
    const size = some(512);
    for (const [cipher, most] of [
      ["aes128-gcm@openssh.com", 0.75],
      ["aes256-gcm@openssh.com", 0.75],
      ["chacha20-poly1305@openssh.com", 0.75],
      ["aes128-ctr", 0.9],
    ]) {
      for (const way of ["down", "up"]) {
        const cost = await onEach(servers, async (server) => {
          await bulk(way, some(128), server.port, keyFile, cipher);
          return ((await server.cpuOf(() => bulk(way, size, server.port, keyFile, cipher))) * 1024) / size;
        });
        row(`${cipher.split("@")[0]} ${way}, processor s a GiB (2)`, cost.ours, cost.ssh2, { most });
      }
    }
  },

  /** Target 3. */
  async echo() {
    const calm = await onEach(servers, async (server) => {
      await roundTrips(some(2000), server.port, privateKey);
      return roundTrips(some(5000), server.port, privateKey);
    });
    row("echo p50, us (3)", calm.ours.p50, calm.ssh2.p50, { most: 1 });
    row("echo p99, us (3)", calm.ours.p99, calm.ssh2.p99, { most: 1 });
    const sessions = some(200);
    const busy = await onEach(servers, async (server) => {
      const load = fork(join(here, "busy.js"), [server.port, keyFile, sessions]);
      await new Promise((resolve) => load.once("message", resolve));
      const times = await roundTrips(some(1000), server.port, privateKey);
      load.kill();
      return times;
    });
    row(`echo p99 beside ${sessions} busy sessions, us (3)`, busy.ours.p99, busy.ssh2.p99);
  },

  /** What whoever runs commands from near by waits for. */
  async commands() {
    const sshd = sshdHere();
    const took = await onEach({ ...servers, ...sshd }, (server) =>
      commands(some(40), server.port, keyFile, sshd.sshd === undefined ? "u" : "root"),
    );
    row("a command of OpenSSH's client, ms", took.ours, took.ssh2);
    if (took.sshd !== undefined) row("  beside sshd, which starts a shell for it", took.ours, took.sshd);
  },

  /** Targets 4 and 5. */
  async many() {
    const steps = [0, some(1000), some(5000)];
    const found = await onEach(servers, async (server) => {
      await logins(some(800), server.port, privateKey);
      const before = server.memory;
      const clients = [];
      const costs = [];
      const echoes = [];
      for (const open of steps) {
        clients.push(...(await idle(open - clients.length, server.port, privateKey)));
        const cost = await server.cpuOf(() => logins(some(600), server.port, privateKey));
        costs.push((cost * 1000) / some(600));
        echoes.push((await roundTrips(some(3000), server.port, privateKey)).p50);
      }
      const bytes = (server.memory - before) / clients.length;
      const watcher = await login(server.port, privateKey);
      await run(watcher, "stall");
      for (const client of clients) client.end();
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const stalled = JSON.parse(await run(watcher, "stall"));
      watcher.end();
      return { bytes, costs, echoes, stalled };
    });
    row(`bytes a connection, ${steps[2]} of them (4)`, found.ours.bytes, found.ssh2.bytes);
    row("  the same by itself", found.ours.bytes, null, { most: 9000 });
    for (const at of [1, 2]) {
      row(`a login beside ${steps[at]} connections, beside none, ms (5)`, found.ours.costs[at], found.ours.costs[0], {
        most: 1.1,
      });
      row(
        `echo p50 beside ${steps[at]} connections, beside none, us (5)`,
        found.ours.echoes[at],
        found.ours.echoes[0],
        { most: 1.1 },
      );
    }
    stillFor(`${steps[2]} closed at once`, 5, found.ours.stalled, found.ssh2.stalled, 50);
  },

  /** Target 9. */
  async stalls() {
    const rsa = makeKey("rsa", "-b", "3072");
    const stalled = await onEach({ ours: ours(rsa), ssh2: raw(rsa) }, async (server) => {
      const algorithms = { serverHostKey: ["rsa-sha2-512"] };
      await logins(some(300), server.port, privateKey, { algorithms });
      const watcher = await login(server.port, privateKey, { algorithms });
      await run(watcher, "stall");
      await concurrently(some(200), async () => (await login(server.port, privateKey, { algorithms })).end(), 32);
      const found = JSON.parse(await run(watcher, "stall"));
      watcher.end();
      return found;
    });
    stillFor("RSA-3072 host key, 32 logins at a time", 9, stalled.ours, stalled.ssh2, 20);
    row("one exchange by mlkem768x25519, ms (9)", exchangeCost("mlkem768x25519-sha256"), null, { most: 20 });
    const flood = spawnSync(process.execPath, [join(here, "dist/logins.js"), "--logins", some(300), "--over", "ssh"]);
    stillFor("wrong passwords by argon2id", 9, JSON.parse(flood.stdout.toString()), null, 20);
  },

  /** Target 7. */
  async distance() {
    const size = Math.max(32, some(128));
    const sshd = sshdHere();
    for (const [ms, least] of [
      [50, 1],
      [200, 3],
    ]) {
      const pair = await onEach(sshd, async (server) =>
        throughput(
          server,
          ms,
          (port) => bulk("up", size, port, keyFile, "aes128-gcm@openssh.com", { user: "root", foreign: true }),
          size,
        ),
      );
      const up = await onEach({ ours: servers.ours }, async (server) =>
        throughput(server, ms, (port) => bulk("up", size, port, keyFile, "aes128-gcm@openssh.com"), size),
      );
      row(
        `${ms} ms away, up from OpenSSH, beside its own pair, MB/s (7)`,
        up.ours,
        pair.sshd ?? null,
        pair.sshd === undefined ? null : { least },
      );
      for (const way of ["down", "up"]) {
        const both = await onEach({ ours: servers.ours }, async (server) =>
          throughput(server, ms, (port) => ourBulk(way, size, port, keyFile), size),
        );
        row(
          `${ms} ms away, ${way}, both ends ours, beside that pair, MB/s (7)`,
          both.ours,
          pair.sshd ?? null,
          pair.sshd === undefined ? null : { least },
        );
      }
    }
  },

  /** Target 8: each process has its core only where the clients leave it one. */
  async processes() {
    if (availableParallelism() < 4) {
      console.log("logins of two processes, beside one (8): clients and two servers need 4 processors");
      return;
    }
    const rate = async (ports) => {
      const from = performance.now();
      const load = (port) =>
        new Promise((resolve) => fork(join(here, "load.js"), [port, keyFile, some(800)]).on("exit", resolve));
      await Promise.all(ports.map(load));
      return (some(800) * ports.length * 1000) / (performance.now() - from);
    };
    const pair = await Promise.all([Program.start(servers.ours), Program.start(servers.ours)]);
    const one = await rate([pair[0].port]);
    const two = await rate(pair.map(({ port }) => port));
    for (const server of pair) server.stop();
    row("logins a second of two processes, beside one (8)", two, one, { least: 1.8 });
  },

  /** What only they can tell; see the table that `compare` prints. */
  peers() {
    const compare = join(here, "../../../shared/bench/compare");
    if (!existsSync(compare)) {
      console.log("the peers are not set up: no rows for Go, Twisted, AsyncSSH and sshd");
      return;
    }
    const command = `${process.execPath} ${join(here, "dist/server.js")} --port {port} --host-key {hostkey}`;
    const compared = (...more) => {
      const json = join(folder, "compare.json");
      spawnSync(compare, ["--ours", command, "--json", json, ...more], { stdio: "inherit" });
      return JSON.parse(readFileSync(json, "utf8"));
    };
    const all = compared("--what", "handshake,echo,memory", "--rounds", options.quick ? "1" : "3");
    for (const [peer, least] of [
      ["go", 1],
      ["twisted", 1.5],
      ["ssh2-nodelay", 3],
    ]) {
      row(`logins a second, beside ${peer} (1)`, all.ours["handshakes/s"], all[peer]["handshakes/s"], { least });
    }
    for (const cipher of [
      "aes128-gcm@openssh.com",
      "aes256-gcm@openssh.com",
      "chacha20-poly1305@openssh.com",
      "aes128-ctr",
    ]) {
      const found = compared(
        "--what",
        "down,up",
        "--peers",
        "ssh2,sshd",
        "--cipher",
        cipher,
        "--rounds",
        options.quick ? "1" : "3",
      );
      for (const way of ["down", "up"]) {
        const best = Math.min(found.ssh2[`${way} cpu s/GiB`], found.sshd[`${way} cpu s/GiB`]);
        const most = cipher === "aes128-ctr" ? 0.9 : 0.75;
        row(
          `${cipher.split("@")[0]} ${way}, s a GiB, beside the better of ssh2 and sshd (2)`,
          found.ours[`${way} cpu s/GiB`],
          best,
          { most },
        );
      }
    }
  },
};

console.log(`Node ${process.version}, ${availableParallelism()} processors`);
console.log(`${"".padEnd(58)}${["ours", "other", "ratio"].map((head) => head.padStart(10)).join("")}  target`);
try {
  for (const part of options.only.split(",")) {
    if (!Object.hasOwn(parts, part)) throw new Error(`--only takes ${PARTS.join(", ")}`);
    await parts[part]();
  }
} finally {
  rmSync(folder, { recursive: true });
}
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(rows, null, 1)}\n`);
process.exit();

/** Does the same with each server in turn. */
async function onEach(commands, work) {
  const found = {};
  for (const [name, command] of Object.entries(commands)) {
    const server = await Program.start(command);
    try {
      found[name] = await work(server);
    } finally {
      server.stop();
    }
  }
  return found;
}

/** Milliseconds that a server spends on the arithmetic of one exchange. */
function exchangeCost(name) {
  const method = methods.get(name);
  const { value } = method.initiate();
  for (let i = 0; i < some(200); i++) method.respond(value);
  const from = process.cpuUsage();
  for (let i = 0; i < some(400); i++) method.respond(value);
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1000 / some(400);
}

async function throughput(server, ms, work, mebibytes) {
  const path = await far(server.port, ms);
  const seconds = await work(path.port);
  path.close();
  return mebibytes / seconds;
}

/** OpenSSH's server, where there is one and we may run it. */
function sshdHere() {
  return existsSync("/usr/sbin/sshd") && process.getuid?.() === 0 ? { sshd: sshdCommand() } : {};
}

function sshdCommand() {
  const config = join(folder, "sshd_config");
  return (port) => {
    writeFileSync(
      config,
      `Port ${port}\nListenAddress 127.0.0.1\nHostKey ${keyFile}\nAuthorizedKeysFile ${keyFile}.pub\nStrictModes no\nUsePAM no\nPidFile none\nLogLevel QUIET\n`,
    );
    spawnSync("mkdir", ["-p", "/run/sshd"]);
    return ["/usr/sbin/sshd", "-D", "-e", "-f", config];
  };
}

function makeKey(type, ...more) {
  const file = join(folder, type);
  spawnSync("ssh-keygen", ["-q", "-t", type, ...more, "-N", "", "-f", file], { stdio: "inherit" });
  return file;
}

function shown(value) {
  return value === null ? "-" : value >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}
