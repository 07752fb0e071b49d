/**
 * `npm run transfer`: 1 GiB each way by OpenSSH's client and by ours, with readers that rest on the way and keys that
 * change. Its arguments may be another number of MiB, and the directions: `npm run transfer -- 100 up,both`. It fails when a byte is missing or wrong, when the keys have not changed, or
 * when a process has kept what it should have held back.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { openSSH } from "../support/openssh.js";
import { checksum, content, readSlowly } from "./content.js";
import type { Report } from "./server.js";

const bytes = Number(process.argv[2] ?? 1024) * 2 ** 20;
const rest = Math.max(0.02, bytes / 2 ** 31); // seconds, eight times
const rekeyAt = Math.ceil(bytes / 4);
const expected = checksum(bytes);

/** MiB by which a process may grow: windows, the buffers of sockets and streams, and what waits for collection. */
const MOST = 192;

type Direction = "up" | "down" | "both";
const directions = (process.argv[3]?.split(",") ?? ["up", "down", "both"]) as Direction[];

interface Outcome {
  readonly code: number;
  /** Of what the client got. */
  readonly checksum: string | null;
  readonly server: Report;
  /** In MiB; null of a client that is not ours. */
  readonly growth: number | null;
}

const { prefix, askpass } = openSSH();

async function byOpenSSH(port: number, direction: Direction): Promise<Outcome> {
  const settings = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"];
  const options = [...settings, "PubkeyAuthentication=no", `RekeyLimit=${rekeyAt}`].flatMap((setting) => [
    "-o",
    setting,
  ]);
  const words = [...prefix, "ssh", "-F", "none", ...options, "-p", String(port), "user@127.0.0.1"];
  const env = {
    ...process.env,
    SSH_ASKPASS: askpass,
    SSH_ASKPASS_REQUIRE: "force",
    STROMBUS_TEST_PASSWORD: "password",
  };
  const ssh = spawn(words[0]!, [...words.slice(1), `${direction} ${bytes} ${rest}`], { env });
  const [closed, errors] = [once(ssh, "close"), text(ssh.stderr)];
  const sending = direction === "down" ? ssh.stdin.end() : pipeline(content(bytes), ssh.stdin);
  const received = direction === "up" ? null : await readSlowly(ssh.stdout, bytes, rest);
  await sending;
  const [code] = (await closed) as [number];
  return { code, checksum: received, server: JSON.parse(await errors) as Report, growth: null };
}

async function byOurs(port: number, direction: Direction): Promise<Outcome> {
  const client = start(
    "client.js",
    String(port),
    String(rekeyAt),
    direction,
    String(bytes),
    String(rest),
    String(rest),
  );
  const { code, ours, theirs } = JSON.parse(await text(client.stdout!)) as {
    code: number;
    ours: { checksum: string | null; growth: number };
    theirs: Report;
  };
  return { code, checksum: ours.checksum, server: theirs, growth: ours.growth };
}

function start(name: string, ...args: string[]): ChildProcess {
  const file = fileURLToPath(new URL(name, import.meta.url));
  return spawn(process.execPath, [file, ...args], { stdio: ["ignore", "pipe", "inherit"] });
}

console.log(
  `${bytes / 2 ** 20} MiB each way, readers that rest 8 times for ${rest.toFixed(2)} s, keys that change 3 times`,
);
console.log("client   direction  seconds  key exchanges  MiB that the server grew by  the client");
let failures = 0;
for (const [name, run] of [
  ["OpenSSH", byOpenSSH],
  ["ours", byOurs],
] as const) {
  for (const direction of directions) {
    const server = start("server.js");
    const [line] = (await once(server.stdout!, "data")) as [Buffer];
    const began = performance.now();
    const outcome = await run(Number(/\d+/.exec(String(line))![0]), direction);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    server.kill();
    const { keyExchanges, growth } = outcome.server;
    const wrong = [
      outcome.code !== 0 && `exit status ${outcome.code}`,
      outcome.checksum !== (direction === "up" ? null : expected) && "the client got something else",
      outcome.server.checksum !== (direction === "down" ? null : expected) && "the server got something else",
      keyExchanges < 3 && "the keys have not changed on the way",
      Math.max(growth, outcome.growth ?? 0) > MOST && `more than ${MOST} MiB`,
    ].filter((each) => each !== false);
    failures += wrong.length;
    const columns = [name.padEnd(8), direction.padEnd(10), seconds.padStart(7), String(keyExchanges).padStart(14)];
    const grown = [String(growth).padStart(28), String(outcome.growth ?? "-").padStart(11)];
    console.log([...columns, ...grown, wrong.length > 0 ? `  WRONG: ${wrong.join(", ")}` : ""].join(" ").trimEnd());
  }
}
process.exitCode = failures > 0 ? 1 : 0;
