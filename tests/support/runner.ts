/** `strombus run` as a program, and what its clients see. */
import { createSocket } from "node:dgram";
import { type IncomingMessage, request } from "node:http";
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { root } from "./example.js";
import { Program, type Surroundings } from "./program.js";
import { Transcript } from "./transcript.js";

export const echoModule = join(root, "tests/dist/support/runner-echo.js");
export const datagramsModule = join(root, "tests/dist/support/runner-datagrams.js");
const ASK_AGAIN = 500; // milliseconds; a datagram may be lost

export function strombus(args: readonly string[], surroundings: Surroundings = {}): Program {
  return new Program([process.execPath, join(root, "packages/reactor/bin/strombus.js"), ...args], surroundings);
}

export interface Greeting {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** Who the application thinks it talks to. */
  readonly peer: string;
  readonly told: string | null;
}

/** A connection to the echo application. */
export class EchoClient {
  readonly #socket: Socket;
  readonly #transcript: Transcript;
  readonly ended: Promise<unknown>;

  constructor(port: number) {
    this.#socket = connect(port, "127.0.0.1");
    this.#socket.on("error", () => {}); // the transcript ends, and that tells
    this.#transcript = new Transcript(`connection to port ${port}`, this.#socket);
    this.ended = new Promise((resolve) => this.#socket.once("close", resolve));
  }

  /** What the application says first. */
  async greeting(): Promise<Greeting> {
    const [line] = await this.#transcript.until(/^\{.*\}\n/);
    return JSON.parse(line) as Greeting;
  }

  /** The port of our own end. */
  get localPort(): number | undefined {
    return this.#socket.localPort;
  }

  async echo(text: string): Promise<void> {
    this.send(`${text}\n`);
    await this.#transcript.until(`${text}\n`);
  }

  /** Waits for this, behind what was waited for before. */
  async hear(expected: RegExp): Promise<string> {
    return (await this.#transcript.until(expected))[0];
  }

  send(text: string): void {
    this.#socket.write(text);
  }

  close(): void {
    this.#socket.end();
  }
}

/** Connects, is greeted and leaves. */
export async function visit(port: number): Promise<Greeting> {
  const client = new EchoClient(port);
  const greeting = await client.greeting();
  client.close();
  return greeting;
}

/** The status of an HTTP answer. */
export async function statusOf(port: number, path: string, method = "GET"): Promise<number> {
  // Not by fetch, which refuses some ports that are as free as others.
  const asking = request({ host: "127.0.0.1", port, path, method, agent: false }).end();
  const [response] = (await once(asking, "response")) as [IncomingMessage];
  await once(response.resume(), "close");
  return response.statusCode!;
}

/** What the application of datagrams answers: the id of its process. */
export async function whoAnswers(port: number): Promise<string> {
  const socket = createSocket("udp4");
  const ask = (): void => socket.send("?", port, "127.0.0.1");
  const again = setInterval(ask, ASK_AGAIN);
  socket.on("error", () => {}); // nobody there yet: ask again
  ask();
  const [data] = (await once(socket, "message")) as [Buffer];
  clearInterval(again);
  socket.close();
  return data.toString();
}
