/**
 * The server of a soak, in a process of its own: it tells its parent its port, and what it holds whenever it is asked.
 *
 * `user` has sessions of processes, `streams` sessions that are a function; the password is the same. A command is a word:
 * `source N` sends N bytes, `sink` counts those that come, `upper` is a program of the system, on a terminal if the client
 * has one, `cut` and `leave` end the connection from this side, `fault` throws. A shell echoes.
 */
import { once } from "node:events";
import { ConchUser } from "@strombus/conch/avatar";
import { IConchUser, ISession, type WindowSize } from "@strombus/conch/interfaces";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { allowForwarding } from "@strombus/conch/ssh/forwarding";
import { Key } from "@strombus/conch/ssh/keys";
import { SSHSession, type SSHSessionProcessProtocol, wrapProtocol } from "@strombus/conch/ssh/session";
import { SSHServerTransport } from "@strombus/conch/ssh/transport";
import { type SessionIO, sessionProgram } from "@strombus/conch/streams";
import { type AvatarId, InMemoryUsernamePasswordDatabaseDontUse } from "@strombus/cred/checkers";
import { type IRealm, Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import { implementer, registerAdapter } from "@strombus/reactor/components";
import type { IAddress, IChildProcess, ITCPTransport } from "@strombus/reactor/interfaces";
import { globalLogBeginner, LogLevel, textFileLogObserver } from "@strombus/reactor/logger";
import { Protocol } from "@strombus/reactor/protocol";
import { takeCensus } from "./census.js";
import { FAULT, PASSWORD, PATIENCE } from "./plan.js";

const ledger = { logins: 0, logouts: 0, sessions: 0, closed: 0, faults: 0, failures: 0, lines: 0 };

class Echo extends Protocol {
  override dataReceived(data: Buffer): void {
    this.transport!.write(data);
  }
}

class Sink extends Protocol {
  #bytes = 0;
  override dataReceived(data: Buffer): void {
    this.#bytes += data.length;
  }
  finish(): void {
    this.transport!.write(`${this.#bytes}\n`);
    this.transport!.loseConnection();
  }
}

class Source extends Protocol {
  constructor(readonly bytes: number) {
    super();
  }
  override connectionMade(): void {
    this.transport!.write(Buffer.alloc(this.bytes, "x"));
    this.transport!.loseConnection();
  }
}

class User extends ConchUser {
  constructor(name: AvatarId) {
    super();
    this.channelLookup["session"] = name === "streams" ? sessionProgram(program) : Session;
    allowForwarding(this, { connect: true, listen: true });
  }

  global_ask(data: Buffer): readonly [true, Buffer] {
    return [true, data];
  }
}

/** What one session of a user's does. */
@implementer(ISession)
class UserSession implements ISession {
  #size: WindowSize | null = null;
  #child: IChildProcess | null = null;
  #sink: Sink | null = null;

  constructor(readonly user: User) {}

  getPty(_term: string, size: WindowSize): void {
    this.#size = size;
  }

  windowChanged(): void {}

  openShell(process: SSHSessionProcessProtocol): void {
    connect(new Echo(), process);
  }

  execCommand(process: SSHSessionProcessProtocol, command: Buffer): void {
    const [word, count] = command.toString().split(" ");
    switch (word) {
      case "source":
        connect(new Source(Number(count)), process);
        break;
      case "sink":
        connect((this.#sink = new Sink()), process);
        break;
      case "upper": {
        const args = ["tr", "a-z", "A-Z"];
        const [rows, columns] = this.#size ?? [0, 0];
        const usePTY = this.#size === null ? false : { rows, columns };
        this.#child = reactor.spawnProcess(process, "tr", args, { env: null, usePTY });
        break;
      }
      case "cut":
        cut(this.user);
        break;
      case "leave":
        (this.user.conn!.transport as SSHServerTransport).loseConnection();
        break;
      default:
        throw new Error(FAULT);
    }
  }

  eofReceived(): void {
    this.#sink?.finish();
    this.#child?.closeStdin();
  }

  closed(): void {
    this.#child?.loseConnection();
  }
}

registerAdapter(UserSession, User, ISession);

class Session extends SSHSession {
  override channelOpen(data: Buffer) {
    ledger.sessions++;
    return super.channelOpen(data);
  }
  override closed() {
    ledger.closed++;
    return super.closed();
  }
}

function cut({ conn }: ConchUser): void {
  ((conn!.transport as SSHServerTransport).transport as ITCPTransport).abortConnection();
}

function connect(protocol: Protocol, process: SSHSessionProcessProtocol): void {
  void protocol.makeConnection(process);
  void process.makeConnection(wrapProtocol(protocol));
}

/** The same in the manner of Node. */
async function program({ stdin, stdout, command, user }: SessionIO): Promise<number> {
  const [word, count] = (command ?? "shell").split(" ");
  switch (word) {
    case "shell":
      for await (const data of stdin) if (!stdout.write(data)) await once(stdout, "drain");
      return 0;
    case "source":
      if (!stdout.write(Buffer.alloc(Number(count), "x"))) await once(stdout, "drain");
      return 0;
    case "sink":
    case "upper": {
      let [bytes, text] = [0, ""];
      for await (const data of stdin as AsyncIterable<Buffer>) {
        bytes += data.length;
        if (word === "upper") text += data.toString().toUpperCase();
      }
      stdout.write(word === "sink" ? `${bytes}\n` : text);
      return 0;
    }
    case "cut":
      cut(user);
      return 0;
    case "leave":
      (user.conn!.transport as SSHServerTransport).loseConnection();
      return 0;
    default:
      throw new Error(FAULT);
  }
}

class Realm implements IRealm {
  requestAvatar(name: AvatarId) {
    ledger.logins++;
    return [IConchUser, new User(name), () => (ledger.logouts += 1)] as const;
  }
}

const written = { write: (text: string) => (ledger.lines += text === "" ? 0 : 1) };
globalLogBeginner.beginLoggingTo(
  [
    textFileLogObserver(written),
    (event) => {
      if (event.log_level !== LogLevel.error && event.log_level !== LogLevel.critical) return;
      if (event.log_failure?.getErrorMessage().includes(FAULT) === true) ledger.faults++;
      else {
        ledger.failures++;
        process.stderr.write(`${event.log_failure?.getTraceback() ?? JSON.stringify(event)}\n`);
      }
    },
  ],
  { redirectStandardIO: false },
);
process.on("warning", (warning) => {
  if (warning.name === "ExperimentalWarning") return; // how the census counts objects
  ledger.failures++;
  process.stderr.write(`${String(warning)}\n`);
});

/** A soak asks what is left, not how fast it goes: no deadline ends what waits for its turn on a machine that has much to do. */
class Patient extends SSHServerTransport {
  override identificationTimeout = PATIENCE;
  override exchangeTimeout = PATIENCE;
  override serviceTimeout = PATIENCE;
  override rekeyTimeout = PATIENCE;
}

const hostKey = Key.generate("ed25519");
const factory = new SSHFactory();
factory.protocol = Patient;
factory.noisy = false;
factory.privateKeys = { "ssh-ed25519": hostKey };
factory.publicKeys = { "ssh-ed25519": hostKey.public() };
const checker = new InMemoryUsernamePasswordDatabaseDontUse({ user: PASSWORD, streams: PASSWORD });
factory.portal = new Portal(new Realm(), [checker]);
const port = reactor.listenTCP(0, factory, { interface: "127.0.0.1", backlog: 1024 });

process.on("message", () => {
  const busy = () => factory.connections.size + reactor.openTransports.size - 1 + ledger.logins - ledger.logouts;
  void takeCensus(busy, () => ({
    "avatars that are in": ledger.logins - ledger.logouts,
    "sessions that are open": ledger.sessions - ledger.closed,
    "connections of the factory": factory.connections.size,
    "failures that nobody meant": ledger.failures,
  })).then((census) => process.send!({ census, ledger }));
});
process.once("disconnect", () => process.exit());
process.send!((port.getHost() as IAddress & { readonly port: number }).port);
