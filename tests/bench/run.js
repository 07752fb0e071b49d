/**
 * Our server beside raw ssh2, one after the other on this machine, both under the same load of ssh2 clients; and, where
 * the project's peers are set up, beside all of them.
 *
 *     npm run bench
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ssh2 from "ssh2";

const here = dirname(fileURLToPath(import.meta.url));
const ours = join(here, "dist/server.js");
const LOGINS = 400;
const AT_A_TIME = 8;
const ROUND_TRIPS = 3000;
const IDLE = 500; // connections
const BULK = 256; // MiB

const folder = mkdtempSync(join(tmpdir(), "bench-"));
const hostKey = join(folder, "key");
spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", hostKey], { stdio: "inherit" });
const privateKey = readFileSync(hostKey);

const servers = {
  ours: (port) => [ours, "--port", String(port), "--host-key", hostKey],
  ssh2: (port) => [join(here, "ssh2-server.js"), String(port), hostKey],
};

const tables = {};
for (const [name, command] of Object.entries(servers)) tables[name] = await measure(command);
console.log(`${"".padEnd(26)}${"ours".padStart(12)}${"ssh2".padStart(12)}${"ratio".padStart(8)}`);
for (const [row, value] of Object.entries(tables.ours)) {
  const other = tables.ssh2[row];
  const cells = [
    value.toPrecision(3).padStart(12),
    other.toPrecision(3).padStart(12),
    (value / other).toFixed(2).padStart(8),
  ];
  console.log(row.padEnd(26) + cells.join(""));
}
rmSync(folder, { recursive: true });

const compare = join(here, "../../../shared/bench/compare");
if (existsSync(compare)) {
  spawnSync(compare, ["--ours", `node ${ours} --port {port} --host-key {hostkey}`], { stdio: "inherit" });
}

async function measure(command) {
  const port = await freePort();
  const began = performance.now();
  const server = spawn(process.execPath, command(port), { stdio: ["ignore", "ignore", "inherit"] });
  try {
    await listening(port);
    const start = (performance.now() - began) / 1000;
    const loginsFrom = performance.now();
    await concurrently(LOGINS, async () => (await login(port)).end());
    const logins = LOGINS / ((performance.now() - loginsFrom) / 1000);
    const before = memoryOf(server);
    const idle = [];
    await concurrently(IDLE, async () => {
      const client = await login(port);
      await shell(client);
      idle.push(client);
    });
    const bytes = (memoryOf(server) - before) / IDLE;
    for (const client of idle) client.end();
    const times = await roundTrips(port);
    const down = await cpuOf(server, () => exec(port, `source ${BULK * 2 ** 20}`, 0));
    const up = await cpuOf(server, () => exec(port, "sink", BULK * 2 ** 20));
    return {
      "start, s": start,
      "logins a second": logins,
      "echo p50, us": times[Math.floor(times.length / 2)] * 1000,
      "echo p99, us": times[Math.floor(times.length * 0.99)] * 1000,
      "CPU s per GiB down": (down * 1024) / BULK,
      "CPU s per GiB up": (up * 1024) / BULK,
      "bytes a connection": bytes,
    };
  } finally {
    server.kill("SIGKILL");
  }
}

function login(port) {
  const client = new ssh2.Client();
  client.on("error", () => undefined);
  return new Promise((resolve, reject) => {
    client.once("ready", () => resolve(client));
    client.once("connect", () => client.setNoDelay(true));
    client.once("error", reject);
    client.connect({
      host: "127.0.0.1",
      port,
      username: "u",
      privateKey,
      algorithms: { cipher: ["aes128-gcm@openssh.com"] },
    });
  });
}

function shell(client) {
  return new Promise((resolve, reject) =>
    client.shell(false, (error, stream) => (error ? reject(error) : resolve(stream))),
  );
}

async function roundTrips(port) {
  const client = await login(port);
  const stream = await shell(client);
  const times = [];
  for (let i = 0; i < ROUND_TRIPS; i++) {
    const from = performance.now();
    await new Promise((resolve) => {
      stream.once("data", resolve);
      stream.write("0123456789abcdef");
    });
    times.push(performance.now() - from);
  }
  client.end();
  return times.sort((a, b) => a - b);
}

/** Runs a command, sends it so many bytes, and reads what it says to the end. */
async function exec(port, command, bytes) {
  const client = await login(port);
  await new Promise((resolve, reject) => {
    client.exec(command, (error, stream) => {
      if (error) return reject(error);
      stream.on("close", resolve).resume();
      const chunk = Buffer.alloc(2 ** 16);
      const pump = () => {
        for (; bytes > 0; bytes -= chunk.length) if (!stream.write(chunk)) return void stream.once("drain", next);
        stream.end();
      };
      const next = () => {
        bytes -= chunk.length;
        pump();
      };
      pump();
    });
  });
  client.end();
}

async function concurrently(count, work) {
  let left = count;
  const worker = async () => {
    while (left-- > 0) await work();
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
}

/** Seconds of processor time that the server spent meanwhile; where there is no /proc, not a number. */
async function cpuOf(server, work) {
  const spent = () => {
    const path = `/proc/${server.pid}/stat`;
    if (!existsSync(path)) return NaN;
    const fields = readFileSync(path, "latin1").split(") ")[1].split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  };
  const before = spent();
  await work();
  return spent() - before;
}

function memoryOf(server) {
  const path = `/proc/${server.pid}/statm`;
  return existsSync(path) ? Number(readFileSync(path, "latin1").split(" ")[1]) * 4096 : NaN;
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

async function listening(port) {
  for (;;) {
    const open = await new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}
