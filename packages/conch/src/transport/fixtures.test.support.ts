/** A client and a server in memory, for tests of the transport. */
import { createDiffieHellmanGroup } from "node:crypto";
import { Factory } from "@strombus/reactor/protocol";
import { Clock, FakeTransport } from "@strombus/reactor/testing";
import { connect, type IOPump } from "@strombus/reactor/testing/iosim";
import { Key } from "../ssh/keys.js";
import type { Exchange, TransportService } from "./base.js";
import { SSHClientTransport } from "./client.js";
import { SSHServerTransport, type HostKeySigner, type HostPublicKey, type ServerTransportFactory } from "./server.js";

export const hostKey = Key.generate("ed25519");

export class Recorder implements TransportService {
  transport: TransportService["transport"] = null;
  readonly got: [number: number, text: string][] = [];
  readonly events: string[] = [];

  constructor(readonly name: string) {}

  serviceStarted(): void {
    this.events.push("started");
  }
  serviceStopped(): void {
    this.events.push("stopped");
  }
  packetReceived(messageNum: number, packet: Buffer): void {
    this.got.push([messageNum, packet.toString()]);
  }
  stopWriting(): void {
    this.events.push("stopWriting");
  }
  startWriting(): void {
    this.events.push("startWriting");
  }
}

export class ServerFactory extends Factory implements ServerTransportFactory {
  publicKeys: Record<string, HostPublicKey> = { "ssh-ed25519": hostKey.public() };
  privateKeys: Record<string, HostKeySigner> = { "ssh-ed25519": hostKey };
  readonly userauth = new Recorder("ssh-userauth");

  getDHPrime(): readonly [generator: bigint, prime: bigint] {
    return [2n, BigInt(`0x${createDiffieHellmanGroup("modp14").getPrime("hex")}`)];
  }

  getService(_transport: SSHServerTransport, name: string): (new () => TransportService) | null {
    const { userauth } = this;
    if (name !== "ssh-userauth") return null;
    return function () {
      return userauth;
    } as unknown as new () => TransportService;
  }
}

export class Server extends SSHServerTransport {
  override supportedPublicKeys = ["ssh-ed25519"];
  readonly ended: [code: number, text: string][] = [];

  override receiveError(code: number, text: string): void {
    this.ended.push([code, text]);
  }
  readonly said: number[] = [];
  offers = 0;

  override sendKexInit(): void {
    super.sendKexInit();
    this.offers++;
  }

  override sendDisconnect(reason: number, desc: string): void {
    this.said.push(reason);
    super.sendDisconnect(reason, desc);
  }
}

export class Client extends SSHClientTransport {
  readonly ended: [code: number, text: string][] = [];
  readonly said: [code: number, text: string][] = [];
  readonly unimplemented: number[] = [];
  secure = 0;
  verified: [string, string][] = [];
  verify: () => unknown = () => true;

  override verifyHostKey(blob: Buffer, fingerprint: string): unknown {
    this.verified.push([blob.toString("hex"), fingerprint]);
    return this.verify();
  }
  override connectionSecure(): void {
    this.secure++;
  }
  override receiveError(code: number, text: string): void {
    this.ended.push([code, text]);
  }
  override sendDisconnect(reason: number, desc: string): void {
    this.said.push([reason, desc]);
    super.sendDisconnect(reason, desc);
  }
  override receiveUnimplemented(sequence: number): void {
    this.unimplemented.push(sequence);
  }
  atExchange: () => void = () => undefined;

  /** When the client has begun, and before anything comes back. */
  afterRequest: (exchange: Exchange) => void = () => undefined;

  protected override exchangeBegun(exchange: Exchange): void {
    this.atExchange();
    super.exchangeBegun(exchange);
    this.afterRequest(exchange);
  }
  /** Replaces what goes out, message by message. */
  rewrite(change: (number: number, body: Uint8Array) => [number: number, body: Uint8Array][]): void {
    const send = this.outgoing.send.bind(this.outgoing);
    this.outgoing.send = (number, body) => {
      for (const message of change(number, body)) send(...message);
    };
  }
  /** Sends whatever a test wants, past all that would queue or refuse it. */
  force(number: number, body: Uint8Array = Buffer.alloc(0)): void {
    this.outgoing.send(number, body);
  }
}

export interface Pair {
  readonly client: Client;
  readonly server: Server;
  readonly factory: ServerFactory;
  readonly pump: IOPump;
  readonly clock: Clock;
  readonly serverIO: FakeTransport;
  readonly clientIO: FakeTransport;
}

export function pair(setUp: (client: Client, server: Server, factory: ServerFactory) => void = () => undefined): Pair {
  const clock = new Clock();
  const [client, server, factory] = [new Client(), new Server(), new ServerFactory()];
  client.clock = server.clock = clock;
  server.factory = factory;
  setUp(client, server, factory);
  const serverIO = new FakeTransport(server, true);
  const clientIO = new FakeTransport(client, false);
  const pump = connect(server, serverIO, client, clientIO, { clock });
  return { client, server, factory, pump, clock, serverIO, clientIO };
}

/** Lets promises that are due settle, then moves what they wrote. */
export async function settle({ pump }: Pair): Promise<void> {
  for (let turn = 0; turn < 10; turn++) {
    await Promise.resolve();
    pump.flush();
  }
}

export async function securePair(setUp?: Parameters<typeof pair>[0]): Promise<Pair> {
  const made = pair(setUp);
  await settle(made);
  return made;
}

export async function loggedInPair(
  setUp?: Parameters<typeof pair>[0],
): Promise<Pair & { readonly there: Recorder; readonly here: Recorder }> {
  const made = await securePair(setUp);
  const [here, there] = [new Recorder("ssh-connection"), new Recorder("ssh-connection")];
  made.client.setService(here);
  made.server.setService(there);
  return { ...made, here, there };
}
