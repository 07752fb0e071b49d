/**
 * Our client of `npm run transfer`: a port, and the command of the session. It sends and reads what the command says, and
 * prints a line of JSON: its own report and the server's.
 */
import { pipeline } from "node:stream/promises";
import { text } from "node:stream/consumers";
import { SSHConnection } from "@strombus/conch/ssh/connection";
import { SSHClientTransport } from "@strombus/conch/ssh/transport";
import { SSHUserAuthClient } from "@strombus/conch/ssh/userauth";
import { ClientSession } from "@strombus/conch/streams";
import { reactor } from "@strombus/reactor";
import { ClientFactory } from "@strombus/reactor/protocol";
import { content, readSlowly } from "./content.js";
import { growth } from "./memory.js";
import type { Report } from "./server.js";

const [port = "", rekeyAt = "", ...command] = process.argv.slice(2);
const [direction, size, , rest] = command;
const bytes = Number(size);

class Login extends SSHUserAuthClient {
  override getPassword() {
    return "password";
  }
}

class Connection extends SSHConnection {
  override serviceStarted() {
    super.serviceStarted();
    void run(this);
  }
}

class Transport extends SSHClientTransport {
  override rekeyBytes = Number(rekeyAt);
  override verifyHostKey() {}
  override connectionSecure() {
    this.requestService(new Login("user", new Connection()));
  }
}

class Factory extends ClientFactory {
  override protocol = Transport;
  override noisy = false;
}

async function run(connection: SSHConnection) {
  const session = await ClientSession.open(connection);
  const peak = growth();
  await session.exec(command.slice(0, 3).join(" "));
  const theirs = text(session.stderr);
  const receiving = direction === "up" ? null : readSlowly(session, bytes, Number(rest));
  if (receiving === null) session.stream.resume();
  if (direction !== "down") await pipeline(content(bytes), session.stream, { end: true });
  const ours = { checksum: await receiving, growth: peak() };
  const { code } = await session.exit;
  const report = JSON.parse(await theirs) as Report;
  console.log(JSON.stringify({ code, ours, theirs: report }));
  connection.transport?.loseConnection();
}

reactor.connectTCP("127.0.0.1", Number(port), new Factory());
