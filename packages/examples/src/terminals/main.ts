/**
 * Node's own terminal programs in sessions: `ssh -p 2022 user@localhost` for lines by node:readline, and with `-t` and one
 * of the words `repl` and `ink` at its end for node:repl and for Ink, React in a terminal.
 */
import { createInterface } from "node:readline/promises";
import { start } from "node:repl";
import { once } from "node:events";
import { ConchUser } from "@strombus/conch/avatar";
import { IConchUser } from "@strombus/conch/interfaces";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { type SessionIO, sessionProgram, type TerminalStream } from "@strombus/conch/streams";
import { FilePasswordDB } from "@strombus/cred/checkers";
import { type AvatarId, type IRealm, Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import type { InterfaceToken } from "@strombus/reactor/components";
import { setUp } from "../setup/index.js";
import { showCounter } from "./counter.js";

const programs = new Map<string | null, (terminal: TerminalStream, session: SessionIO) => Promise<unknown>>([
  [null, askName],
  ["repl", calculate],
  ["ink", showCounter],
]);

async function askName(terminal: TerminalStream, { signal }: SessionIO) {
  const lines = createInterface({ input: terminal, output: terminal });
  const interrupt = new AbortController();
  lines.once("SIGINT", () => interrupt.abort()); // Ctrl-C, which leaves the question open in Node 20.19
  const name = await lines.question("Your name? ", { signal: AbortSignal.any([signal, interrupt.signal]) });
  terminal.write(`Hello ${name}, your terminal has ${terminal.columns} columns.\n`);
  lines.close();
}

async function calculate(terminal: TerminalStream) {
  const calculator = start({ prompt: "> ", input: terminal, output: terminal, terminal: true });
  calculator.context["columns"] = () => terminal.columns;
  await once(calculator, "exit");
}

class TerminalRealm implements IRealm {
  requestAvatar(avatarId: AvatarId, mind: unknown, ...interfaces: InterfaceToken[]) {
    const user = new ConchUser();
    user.channelLookup["session"] = sessionProgram(async (session) => {
      const program = programs.get(session.command);
      if (program === undefined || session.terminal === null) {
        session.stderr.write("There is a shell, repl and ink, each in a terminal.\n");
        return 1;
      }
      await program(session.terminal, session);
      return 0;
    });
    return [IConchUser, user, () => {}] as const;
  }
}

const setup = setUp("terminals");
const factory = new SSHFactory();
factory.privateKeys = { "ssh-rsa": Key.fromFile("id_rsa") };
factory.publicKeys = { "ssh-rsa": Key.fromFile("id_rsa.pub") };
factory.portal = new Portal(new TerminalRealm());
factory.portal.registerChecker(new FilePasswordDB("ssh-passwords"));

setup.announce(reactor.listenTCP(setup.port, factory));
await reactor.run();
