/**
 * Rule R1 of the reactor's own callbacks: a throw, a rejection and a hang in each that protocols, factories and producers
 * of streams have, a list that comes from their types. In memory, on the code that runs over Node's sockets, too.
 */
import { directlyProvides } from "@strombus/reactor/components";
import { IHalfCloseableProtocol, type ITCPTransport } from "@strombus/reactor/interfaces";
import { globalLogBeginner } from "@strombus/reactor/logger";
import { ClientFactory, Factory, Protocol } from "@strombus/reactor/protocol";
import { SimulatedReactor } from "@strombus/reactor/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { callables } from "./public-types.js";

const FAULT = "a fault of the application";
const FAULTS: Readonly<Record<string, () => unknown>> = {
  throws: () => {
    throw new Error(FAULT);
  },
  rejects: () => Promise.reject(new Error(FAULT)),
  hangs: () => new Promise(() => undefined),
};

/** Which object of the talk below has the callbacks of a type. */
const VICTIMS = {
  IProtocol: "protocol",
  IHalfCloseableProtocol: "protocol",
  IProtocolFactory: "factory",
  Factory: "factory",
  IClientFactory: "clients",
  IPushProducer: "producer",
  IProducer: "producer",
} as const;

const callbacks = [...callables("reactor")].flatMap(([name, when]) => {
  const [owner = "", member = ""] = name.split(".");
  return Object.hasOwn(VICTIMS, owner) && member !== "logPrefix"
    ? [{ name, member, when, victim: VICTIMS[owner as keyof typeof VICTIMS] }]
    : [];
});

class End extends Protocol {
  declare transport: ITCPTransport;
  lost = false;
  heard = "";
  constructor() {
    super();
    directlyProvides(this, IHalfCloseableProtocol);
  }
  override dataReceived(data: Buffer): void {
    this.heard += data.toString();
  }
  readConnectionLost(): void {
    this.transport.loseConnection();
  }
  writeConnectionLost(): void {}
  override connectionLost(): void {
    this.lost = true;
  }
}

const loose: unknown[] = [];
const note = (error: unknown): void => void loose.push(error);
beforeAll(() => {
  globalLogBeginner.beginLoggingTo([() => undefined], { redirectStandardIO: false });
  process.on("unhandledRejection", note);
  process.on("uncaughtException", note);
});
afterAll(() => {
  process.off("unhandledRejection", note);
  process.off("uncaughtException", note);
});

test("the list has what the types have", () => expect(callbacks.length).toBeGreaterThan(15));

test.each(callbacks)("R1: a fault in $name ends at most its connection", async ({ name, member, when, victim }) => {
  for (const [kind, fault] of Object.entries(FAULTS)) {
    if (kind !== "throws" && when === "now") continue;
    expect({ name, kind, ...(await talk(victim, member, fault)) }).toEqual({
      name,
      kind,
      reached: true,
      bystander: "still here",
      loose: [],
      transports: 0,
    });
  }
});

async function talk(victim: string, member: string, fault: () => unknown) {
  const reactor = new SimulatedReactor();
  const settle = async () => {
    for (let turn = 0; turn < 6; turn++) {
      await reactor.settle();
      reactor.advance(0.1);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const here = { interface: "127.0.0.1" };
  const [bystander, other] = [new End(), new End()];
  const quiet = <F extends Factory>(factory: F): F => {
    factory.noisy = false;
    return factory;
  };
  const otherPort = reactor.listenTCP(0, quiet(Factory.forProtocol(() => bystander)), here);
  reactor.connectTCP("127.0.0.1", otherPort.getHost().port, quiet(ClientFactory.forProtocol(() => other)));
  await settle();

  const protocol = new End();
  const ends: End[] = [];
  const makeEnd = () => {
    ends.push(new End());
    return ends.at(-1)!;
  };
  const objects: Record<string, object> = {
    protocol,
    factory: quiet(Factory.forProtocol(() => protocol)),
    clients: quiet(ClientFactory.forProtocol(makeEnd)),
    producer: { pauseProducing() {}, resumeProducing() {}, stopProducing() {} },
  };
  let reached = false;
  const holder = objects[victim] as Record<string, (...args: unknown[]) => unknown>;
  const original = holder[member]!;
  holder[member] = function (this: unknown, ...args: unknown[]) {
    reached = true;
    original.apply(this, args);
    return fault();
  };
  const tried = (call: () => unknown) => {
    try {
      const result = call();
      if (result instanceof Promise) result.catch(() => undefined);
      else (result as { addErrback?: (f: () => void) => void } | undefined)?.addErrback?.(() => undefined);
    } catch (error) {
      if (!String(error).includes(FAULT)) throw error;
    }
  };
  const { factory, clients } = objects as unknown as { factory: Factory; clients: ClientFactory };
  let port = null as ReturnType<typeof reactor.listenTCP> | null;
  tried(() => void (port = reactor.listenTCP(0, factory, here)));
  const number = port?.getHost().port ?? 1;
  tried(() => reactor.connectTCP("127.0.0.1", number, clients));
  await settle();
  if (protocol.connected) {
    tried(() => protocol.transport.registerProducer(objects["producer"] as never, true));
    tried(() => protocol.transport.write(Buffer.alloc(1_000_000)));
    await settle();
    for (const end of ends) if (end.connected) tried(() => end.transport.write("x"));
    await settle();
    if (victim !== "producer") tried(() => protocol.transport.unregisterProducer());
    tried(() => protocol.transport.loseWriteConnection());
    await settle();
    for (const end of ends) if (end.connected) tried(() => end.transport.loseWriteConnection());
    await settle();
  }
  for (const end of [...ends, protocol]) if (end.connected) tried(() => end.transport.abortConnection());
  await settle();
  tried(() => port?.stopListening());
  await settle();
  tried(() => reactor.connectTCP("127.0.0.1", number, clients)); // which fails
  await settle();
  return {
    reached,
    bystander: await alive(),
    loose: loose.splice(0).map(String),
    transports: reactor.openTransports.size,
  };

  async function alive(): Promise<string> {
    other.transport.write("still here");
    await settle();
    other.transport.loseConnection();
    await otherPort.stopListening();
    await settle();
    return bystander.heard;
  }
}
