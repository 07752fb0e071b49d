/** The programs of docs/terminal.md: lines on a terminal, and the test of them. */
import { ConchUser } from "@strombus/conch/avatar";
import { ExpectableBuffer } from "@strombus/conch/insults/helper";
import { ClientProtocol, ServerProtocol } from "@strombus/conch/insults/insults";
import { assembleFormattedText, attributes } from "@strombus/conch/insults/text";
import { ReplManhole } from "@strombus/conch/manhole";
import { makeTelnetProtocol } from "@strombus/conch/manhole_tap";
import { HistoricRecvLine } from "@strombus/conch/recvline";
import { ClientSession, sessionProgram } from "@strombus/conch/streams";
import {
  ITelnetProtocol,
  StatefulTelnetProtocol,
  TelnetBootstrapProtocol,
  TelnetTransport,
} from "@strombus/conch/telnet";
import { InMemoryUsernamePasswordDatabaseDontUse } from "@strombus/cred/checkers";
import { type IRealm, Portal } from "@strombus/cred/portal";
import { connectionDone, ServerFactory } from "@strombus/reactor/protocol";
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

test("by telnet, too", () => {
  const factory = new ServerFactory();
  factory.protocol = () => new TelnetTransport(TelnetBootstrapProtocol, ServerProtocol, Greeter);
  const wire = new StringTransport();
  const telnet = factory.buildProtocol(wire.getPeer())!;
  void telnet.makeConnection(wire);
  void telnet.dataReceived(Buffer.from("Ada\r\0"));
  expect(wire.value().toString()).toMatch(/name: .*Ada\r\nHello .*Ada.*!\r\n/);
});

class Quiz extends StatefulTelnetProtocol {
  override state = "Guess";

  override connectionMade() {
    this.transport?.write("6 * 7? ");
  }

  telnet_Guess(line: Buffer) {
    if (line.toString() !== "42") return this.transport?.write("6 * 7? ");
    this.transport?.write("Again? ");
    return "Again";
  }

  telnet_Again(line: Buffer) {
    if (line.toString() !== "yes") return this.transport?.loseConnection();
    this.transport?.write("6 * 7? ");
    return "Guess";
  }
}

class Quizzes implements IRealm {
  requestAvatar() {
    return [ITelnetProtocol, new Quiz(), () => {}] as const;
  }
}

test("a quiz by telnet, for those who have logged in", () => {
  const checker = new InMemoryUsernamePasswordDatabaseDontUse({ ada: "secret" });
  const factory = new ServerFactory();
  factory.protocol = makeTelnetProtocol(new Portal(new Quizzes(), [checker]));
  const wire = new StringTransport();
  const telnet = factory.buildProtocol(wire.getPeer())!;
  void telnet.makeConnection(wire);
  for (const line of ["ada", "secret", "41", "42", "yes", "42", "no"]) {
    void telnet.dataReceived(Buffer.from(`${line}\r\n`));
  }
  expect(wire.value().toString()).toMatch(/6 \* 7\? 6 \* 7\? Again\? 6 \* 7\? Again\? $/);
  expect(wire.disconnecting).toBe(true);
  void telnet.connectionLost(connectionDone);
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
