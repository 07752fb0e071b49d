/** The clients of a soak, in a process of their own: so many sessions at a time, until all have been. */
import { openSSH } from "../support/openssh.js";
import { reactor } from "@strombus/reactor";
import { globalLogBeginner } from "@strombus/reactor/logger";
import { takeCensus } from "./census.js";
import { runOpenSSH, runSSH2 } from "./other-sessions.js";
import { runOurs } from "./our-session.js";
import { type Kind, PATIENCE, type Plan, planOf } from "./plan.js";
import { echoPort, type Target } from "./work.js";

/** Numbers of sessions, from and below; or nothing for a census. */
export interface Order {
  readonly port: number;
  readonly seed: number;
  readonly numbers: readonly [from: number, below: number, step: number] | null;
  readonly atATime: number;
}

const SHOWN = 10; // failures
const OPENSSH_AT_A_TIME = 8;
const RUN: Readonly<Record<Kind, (plan: Plan, target: Target) => Promise<void>>> = {
  ours: runOurs,
  ssh2: runSSH2,
  openssh: runOpenSSH,
};

globalLogBeginner.beginLoggingTo([], { redirectStandardIO: false });
const client = openSSH();
await echoPort();
const failures: string[] = [];
let running = 0;
let openSSHs = 0;

process.on("uncaughtException", (error) => failures.push(`uncaught: ${error.stack}`));
process.on("unhandledRejection", (error) => failures.push(`unhandled: ${String((error as Error).stack)}`));
process.on("message", (order: Order) => void obey(order));
process.once("disconnect", () => process.exit());
process.send!("ready");

async function obey({ port, seed, numbers, atATime }: Order): Promise<void> {
  if (numbers === null) {
    const census = await takeCensus(
      () => running + reactor.openTransports.size,
      () => ({}),
    );
    process.send!({ census, failures: failures.splice(0) });
    return;
  }
  const [from, below, step] = numbers;
  let next = from;
  const lane = async (): Promise<void> => {
    while (next < below) {
      const number = next;
      next += step;
      await session(planOf(seed, number), { port, openSSH: client });
    }
  };
  await Promise.all(Array.from({ length: atATime }, lane));
  process.send!({ failures: failures.splice(0) });
}

async function session(plan: Plan, target: Target): Promise<void> {
  if (plan.kind === "openssh") while (openSSHs >= OPENSSH_AT_A_TIME) await new Promise((go) => setTimeout(go, 50));
  running++;
  if (plan.kind === "openssh") openSSHs++;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not over after ${PATIENCE} s`)), PATIENCE * 1000);
  });
  try {
    await Promise.race([RUN[plan.kind](plan, target), late]);
  } catch (error) {
    const failure = `session ${plan.number}: ${String((error as Error).stack ?? error)}\n${JSON.stringify(plan)}`;
    failures.push(failure);
    if (failures.length <= SHOWN) console.log(failure); // now: the rest may take long
  } finally {
    clearTimeout(timer);
    running--;
    if (plan.kind === "openssh") openSSHs--;
  }
}
