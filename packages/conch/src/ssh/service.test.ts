import { expect, test } from "vitest";
import { FakeTransport } from "../channel/fixtures.test.support.js";
import { SSHService } from "./service.js";
import type { SSHTransportBase } from "./transport.js";

class Greeter extends SSHService {
  override name = "greeter";
  override protocolMessages = { 50: "MSG_HELLO", 51: "MSG_NOBODY" };
  ssh_HELLO(packet: Buffer) {
    return `hello ${packet.toString()}`;
  }
}

function greeter() {
  const service = new Greeter();
  const transport = new FakeTransport();
  service.transport = transport as unknown as SSHTransportBase;
  return { service, transport };
}

test("a message goes to the method of its name, whose result comes back", () => {
  const { service, transport } = greeter();
  expect(service.packetReceived(50, Buffer.from("you"))).toBe("hello you");
  expect(transport.unimplemented).toBe(0);
});

test("a number without a name, and a name without a method, are unimplemented", () => {
  const { service, transport } = greeter();
  service.packetReceived(51, Buffer.alloc(0));
  service.packetReceived(99, Buffer.alloc(0));
  expect(transport.unimplemented).toBe(2);
});

test("a log prefix names the service and the transport below", () => {
  expect(greeter().service.logPrefix()).toBe("SSHService greeter on FakeTransport");
});
