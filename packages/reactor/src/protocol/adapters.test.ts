/** Stand-ins: a protocol for a consumer, a consumer for a protocol, a file for a transport. */
import { expect, test } from "vitest";
import { adapt } from "../components.js";
import { RuntimeError } from "../exceptions.js";
import { IConsumer, IProtocol } from "../interfaces.js";
import { ConsumerToProtocolAdapter, FileWrapper, Protocol, ProtocolToConsumerAdapter } from "../protocol.js";
import { AccumulatingProtocol, NonStreamingProducer, StringTransport } from "../testing/index.js";
import { logged } from "../stream/recording.test.helper.js";

class Consumer implements IConsumer {
  text = "";
  write(data: Buffer): void {
    this.text += data.toString();
  }
  registerProducer(): void {}
  unregisterProducer(): void {}
}

test("a protocol adapted to IConsumer receives what is written", () => {
  const protocol = new AccumulatingProtocol();
  const consumer = adapt(IConsumer, protocol);
  expect(consumer).toBeInstanceOf(ProtocolToConsumerAdapter);
  new NonStreamingProducer(consumer).resumeProducing();
  consumer.write(Buffer.from("!"));
  expect(protocol.data.toString()).toBe("0!");
});

test("a consumer adapted to IProtocol is written what it receives", () => {
  const consumer = new Consumer();
  const protocol = adapt(IProtocol, consumer);
  expect(protocol).toBeInstanceOf(ConsumerToProtocolAdapter);
  void protocol.makeConnection(new StringTransport());
  void protocol.dataReceived(Buffer.from("hello"));
  expect(consumer.text).toBe("hello");
});

class File {
  text = "";
  closed = 0;
  write(data: Buffer): void {
    if (data.includes("bad")) throw new Error("disk full");
    this.text += data.toString();
  }
  close(): void {
    this.closed += 1;
  }
}

test("a FileWrapper writes to its file until it is closed", () => {
  const file = new File();
  const transport = new FileWrapper(file);
  const protocol = new Protocol();
  void protocol.makeConnection(transport);
  transport.write("one ");
  transport.writeSequence(["two", " three"]);
  expect([String(transport.getPeer()), String(transport.getHost())]).toEqual(["file", "file"]);
  transport.loseConnection();
  transport.loseConnection();
  transport.write("late");
  expect([file.text, file.closed, transport.closed]).toEqual(["one two three", 1, true]);
});

test("a FileWrapper asks a pull producer until it is done, and takes one producer at a time", () => {
  const file = new File();
  const transport = new FileWrapper(file);
  transport.registerProducer(new NonStreamingProducer(transport), false);
  expect(file.text).toBe("0123456789");
  const push = { stopped: 0, pauseProducing() {}, resumeProducing() {}, stopProducing: () => void (push.stopped += 1) };
  transport.registerProducer(push, true);
  expect(() => transport.registerProducer(push, true)).toThrow(RuntimeError);
  transport.loseConnection();
  transport.registerProducer(push, true);
  expect(push.stopped).toBe(2);
});

test("R1: a file that cannot be written is logged and closed", () => {
  logged.begin();
  const file = new File();
  const transport = new FileWrapper(file);
  transport.write("bad");
  logged.end();
  expect([file.closed, logged.errors.map(({ message }) => message)]).toEqual([1, ["disk full"]]);
});
