/** Runs a command on another machine, with the input and output of this program, and ends as the command did. */
import { Key } from "@strombus/conch/ssh/keys";
import { type ICommandTransport, SSHCommandClientEndpoint } from "@strombus/conch/endpoints";
import { KnownHostsFile } from "@strombus/conch/client/knownhosts";
import { reactor } from "@strombus/reactor";
import { Deferred } from "@strombus/reactor/defer";
import { UNIXClientEndpoint } from "@strombus/reactor/endpoints";
import { ConnectionDone, ProcessTerminated } from "@strombus/reactor/error";
import type { Failure } from "@strombus/reactor/failure";
import { Factory, Protocol } from "@strombus/reactor/protocol";
import { parseArgs } from "node:util";

class Terminal extends Protocol {
  readonly ended = new Deferred<number>();

  override connectionMade() {
    const command = this.transport as ICommandTransport;
    process.stdin.on("data", (data) => command.write(data));
    process.stdin.on("end", () => command.loseWriteConnection());
  }

  override dataReceived(data: Buffer) {
    process.stdout.write(data);
  }

  errReceived(data: Buffer) {
    process.stderr.write(data);
  }

  override connectionLost(reason: Failure) {
    const how = reason.value;
    if (how instanceof ProcessTerminated) this.ended.callback(how.exitCode ?? 255);
    else this.ended.callback(how instanceof ConnectionDone ? 0 : 255);
  }
}

const USAGE = "usage: main.js [-p port] [-i identity] [--known-hosts file] user@host command";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    port: { type: "string", short: "p", default: "22" },
    identity: { type: "string", short: "i" },
    "known-hosts": { type: "string" },
    help: { type: "boolean" },
  },
});
const [destination = "", ...words] = positionals;
const [, user, host] = /^(.+)@([^@]+)$/.exec(destination) ?? [];

async function run(user: string, host: string): Promise<number> {
  const agent = process.env["SSH_AUTH_SOCK"];
  const endpoint = SSHCommandClientEndpoint.newConnection(reactor, words.join(" "), user, host, {
    port: Number(values.port),
    keys: values.identity === undefined ? null : [Key.fromFile(values.identity)],
    agentEndpoint: agent === undefined ? null : new UNIXClientEndpoint(reactor, agent),
    knownHosts: values["known-hosts"] === undefined ? null : KnownHostsFile.fromPath(values["known-hosts"]),
  });
  const terminal = new Terminal();
  await endpoint.connect(Factory.forProtocol(() => terminal));
  return terminal.ended;
}

if (values.help === true) console.log(USAGE);
else if (user === undefined || host === undefined || words.length === 0) {
  console.error(USAGE);
  process.exitCode = 1;
} else {
  reactor.callWhenRunning(() => {
    run(user, host)
      .then(
        (status) => (process.exitCode = status),
        (error: unknown) => {
          const { message, cause } = error as Error;
          console.error(cause instanceof Error ? `${message}: ${cause.message}` : message);
          process.exitCode = 1;
        },
      )
      .finally(() => {
        process.stdin.destroy();
        reactor.stop();
      });
  });
  await reactor.run();
}
