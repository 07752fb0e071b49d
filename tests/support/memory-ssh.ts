/** A server and a client of ours, joined in memory, of which either can be made to say anything. */
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { SSHClientTransport, SSHServerTransport, type TransportService } from "@strombus/conch/ssh/transport";
import { IPv4Address } from "@strombus/reactor/address";
import { Clock, connect, FakeTransport, type IOPump } from "@strombus/reactor/testing";

export const hostKey = Key.generate("ed25519");

/** A service that does nothing but remember. */
export class Recorder implements TransportService {
  transport: TransportService["transport"] = null;
  readonly got: [number: number, body: Buffer][] = [];
  readonly events: string[] = [];

  constructor(readonly name = "ssh-connection") {}

  serviceStarted(): void {
    this.events.push("started");
  }
  serviceStopped(): void {
    this.events.push("stopped");
  }
  packetReceived(number: number, body: Buffer): void {
    this.got.push([number, Buffer.from(body)]);
  }
  stopWriting(): void {
    this.events.push("stopWriting");
  }
  startWriting(): void {
    this.events.push("startWriting");
  }
}

interface Direction {
  setKeys(keys: DirectionKeys, restartSequence: boolean): void;
}

/** What is given to one direction when its keys change. */
interface DirectionKeys {
  readonly key: Buffer;
  readonly iv: Buffer;
  readonly macKey: Buffer;
  readonly compression?: string;
}

export interface Directions {
  readonly incoming: Direction;
  readonly outgoing: Direction;
}

export type Message = readonly [number: number, body: Uint8Array];

export class Server extends SSHServerTransport {
  /** DISCONNECTs that it sent, and that it got. */
  readonly said: number[] = [];
  readonly ended: [code: number, text: string][] = [];
  readonly unimplemented: number[] = [];
  /** Knows no strict key exchange. */
  isLenient = false;
  readonly dispatched: number[] = [];

  override sendDisconnect(reason: number, desc: string): void {
    this.said.push(reason);
    super.sendDisconnect(reason, desc);
  }
  override receiveError(code: number, text: string): void {
    this.ended.push([code, text]);
  }
  override receiveUnimplemented(sequence: number): void {
    this.unimplemented.push(sequence);
  }
  override ssh_KEXINIT(packet: Buffer): ReturnType<SSHServerTransport["ssh_KEXINIT"]> {
    const lists = super.ssh_KEXINIT(packet);
    if (this.isLenient) this.handshake.strict = false;
    return lists;
  }
  override dispatchMessage(number: number, payload: Buffer): unknown {
    this.dispatched.push(number);
    return super.dispatchMessage(number, payload);
  }
  /** Sends this now, past all that would hold it back. */
  force(number: number, body: Uint8Array = Buffer.alloc(0)): void {
    this.outgoing.send(number, body);
  }
  /** Sends other messages in the place of each. */
  rewrite(change: (number: number, body: Uint8Array) => readonly Message[]): void {
    const send = this.outgoing.send.bind(this.outgoing);
    this.outgoing.send = (number, body) => {
      for (const message of change(number, body)) send(...message);
    };
  }
  /** Shows what it is given for each direction before it is in force. */
  get directions(): Directions {
    return { incoming: this.incoming, outgoing: this.outgoing };
  }
}

export class Client extends SSHClientTransport {
  readonly said: number[] = [];
  readonly ended: [code: number, text: string][] = [];
  readonly unimplemented: number[] = [];
  /** Knows no strict key exchange. */
  isLenient = false;
  readonly dispatched: number[] = [];
  secure = 0;

  override verifyHostKey(): unknown {
    return true;
  }
  override connectionSecure(): void {
    this.secure++;
  }
  override sendDisconnect(reason: number, desc: string): void {
    this.said.push(reason);
    super.sendDisconnect(reason, desc);
  }
  override receiveError(code: number, text: string): void {
    this.ended.push([code, text]);
  }
  override receiveUnimplemented(sequence: number): void {
    this.unimplemented.push(sequence);
  }
  override ssh_KEXINIT(packet: Buffer): ReturnType<SSHClientTransport["ssh_KEXINIT"]> {
    const lists = super.ssh_KEXINIT(packet);
    if (this.isLenient) this.handshake.strict = false;
    return lists;
  }
  override dispatchMessage(number: number, payload: Buffer): unknown {
    this.dispatched.push(number);
    return super.dispatchMessage(number, payload);
  }
  force(number: number, body: Uint8Array = Buffer.alloc(0)): void {
    this.outgoing.send(number, body);
  }
  rewrite(change: (number: number, body: Uint8Array) => readonly Message[]): void {
    const send = this.outgoing.send.bind(this.outgoing);
    this.outgoing.send = (number, body) => {
      for (const message of change(number, body)) send(...message);
    };
  }
  get directions(): Directions {
    return { incoming: this.incoming, outgoing: this.outgoing };
  }
}

export interface Pair {
  readonly client: Client;
  readonly server: Server;
  readonly factory: SSHFactory;
  readonly clientIO: FakeTransport;
  readonly serverIO: FakeTransport;
  readonly pump: IOPump;
  readonly clock: Clock;
  /** Promises that are due settle, and what they wrote moves. */
  settle(): Promise<void>;
}

type SetUp = (client: Client, server: Server, factory: SSHFactory) => void;

/** Connected, and quiet until `settle` is called. */
export function pair(setUp: SetUp = () => {}): Pair {
  const clock = new Clock();
  const factory = new SSHFactory();
  factory.defence = null;
  factory.protocol = Server;
  factory.privateKeys = { "ssh-ed25519": hostKey };
  factory.publicKeys = { "ssh-ed25519": hostKey.public() };
  factory.services = {
    "ssh-userauth": class extends Recorder {
      constructor() {
        super("ssh-userauth");
      }
    },
  };
  const server = factory.buildProtocol(new IPv4Address("TCP", "127.0.0.1", 1)) as Server;
  server.factory = factory;
  const client = new Client();
  client.clock = server.clock = clock;
  client.supportedKeyExchanges = server.supportedKeyExchanges = ["curve25519-sha256"]; // the quickest
  client.supportedPublicKeys = ["ssh-ed25519"];
  setUp(client, server, factory);
  const [serverIO, clientIO] = [new FakeTransport(server, true), new FakeTransport(client, false)];
  const pump = connect(server, serverIO, client, clientIO, { clock, greet: false });
  const settle = async () => {
    for (let turn = 0; turn < 8; turn++) {
      pump.flush();
      await Promise.resolve();
    }
    pump.flush();
  };
  return { client, server, factory, clientIO, serverIO, pump, clock, settle };
}

/** With keys. */
export async function secured(setUp?: SetUp): Promise<Pair> {
  const made = pair(setUp);
  await made.settle();
  return made;
}

/** With a user to be. */
export async function loggingIn(setUp?: SetUp): Promise<Pair> {
  const made = await secured(setUp);
  made.client.requestService(new Recorder("ssh-userauth"));
  await made.settle();
  return made;
}

/** With a service at each end that comes after login. */
export async function loggedIn(setUp?: SetUp): Promise<Pair & { readonly here: Recorder; readonly there: Recorder }> {
  const made = await secured(setUp);
  const [here, there] = [new Recorder(), new Recorder()];
  made.client.setService(here);
  made.server.setService(there);
  return { ...made, here, there };
}

/** Fields one behind the other: a number is a uint32, a text or bytes a string. */
export function fields(...values: readonly (number | string | boolean | Uint8Array)[]): Buffer {
  return Buffer.concat(
    values.map((value) => {
      if (typeof value === "boolean") return Buffer.of(value ? 1 : 0);
      if (typeof value === "number") return uint32(value);
      const bytes = Buffer.from(value as string); // or a copy
      return Buffer.concat([uint32(bytes.length), bytes]);
    }),
  );
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Changes the offer of one side as it goes out, and what that side hashes of it. */
export function offering(side: Client | Server, change: (body: Buffer) => Buffer): void {
  side.rewrite((number, body) => [[number, number === 20 ? change(Buffer.from(body)) : body]]);
  const send = side.sendKexInit.bind(side);
  side.sendKexInit = () => {
    send();
    side.ourKexInitPayload = Buffer.concat([Buffer.of(20), change(side.ourKexInitPayload!.subarray(1))]);
  };
}

/** This side is one that knows no strict key exchange, by its first offer. */
export function lenient(side: Client | Server): void {
  side.isLenient = true;
  const renamed = (body: Buffer) =>
    Buffer.from(body.toString("latin1").replace(/kex-strict-(.)-v00/, "kex-sloppy-$1-v00"), "latin1");
  offering(side, (body) => (side.sessionID === null ? renamed(body) : body));
}

/** Says this right before the first message of the method, in every exchange. */
export function intrudes(side: Client | Server, ...messages: readonly Message[]): void {
  side.rewrite((number, body) => (number === 30 || number === 31 ? [...messages, [number, body]] : [[number, body]]));
}
