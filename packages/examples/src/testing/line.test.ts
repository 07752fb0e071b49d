/** A protocol of lines, tested by itself. */
import { LineReceiver } from "@strombus/reactor/protocols/basic";
import {
  assertNoLoggedErrors,
  captureLoggedErrors,
  Clock,
  connectedServerAndClient,
  faulty,
  StringTransport,
} from "@strombus/reactor/testing";
import { afterEach, beforeEach, expect, test } from "vitest";

beforeEach(captureLoggedErrors);
afterEach(assertNoLoggedErrors); // fails the test for what was logged and not flushed

class Polite extends LineReceiver {
  clock = new Clock();

  override lineReceived(line: Buffer) {
    this.sendLine(`thank you for ${line.toString()}`);
    this.clock.callLater(60, () => this.transport?.loseConnection());
  }
}

test("says thank you, and closes a minute later", () => {
  const [protocol, transport] = [new Polite(), new StringTransport()];
  void protocol.makeConnection(transport);
  void protocol.dataReceived(Buffer.from("the fish\r\n"));
  expect(transport.value().toString()).toBe("thank you for the fish\r\n");
  protocol.clock.advance(60);
  expect(transport.disconnecting).toBe(true);
});

test("understands lines in pieces", () => {
  const heard: string[] = [];
  class Client extends LineReceiver {
    override lineReceived(line: Buffer) {
      heard.push(line.toString());
    }
  }
  const [client, , pump] = connectedServerAndClient(Polite, Client, faulty({ split: 1 }));
  client.sendLine("the fish");
  pump.flush();
  expect(heard).toEqual(["thank you for the fish"]);
});
