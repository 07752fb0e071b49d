/** A telnet connection as the transport of its protocol. */
import { AssertionError } from "@strombus/reactor/exceptions";
import { Factory, Protocol } from "@strombus/reactor/protocol";
import { captureLoggedErrors, flushLoggedErrors, StringTransport } from "@strombus/reactor/testing";
import { describe, expect, test } from "vitest";
import { BINARY, IAC } from "./constants.js";
import { bytes, do_, Recorder, Telnetting } from "./recording.test.support.js";
import { ProtocolTransportMixin, TelnetTransport } from "./transport.js";

describe("writing", () => {
  test("has FF doubled and a CR before each LF, once", () => {
    const each = new Telnetting();
    each.telnet.write("a\nb\r\nc");
    each.telnet.write(Buffer.of(IAC, 10));
    each.telnet.writeSequence(["d\n", Buffer.of(IAC)]);
    expect(each.wire.value()).toEqual(bytes("a\r\nb\r\nc", IAC, IAC, "\r\nd\r\n", IAC, IAC));
  });

  test("has a CR once where CR and LF are written apart", () => {
    const each = new Telnetting();
    for (const piece of ["a\r", "\nb\n", "", "\n\r", "\n"]) each.telnet.write(piece);
    expect(each.wire.value().toString()).toBe("a\r\nb\r\n\r\n\r\n");
  });

  test("goes through several layers as through one", () => {
    class Layer extends ProtocolTransportMixin(Protocol) {}
    const [wire, layer, upper] = [new StringTransport(), new Layer(), new Layer()];
    void layer.makeConnection(wire);
    void upper.makeConnection(layer);
    upper.write("a\n");
    upper.writeSequence(["b\r", "\n"]);
    expect(wire.value().toString()).toBe("a\r\nb\r\n");
    expect([upper.getHost(), upper.getPeer()]).toEqual([wire.hostAddr, wire.peerAddr]);
    upper.loseConnection();
    expect(wire.disconnecting).toBe(true);
  });

  test("in binary leaves LF as it is", () => {
    const each = new Telnetting();
    each.protocol.local.add(BINARY);
    each.receive(...do_(BINARY));
    each.sent();
    each.telnet.write(Buffer.of(IAC, 10));
    expect(each.sent()).toEqual([IAC, IAC, 10]);
  });
});

describe("the protocol", () => {
  test("is made when the connection is, with the arguments and the factory", () => {
    class Named extends Recorder {
      constructor(readonly name: string) {
        super();
      }
    }
    const telnet = new TelnetTransport(Named, "ada");
    telnet.factory = new Factory();
    const wire = new StringTransport();
    void telnet.makeConnection(wire);
    const protocol = telnet.protocol as Named;
    expect([protocol.name, protocol.factory, protocol.transport]).toEqual(["ada", telnet.factory, telnet]);
    telnet.loseConnection();
    expect([telnet.disconnecting, wire.disconnecting]).toEqual([true, true]);
  });

  test("has to be an ITelnetProtocol", () => {
    const telnet = new TelnetTransport(Protocol as never);
    expect(() => telnet.makeConnection(new StringTransport())).toThrow(AssertionError);
  });

  test("is there for the connection's time, and may be missing", () => {
    const each = new Telnetting();
    void each.telnet.connectionLost();
    expect(each.protocol.heard).toMatchObject([["lost", {}]]);
    expect(each.telnet.protocol).toBe(null);
    each.receive("data", ...do_(1));
    expect(each.protocol.heard).toHaveLength(1);
    const without = new TelnetTransport();
    void without.makeConnection(new StringTransport());
    expect(without.dataReceived(bytes("data"))).toBe(undefined);
  });
});

describe("what is to be done at the end", () => {
  test("is done once, behind the protocol, whatever fails", () => {
    captureLoggedErrors();
    const each = new Telnetting();
    const done: unknown[] = [];
    each.protocol.connectionLost = () => {
      done.push("protocol");
      throw new RangeError("lost");
    };
    each.telnet.atEnd(() => {
      done.push("first");
      throw new TypeError("first");
    });
    each.telnet.atEnd(() => void done.push("second"));
    expect(() => each.telnet.connectionLost()).toThrow("lost");
    expect(done).toEqual(["protocol", "first", "second"]);
    each.telnet.atEnd(() => void done.push("late"));
    expect(done.at(-1)).toBe("late");
    expect(flushLoggedErrors(TypeError)).toHaveLength(1);
  });
});

test("who takes nothing of what is written is not read from until it does", () => {
  const each = new Telnetting();
  expect([each.wire.streaming, each.wire.producerState]).toEqual([true, "producing"]);
  const producer = each.wire.producer as { pauseProducing(): void; resumeProducing(): void };
  producer.pauseProducing();
  expect(each.wire.producerState).toBe("paused");
  producer.resumeProducing();
  expect(each.wire.producerState).toBe("producing");
  each.telnet.loseConnection();
  expect(each.wire.producer).toBe(null);
  each.telnet.loseConnection();
});
