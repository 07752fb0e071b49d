import { describe, expect, test } from "vitest";
import { IPv4Address } from "../address.js";
import { ConnectionDone } from "../error.js";
import { Failure } from "../failure.js";
import { ILoggingContext, IProtocol, IProtocolFactory } from "../interfaces.js";
import { ClientFactory, connectionDone, Factory, ProcessProtocol, Protocol, ServerFactory } from "./core.js";
import { StringTransport } from "../testing/string-transport.js";

const somewhere = new IPv4Address("TCP", "192.0.2.1", 1);

test("makeConnection sets the transport and connected, then calls connectionMade", () => {
  class Greeter extends Protocol {
    override connectionMade(): void {
      this.transport?.write(`connected ${this.connected}`);
    }
  }
  const protocol = new Greeter();
  expect([protocol.connected, protocol.transport, protocol.factory]).toEqual([false, null, null]);
  const transport = new StringTransport();
  void protocol.makeConnection(transport);
  expect(transport.value().toString()).toBe("connected true");
  expect(protocol.logPrefix()).toBe("Greeter");
  for (const token of [IProtocol, ILoggingContext]) expect(token.providedBy(protocol)).toBe(true);
});

test("connectionDone is a failure of ConnectionDone", () => {
  expect(connectionDone).toBeInstanceOf(Failure);
  expect(connectionDone.value).toBeInstanceOf(ConnectionDone);
});

describe("a factory", () => {
  test("builds what forProtocol was given, a class or any function, and sets its factory", () => {
    class Mine extends Factory {
      constructor(readonly greeting: string) {
        super();
      }
    }
    const made = new Protocol();
    const sources = [
      Protocol,
      () => made,
      function () {
        return made;
      },
    ];
    for (const source of sources) {
      const factory = Mine.forProtocol(source, "hello");
      expect(factory).toBeInstanceOf(Mine);
      expect(factory.greeting).toBe("hello");
      expect(factory.protocol).toBe(source);
      const protocol = factory.buildProtocol(somewhere) as Protocol;
      expect(protocol).toBeInstanceOf(Protocol);
      expect(protocol.factory).toBe(factory);
      expect(IProtocolFactory.providedBy(factory)).toBe(true);
    }
    expect(Factory.forProtocol(() => null).buildProtocol(somewhere)).toBeNull();
    expect(() => new Factory().buildProtocol(somewhere)).toThrow(TypeError);
  });

  test("starts with the first user and stops with the last; a stop too many does nothing", () => {
    const events: string[] = [];
    class Counting extends ServerFactory {
      override noisy = false;
      override startFactory(): void {
        events.push("start");
      }
      override stopFactory(): void {
        events.push("stop");
      }
    }
    const factory = new Counting();
    factory.doStop();
    factory.doStart();
    factory.doStart();
    expect([factory.numPorts, events]).toEqual([2, ["start"]]);
    factory.doStop();
    factory.doStop();
    factory.doStop();
    expect([factory.numPorts, events]).toEqual([0, ["start", "stop"]]);
  });

  test("of clients has hooks that do nothing", () => {
    const factory = new ClientFactory();
    expect([factory.noisy, factory.logPrefix()]).toEqual([true, "ClientFactory"]);
    factory.startedConnecting(null as never);
    factory.clientConnectionFailed(null as never, connectionDone);
    factory.clientConnectionLost(null as never, connectionDone);
  });
});

test("a process protocol hears of its descriptors by name: 0 is in, 1 is out, 2 is err, others nothing", () => {
  const heard: string[] = [];
  class Listener extends ProcessProtocol {
    override outReceived(data: Buffer): void {
      heard.push(`out ${data.toString()}`);
    }
    override errReceived(data: Buffer): void {
      heard.push(`err ${data.toString()}`);
    }
    override inConnectionLost(): void {
      heard.push("in lost");
    }
    override outConnectionLost(): void {
      heard.push("out lost");
    }
    override errConnectionLost(): void {
      heard.push("err lost");
    }
  }
  const listener = new Listener();
  for (const fd of [0, 1, 2, 3]) void listener.childDataReceived(fd, Buffer.from(`${fd}`));
  for (const fd of [0, 1, 2, 3]) void listener.childConnectionLost(fd);
  expect(heard).toEqual(["out 1", "err 2", "in lost", "out lost", "err lost"]);
});
