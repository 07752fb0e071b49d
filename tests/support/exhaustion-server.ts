/**
 * A server whose process is short of something: it says its port on stderr, and logs on stdout. `user` has a shell that
 * echoes, commands that are processes, and connections forwarded wherever they go. The command `log N` writes N lines to the log.
 */
import { ISession } from "@strombus/conch/interfaces";
import { SSHSession, type SSHSessionProcessProtocol, wrapProtocol } from "@strombus/conch/ssh/session";
import { allowForwarding } from "@strombus/conch/ssh/forwarding";
import { ConchUser } from "@strombus/conch/avatar";
import { reactor } from "@strombus/reactor";
import { implementer, registerAdapter } from "@strombus/reactor/components";
import { globalLogBeginner, Logger, textFileLogObserver } from "@strombus/reactor/logger";
import { Protocol } from "@strombus/reactor/protocol";
import { serve } from "./server.js";

const log = new Logger({ namespace: "exhaustion" });

class Echo extends Protocol {
  override dataReceived(data: Buffer): void {
    this.transport!.write(data);
  }
}

@implementer(ISession)
class UserSession implements ISession {
  constructor(readonly user: ConchUser) {}
  getPty(): void {}
  windowChanged(): void {}
  eofReceived(): void {}
  closed(): void {}

  openShell(process: SSHSessionProcessProtocol): void {
    const echo = new Echo();
    void echo.makeConnection(process);
    void process.makeConnection(wrapProtocol(echo));
  }

  execCommand(process: SSHSessionProcessProtocol, command: Buffer): void {
    const [word, count] = command.toString().split(" ");
    if (word === "log") for (let n = 0; n < Number(count); n++) log.info("line {n} of the log", { n });
    reactor.spawnProcess(process, "true", ["true"], { env: null });
  }
}
registerAdapter(UserSession, ConchUser, ISession);

globalLogBeginner.beginLoggingTo([textFileLogObserver(process.stdout)]);
const { port } = serve(
  SSHSession,
  () => {},
  (user) => allowForwarding(user, { connect: true }),
);
process.stderr.write(`port ${port}\n`);
