/**
 * Thousands of sessions against one server process, and against the processes of their clients: what each holds at the end
 * is what it held after the first thousand.
 *
 *     npm run soak -- [--sessions 50000] [--at-a-time 500] [--in-turn 5000] [--seed 1] [--quick]
 *     npm run soak -- --seed 1 --only 4711
 *
 * Some sessions come one after the other, the rest so many at a time. Each has its plan by seed and number (plan.ts).
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Census, differences } from "./census.js";
import type { Order } from "./clients.js";

/**
 * Counts are to be equal. Bytes may differ by this: what V8 keeps beside its code, caches, and what the collector leaves for
 * next time come to some hundred kilobytes, whatever the number of sessions. A byte more would be 40 for each of 50,000.
 */
const TOLERANCE = 2 * 2 ** 20; // bytes
const PROCESSES = 2; // of clients

const { values } = parseArgs({
  options: {
    sessions: { type: "string" },
    "at-a-time": { type: "string" },
    "in-turn": { type: "string" },
    seed: { type: "string" },
    only: { type: "string" },
    quick: { type: "boolean", default: false },
  },
});
const sessions = Number(values.sessions ?? (values.quick ? 1500 : 50_000));
const warmUp = Math.min(1000, sessions / 3); // sessions
const inTurn = Number(values["in-turn"] ?? (values.quick ? 200 : 5000));
const atATime = Number(values["at-a-time"] ?? (values.quick ? 200 : 500));
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));

interface Report {
  readonly census?: Census;
  readonly failures?: readonly string[];
  readonly ledger?: Readonly<Record<string, number>>;
}

const start = (name: string) =>
  fork(fileURLToPath(new URL(`${name}.js`, import.meta.url)), {
    execArgv: ["--expose-gc", "--disable-warning=ExperimentalWarning"],
    stdio: "inherit",
  });
const server = start("server");
const [port] = (await once(server, "message")) as [number];
const clients = Array.from({ length: PROCESSES }, () => start("clients"));
await Promise.all(clients.map(async (each) => once(each, "message")));
const failures: string[] = [];

async function ask(child: ChildProcess, order: Order | "census"): Promise<Report> {
  const reply = once(child, "message");
  child.send(order);
  const [report] = (await reply) as [Report];
  failures.push(...(report.failures ?? []));
  return report;
}

/** Sessions of these numbers, divided among the processes. */
async function run(from: number, below: number, together: number): Promise<void> {
  const processes = together === 1 ? clients.slice(0, 1) : clients;
  const lanes = Math.max(1, Math.floor(together / processes.length));
  await Promise.all(
    processes.map(async (each, index) =>
      ask(each, { port: port, seed, numbers: [from + index, below, processes.length], atATime: lanes }),
    ),
  );
}

async function census(): Promise<Report[]> {
  const ofClients = await Promise.all(
    clients.map(async (each) => ask(each, { port: port, seed, numbers: null, atATime: 0 })),
  );
  return [await ask(server, "census"), ...ofClients];
}

const began = performance.now();
const seconds = () => Math.round((performance.now() - began) / 100) / 10;
if (values.only !== undefined) {
  await run(Number(values.only), Number(values.only) + 1, 1);
} else {
  console.log(`seed ${seed}: ${sessions} sessions, ${inTurn} in turn and the others ${atATime} at a time`);
  await run(0, warmUp, atATime);
  const before = await census();
  console.log(`${warmUp} sessions, ${seconds()} s: ${JSON.stringify(before[0]!.ledger)}`);
  await run(warmUp, warmUp + inTurn, 1);
  console.log(`${warmUp + inTurn} sessions, ${seconds()} s`);
  const STEP = 5000;
  for (let from = warmUp + inTurn; from < sessions; from += STEP) {
    const below = Math.min(sessions, from + STEP);
    await run(from, below, atATime);
    console.log(`${below} sessions, ${seconds()} s`);
  }
  const after = await census();
  console.log(`${sessions} sessions, ${seconds()} s: ${JSON.stringify(after[0]!.ledger)}`);
  after.forEach(({ census: now }, index) => {
    const was = before[index]!.census!;
    const whose = index === 0 ? "the server" : `the clients' process ${index}`;
    const grown = (["heap", "external", "code", "rss"] as const).map(
      (kind) => `${kind} ${now![kind]} (${now![kind] - was[kind]})`,
    );
    console.log(`${whose}: bytes (grown by): ${grown.join(", ")}`);
    for (const [name, count] of Object.entries(now!.counts)) console.log(`  ${name}: ${count}`);
    failures.push(...differences(was, now!, TOLERANCE).map((each) => `${whose}: ${each}`));
  });
}
for (const each of [server, ...clients]) each.disconnect();
for (const each of failures.slice(0, 20)) console.log(`FAILED ${each}`);
if (failures.length > 0)
  console.log(`${failures.length} failures; one session again: npm run soak -- --seed ${seed} --only NUMBER`);
process.exitCode = failures.length > 0 ? 1 : 0;
