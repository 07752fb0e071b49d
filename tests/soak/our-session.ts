/** A session of our own client, as its plan says. */
import { connect } from "node:net";
import { SSHConnection } from "@strombus/conch/ssh/connection";
import { forwardRemote, packOpen_direct_tcpip } from "@strombus/conch/ssh/forwarding";
import { SSHClientTransport } from "@strombus/conch/ssh/transport";
import { SSHUserAuthClient } from "@strombus/conch/ssh/userauth";
import { ClientSession, StreamChannel } from "@strombus/conch/streams";
import { reactor } from "@strombus/reactor";
import type { Failure } from "@strombus/reactor/failure";
import type { IConnector, IProtocol, ITCPTransport } from "@strombus/reactor/interfaces";
import { ClientFactory } from "@strombus/reactor/protocol";
import { PATIENCE, type Plan, type Work } from "./plan.js";
import { check, echoPort, textOf, type Target } from "./work.js";

/** Settles when the connection is over, and all that was awaited on it too. @throws what was not as it should be */
export async function runOurs(plan: Plan, { port }: Target): Promise<void> {
  let begin: (conn: SSHConnection) => void = () => {};
  const loggedIn = new Promise<SSHConnection>((resolve) => (begin = resolve));
  const transport = new Transport(plan, begin);
  const over = new Promise<void>((resolve, reject) => {
    reactor.connectTCP("127.0.0.1", port, new SoakFactory(transport, resolve, reject));
  });
  const conn = await Promise.race([loggedIn, over]);
  if (conn === undefined) {
    check(transport.hasCut || plan.passwords.at(-1) !== "the right password", "it could not log in");
    return;
  }
  try {
    for (const work of plan.works) await run(work, conn, plan);
    if (plan.end === "the server cuts" || plan.end === "the server leaves") {
      const session = await ClientSession.open(conn);
      await session.exec(plan.end === "the server cuts" ? "cut" : "leave").catch(() => {});
    } else if (plan.end === "cut") transport.cut();
    else transport.loseConnection();
  } catch (error) {
    if (!transport.hasCut) {
      transport.loseConnection();
      throw error;
    }
  }
  await over;
}

async function run(work: Work, conn: SSHConnection, plan: Plan): Promise<void> {
  const data = textOf(plan);
  switch (work) {
    case "rekey":
      conn.transport!.sendKexInit();
      return run("ask", conn, plan); // which is answered once the exchange is over
    case "ask": {
      const answer = await conn.sendGlobalRequest("ask", data.subarray(0, 1000), true)!;
      check(answer.equals(data.subarray(0, 1000)), "an answer is another");
      return;
    }
    case "refused": {
      const opened = await conn.openChannel(new StreamChannel("nonsense")).then(
        () => true,
        () => false,
      );
      check(!opened, "a channel opened that nobody has");
      return;
    }
    case "dial": {
      const to = packOpen_direct_tcpip(["127.0.0.1", await echoPort()], ["127.0.0.1", 1]);
      const channel = await conn.openChannel(new StreamChannel("direct-tcpip"), to);
      channel.stream.end(data);
      check((await read(channel)).equals(data), "what was forwarded is another");
      return;
    }
    case "listen":
      return listen(conn, data);
    case "abandon": {
      const session = await ClientSession.open(conn);
      await session.shell();
      session.stream.on("error", () => {});
      session.stream.write("left alone");
      return;
    }
    default:
      return inSession(work, conn, data);
  }
}

async function inSession(work: Work, conn: SSHConnection, data: Buffer): Promise<void> {
  const session = await ClientSession.open(conn);
  try {
    session.env("LANG", "C");
    if (work === "terminal") await session.pty("xterm", { columns: 80, rows: 24 });
    if (work === "shell") await session.shell();
    else if (work === "source") await session.exec(`source ${data.length}`);
    else if (work === "terminal" || work === "upper") await session.exec("upper");
    else {
      // A function has begun before it fails; another program has not.
      const began = await session.exec(work).then(
        () => true,
        () => false,
      );
      if (!began) return check(work === "fault", `${work} was refused`);
    }
    if (work === "terminal") {
      session.stream.write("hello\n\x04");
      check((await read(session)).includes("HELLO"), "the terminal is silent");
      return;
    }
    if (work === "shell") {
      // The echo of a protocol does not end by itself.
      session.stream.write(data);
      await readBytes(session, data);
      return;
    }
    if (work === "sink" || work === "upper") session.stream.end(data);
    const output = await read(session);
    const right: Partial<Record<Work, () => boolean>> = {
      source: () => output.length === data.length,
      sink: () => output.toString() === `${data.length}\n`,
      upper: () => output.toString() === data.toString().toUpperCase(),
    };
    check(right[work]?.() ?? true, `${work} came out wrong: ${output.length} bytes of ${data.length}`);
  } finally {
    await session[Symbol.asyncDispose]();
  }
}

/** Somebody connects to the port on the server's side, and finds an echo of ours there. */
async function listen(conn: SSHConnection, data: Buffer): Promise<void> {
  const forwarding = await forwardRemote(conn, ["localhost", 0], (options) => {
    const channel = new StreamChannel("forwarded-tcpip", options);
    channel.stream.on("error", () => {});
    channel.stream.pipe(channel.stream);
    return channel;
  });
  const socket = connect(forwarding.port, "127.0.0.1");
  try {
    socket.end(data);
    let heard = 0;
    for await (const chunk of socket as AsyncIterable<Buffer>) heard += chunk.length;
    check(heard === data.length || conn.transport === null, "what came back is another");
  } finally {
    socket.destroy();
    await forwarding.close();
  }
}

async function read(channel: StreamChannel): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of channel) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Reads until so much has come, or the channel is closed. */
async function readBytes(channel: StreamChannel, expected: Buffer): Promise<void> {
  const chunks: Buffer[] = [];
  let left = expected.length;
  await new Promise<void>((resolve) => {
    channel.stream.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      left -= chunk.length;
      if (left <= 0) resolve();
    });
    channel.stream.once("close", resolve);
  });
  check(Buffer.concat(chunks).equals(expected), "the echo is another");
}

class Transport extends SSHClientTransport {
  override identificationTimeout = PATIENCE;
  override exchangeTimeout = PATIENCE;
  override serviceTimeout = PATIENCE;
  override rekeyTimeout = PATIENCE;
  hasCut = false;
  #received = 0;

  constructor(
    readonly plan: Plan,
    readonly begin: (conn: SSHConnection) => void,
  ) {
    super();
  }

  /** Gone, without a word. */
  cut(): void {
    this.hasCut = true;
    (this.transport as ITCPTransport).abortConnection();
  }

  override verifyHostKey(): void {} // a server of the soak's own

  override connectionSecure(): void {
    if (this.plan.passwords.length === 0) this.loseConnection();
    else this.requestService(new Login(this.plan, new Connection(this.begin)));
  }

  override dataReceived(data: Buffer): void {
    this.#received += data.length;
    if (this.plan.cut !== null && this.#received > this.plan.cut) this.cut();
    else super.dataReceived(data);
  }
}

class Connection extends SSHConnection {
  constructor(readonly begin: (conn: SSHConnection) => void) {
    super();
  }
  override serviceStarted(): void {
    super.serviceStarted();
    this.begin(this);
  }
}

class Login extends SSHUserAuthClient {
  readonly #passwords: string[];
  constructor({ user, passwords }: Plan, connection: SSHConnection) {
    super(user, connection);
    this.preferredOrder = ["password"];
    this.#passwords = [...passwords];
  }
  override getPassword(): Promise<string> | null {
    const password = this.#passwords.shift();
    return password === undefined ? null : Promise.resolve(password);
  }
}

class SoakFactory extends ClientFactory {
  override noisy = false;
  constructor(
    readonly client: Transport,
    readonly ended: () => void,
    readonly failed: (error: Error) => void,
  ) {
    super();
  }
  override buildProtocol(): IProtocol {
    return this.client;
  }
  override clientConnectionFailed(_: IConnector, reason: Failure): void {
    this.failed(reason.value as Error);
  }
  override clientConnectionLost(): void {
    this.ended();
  }
}
