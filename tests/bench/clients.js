/** The load: clients of ssh2, the same for every server. */
import { spawn } from "node:child_process";
import ssh2 from "ssh2";

export const AT_A_TIME = 8;

export function login(port, privateKey, { user = "u", algorithms = {} } = {}) {
  const client = new ssh2.Client();
  client.on("error", () => undefined);
  return new Promise((resolve, reject) => {
    client.once("ready", () => resolve(client));
    client.once("connect", () => client.setNoDelay(true));
    client.once("error", reject);
    client.connect({
      host: "127.0.0.1",
      port,
      username: user,
      privateKey,
      readyTimeout: 120_000,
      algorithms: { cipher: ["aes128-gcm@openssh.com"], kex: ["curve25519-sha256"], ...algorithms },
    });
  });
}

/** So many logins, several at a time. */
export async function logins(count, port, privateKey, options) {
  await concurrently(count, async () => (await login(port, privateKey, options)).end());
}

export function shell(client) {
  return new Promise((resolve, reject) =>
    client.shell(false, (error, stream) => (error ? reject(error) : resolve(stream))),
  );
}

/** Runs a command and gives what it said. */
export function run(client, command) {
  return new Promise((resolve, reject) => {
    client.exec(command, (error, stream) => {
      if (error) return reject(error);
      let said = "";
      stream.on("data", (data) => (said += data)).on("close", () => resolve(said));
      stream.end();
    });
  });
}

/** Connections with an open shell. */
export async function idle(count, port, privateKey) {
  const clients = [];
  await concurrently(count, async () => {
    const client = await login(port, privateKey);
    await shell(client);
    clients.push(client);
  });
  return clients;
}

/** Round trips of 16 bytes on one shell, in microseconds: half of them take less than p50, and one in a hundred more than p99. */
export async function roundTrips(count, port, privateKey) {
  const client = await login(port, privateKey);
  const stream = await shell(client);
  const times = [];
  for (let i = 0; i < count; i++) {
    const from = performance.now();
    await new Promise((resolve) => {
      stream.once("data", resolve);
      stream.write("0123456789abcdef");
    });
    times.push((performance.now() - from) * 1000);
  }
  client.end();
  times.sort((a, b) => a - b);
  return { p50: times[Math.floor(times.length / 2)], p99: times[Math.floor(times.length * 0.99)] };
}

/** One GiB's part through the OpenSSH client: `mebibytes` down from `source` or up to `sink`. Gives the seconds that it took. */
export function bulk(way, mebibytes, port, keyFile, cipher, { user = "u", foreign = false } = {}) {
  const bytes = mebibytes * 2 ** 20;
  const [down, up] = foreign ? [`head -c ${bytes} /dev/zero`, "cat >/dev/null"] : [`source ${bytes}`, "sink"];
  const ssh = openSSH(port, user, keyFile, ["-c", cipher], way === "down" ? down : up);
  return shellLine(way === "down" ? `${ssh} >/dev/null` : `head -c ${bytes} /dev/zero | ${ssh} >/dev/null`);
}

/** One command through the OpenSSH client, from its start to its end: the median of so many, in milliseconds. */
export async function commands(count, port, keyFile, user = "u") {
  const times = [];
  for (let i = 0; i < count; i++) times.push((await shellLine(openSSH(port, user, keyFile, [], "true"))) * 1000);
  return times.sort((a, b) => a - b)[Math.floor(count / 2)];
}

function openSSH(port, user, keyFile, options, command) {
  const quiet = ["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"];
  const args = [...quiet, "-o", "LogLevel=ERROR", "-i", keyFile, ...options, "-p", port, `${user}@127.0.0.1`];
  return ["ssh", ...args, command].map((word) => `'${word}'`).join(" ");
}

/** Runs it and gives the seconds that it took. */
function shellLine(line) {
  return new Promise((resolve, reject) => {
    const from = performance.now();
    spawn("sh", ["-c", line], { stdio: ["ignore", "ignore", "inherit"] }).on("close", (status) => {
      if (status !== 0) reject(new Error(`ssh ended with status ${status}`));
      else resolve((performance.now() - from) / 1000);
    });
  });
}

export async function concurrently(count, work, atATime = AT_A_TIME) {
  let left = count;
  const worker = async () => {
    while (left-- > 0) await work();
  };
  await Promise.all(Array.from({ length: atATime }, worker));
}
