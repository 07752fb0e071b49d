/** Sessions of other people's clients, ssh2's and OpenSSH's: fewer kinds of work, and the same ends. */
import { once } from "node:events";
import { Client, type ClientChannel } from "ssh2";
import { ssh } from "../support/openssh.js";
import { PATIENCE, type Plan, type Work } from "./plan.js";
import { check, echoPort, textOf, type Target } from "./work.js";

/** Milliseconds of the client's life that a byte of the plan stands for, where bytes cannot be counted. */
const LIFE = 0.02;
const STAY = 100; // milliseconds; what is cut earlier is cut while ssh starts

export async function runSSH2(plan: Plan, { port }: Target): Promise<void> {
  const client = new Client();
  const did = { cut: false };
  const cut = () => {
    did.cut = true;
    client.destroy();
  };
  client.on("error", () => {});
  const closed = new Promise<false>((resolve) => client.once("close", () => resolve(false)));
  const [password = ""] = plan.passwords;
  client.connect({ host: "127.0.0.1", port, username: plan.user, password, readyTimeout: PATIENCE * 1000 });
  const timer = plan.cut === null ? undefined : setTimeout(cut, plan.cut * LIFE);
  try {
    const ready = await Promise.race([once(client, "ready").catch(() => false), closed]);
    if (ready === false) {
      check(did.cut || plan.user === "nobody" || plan.passwords[0] !== "the right password", "ssh2 could not log in");
      return;
    }
    for (const work of plan.works) await Promise.race([work2(work, client, plan), closed]);
  } catch (error) {
    if (!did.cut) throw error;
  } finally {
    clearTimeout(timer);
    if (plan.end === "close") client.end();
    else client.destroy();
    await closed;
  }
}

async function work2(work: Work, client: Client, plan: Plan): Promise<void> {
  const data = textOf(plan);
  if (work === "dial") {
    const port = await echoPort();
    const channel = await new Promise<ClientChannel>((resolve, reject) =>
      client.forwardOut("127.0.0.1", 1, "127.0.0.1", port, (error, opened) =>
        error ? reject(error) : resolve(opened),
      ),
    );
    channel.end(data);
    check((await output(channel)).equals(data), "what ssh2 had forwarded is another");
    return;
  }
  const command = work === "source" ? `source ${data.length}` : work === "terminal" ? "upper" : "sink";
  const channel = await new Promise<ClientChannel>((resolve, reject) =>
    client.exec(command, { pty: work === "terminal" }, (error, opened) => (error ? reject(error) : resolve(opened))),
  );
  channel.end(work === "terminal" ? "hello\n\x04" : data);
  const came = await output(channel);
  if (command === "sink") check(came.toString() === `${data.length}\n`, "ssh2's sink came out wrong");
}

async function output(channel: ClientChannel): Promise<Buffer> {
  const chunks: Buffer[] = [];
  channel.stderr.resume();
  channel.on("data", (data: Buffer) => chunks.push(data));
  await once(channel, "close");
  return Buffer.concat(chunks);
}

export async function runOpenSSH(plan: Plan, { port, openSSH }: Target): Promise<void> {
  const right = plan.passwords.at(-1);
  const program = ssh(openSSH, {
    port,
    user: plan.user,
    password: right ?? "wrong",
    options: ["-o", "NumberOfPasswordPrompts=1", "-o", "LogLevel=ERROR"],
    command: "sink",
  });
  const timer = plan.cut === null ? undefined : setTimeout(() => void program.kill("SIGKILL"), STAY + plan.cut * LIFE);
  const data = textOf(plan);
  program.type(data);
  program.endInput();
  const { status, signal } = await program.ending;
  clearTimeout(timer);
  if (signal === "SIGKILL" || right !== "the right password" || plan.user === "nobody") return;
  // Who has sessions of processes has none here that could tell a status: 255, says OpenSSH.
  const success = plan.user === "streams" ? 0 : 255;
  check(status === success && program.stdout.text === `${data.length}\n`, `OpenSSH: ${status} ${program.stderr.text}`);
}
