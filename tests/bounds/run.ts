/**
 * `npm run bounds`: what a hostile peer can make our server hold. One attack after the other, each on a server process of
 * its own; it fails when one holds more than the documented limits allow. Its argument may be a part of an attack's name.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as rest } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { attacks } from "./attacks.js";
import { Peer } from "./peer.js";
import type { Held } from "./server.js";

/** What the runtime takes while it gets to know the code: compiled functions, caches, a read buffer. */
const RUNTIME = 2 * 2 ** 20; // bytes

async function held(server: ChildProcess): Promise<Held> {
  const answer = once(server, "message");
  server.send("held");
  return ((await answer) as [Held])[0];
}

const kib = (bytes: number) => Math.ceil(bytes / 1024).toLocaleString("en");

console.log(
  "| Attack | Sent | Held, KiB | Bound, KiB | By | Within | Process grew by, KiB |\n|---|---|--:|--:|---|---|--:|",
);
for (const { name, bound, because, run } of attacks.filter((each) => each.name.includes(process.argv[2] ?? ""))) {
  const server = fork(fileURLToPath(new URL("server.js", import.meta.url)), { execArgv: ["--expose-gc"] });
  const [port] = (await once(server, "message")) as [number];
  (await Peer.logIn(port)).loseConnection();
  const base = await held(server);
  const most = { live: 0, rss: 0 };
  const look = async () => {
    const now = await held(server);
    most.live = Math.max(most.live, now.live - base.live);
    most.rss = Math.max(most.rss, now.rss - base.rss);
  };
  const attack = run(port);
  do await look();
  while (await Promise.race([attack.then(() => false), rest(200, true)]));
  const sent = await attack;
  await look();
  const within = most.live <= bound + RUNTIME;
  if (!within) process.exitCode = 1;
  console.log(
    `| ${name} | ${sent} | ${kib(most.live)} | ${kib(bound + RUNTIME)} | ${because} | ${within ? "yes" : "NO"} | ${kib(most.rss)} |`,
  );
  server.disconnect();
  await once(server, "exit");
}
process.exit();
