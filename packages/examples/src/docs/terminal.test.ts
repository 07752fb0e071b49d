/** The programs of docs/terminal.md: lines on a terminal, and the test of them. */
import { ConchUser } from "@strombus/conch/avatar";
import { ExpectableBuffer } from "@strombus/conch/insults/helper";
import { ClientProtocol, ServerProtocol } from "@strombus/conch/insults/insults";
import { assembleFormattedText, attributes } from "@strombus/conch/insults/text";
import { ReplManhole } from "@strombus/conch/manhole";
import { HistoricRecvLine } from "@strombus/conch/recvline";
import { ClientSession, sessionProgram } from "@strombus/conch/streams";
import { FakeTransport, StringTransport } from "@strombus/reactor/testing";
import { connect } from "@strombus/reactor/testing/iosim";
import { expect, test } from "vitest";
import { connectionTo } from "./in-memory.js";

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

class Operator extends ConchUser {
  constructor() {
    super();
    const manhole = new ReplManhole({ foo: "bar" });
    this.channelLookup["session"] = sessionProgram((session) => manhole.run(session));
  }
}

for (const end of ["\x04", "\x1c", ".exit\r"]) {
  test(`node's own manhole has the namespace and top-level await, and ends by ${JSON.stringify(end)}`, async () => {
    const conn = await connectionTo(new Operator());
    const session = await ClientSession.open(conn);
    await session.pty("xterm", { columns: 80, rows: 24 });
    await session.shell();
    const screen = new ExpectableBuffer();
    const client = new ClientProtocol(() => screen);
    void client.makeConnection(new StringTransport());
    session.stream.on("data", (data: Buffer) => void client.dataReceived(data));
    await screen.expect(">>> ");
    session.stream.write("\x1afoo + await 1\r"); // Ctrl-Z first, which stops nobody
    await screen.expect(/\n'bar1'/);
    session.stream.write(".clear\r");
    session.stream.write("foo\r");
    await screen.expect(/\n'bar'/);
    session.stream.write(end);
    expect((await session.exit).code).toBe(0);
    conn.transport!.loseConnection();
  });
}
