/** The programs of docs/terminal.md: lines on a terminal, and the test of them. */
import { ExpectableBuffer } from "@strombus/conch/insults/helper";
import { ClientProtocol, ServerProtocol } from "@strombus/conch/insults/insults";
import { assembleFormattedText, attributes } from "@strombus/conch/insults/text";
import { HistoricRecvLine } from "@strombus/conch/recvline";
import { FakeTransport } from "@strombus/reactor/testing";
import { connect } from "@strombus/reactor/testing/iosim";
import { expect, test } from "vitest";

class Greeter extends HistoricRecvLine {
  override ps = ["name: "];

  override lineReceived(line: string) {
    if (line === "quit") return this.terminal.loseConnection();
    const greeting = attributes.normal("Hello ", attributes.bold(line), "!\n");
    this.terminal.write(assembleFormattedText(greeting, { reset: true }) + this.prompt);
  }
}

test("a name that is edited is greeted", async () => {
  const screen = new ExpectableBuffer();
  const client = new ClientProtocol(() => screen);
  const server = new ServerProtocol(Greeter);
  const pump = connect(server, new FakeTransport(server, true), client, new FakeTransport(client, false));
  pump.flush();

  const greeted = screen.expect("Hello Ada!");
  void server.dataReceived(Buffer.from("Adda\x1b[D\x7f\r"));
  pump.flush();
  await greeted;
  expect(screen.toString().trimEnd()).toBe("name: Ada\nHello Ada!\nname:");

  void server.dataReceived(Buffer.from("quit\r"));
  pump.flush();
  expect(screen.toString().trimEnd()).toBe("");
});
