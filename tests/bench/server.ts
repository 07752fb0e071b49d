/**
 * The server that benchmarks measure. Anyone may log in, with any password or any key whose signature verifies. On a
 * `session`, `shell` echoes; `exec "source N"` sends N bytes; `exec "sink"` reads to the end and answers the count;
 * `exec "stall"` answers how the event loop stood still since that was last asked, as JSON (see loop.ts); any other command is
 * answered `hi`.
 *
 *     node tests/bench/dist/server.js --port 2022 --host-key FILE
 */
import { ConchUser } from "@strombus/conch/avatar";
import { ValidPublicKey } from "@strombus/conch/error";
import { IConchUser } from "@strombus/conch/interfaces";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { getNS } from "@strombus/conch/ssh/common";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import type { ICredentialsChecker } from "@strombus/cred/checkers";
import { ISSHPrivateKey, IUsernamePassword } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { Portal, type IRealm } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";

const CHUNK = Buffer.alloc(65536, "x");

class Anyone implements ICredentialsChecker {
  readonly credentialInterfaces = [ISSHPrivateKey, IUsernamePassword];

  requestAvatarId(credentials: ISSHPrivateKey | IUsernamePassword): string {
    if ("blob" in credentials) {
      if (credentials.signature === null) throw new ValidPublicKey();
      const key = Key.fromString(credentials.blob, "blob");
      if (!key.verify(credentials.signature, credentials.sigData!)) throw new UnauthorizedLogin();
    }
    return credentials.username;
  }
}

class Session extends SSHChannel {
  override name = "session";
  #command = "shell";
  #left = 0;
  #total = 0;

  request_pty_req(): boolean {
    return true;
  }

  request_env(): boolean {
    return true;
  }

  request_shell(): boolean {
    return true;
  }

  request_exec(data: Buffer): boolean {
    const [command, count] = getNS(data)[0].toString().split(" ");
    this.#command = command!;
    this.takesLentData = command === "sink"; // it counts
    if (command === "source") {
      this.#left = Number(count);
      reactor.callLater(0, () => this.#pump());
    } else if (command === "stall") {
      reactor.callLater(0, async () => {
        const { standstill } = await import("./loop.js"); // now, for it would be part of the start
        this.#finish(`${JSON.stringify(standstill())}\n`);
      });
    } else if (command !== "sink") {
      reactor.callLater(0, () => this.#finish("hi\n"));
    }
    return true;
  }

  override dataReceived(data: Buffer): void {
    if (this.#command === "sink") this.#total += data.length;
    else this.write(data);
  }

  override eofReceived(): void {
    if (this.#command === "sink") this.#finish(`${this.#total}\n`);
  }

  override startWriting(): void {
    if (this.#left > 0) this.#pump();
  }

  #pump(): void {
    while (this.#left > 0) {
      const size = Math.min(this.#left, CHUNK.length);
      this.#left -= size;
      if (!this.write(CHUNK.subarray(0, size)) && this.#left > 0) return;
    }
    this.#finish("");
  }

  #finish(text: string): void {
    if (text !== "") this.write(text);
    this.conn!.sendRequest(this, "exit-status", Buffer.alloc(4));
    this.conn!.sendEOF(this);
    this.loseConnection();
  }
}

class Realm implements IRealm {
  requestAvatar() {
    const user = new ConchUser();
    user.channelLookup["session"] = Session;
    return [IConchUser, user, () => undefined] as const;
  }
}

/** By hand: `node:util` has a module of its own for it, whose loading would be part of the start. */
const option = (name: string): string => process.argv[process.argv.indexOf(`--${name}`) + 1]!;

const key = Key.fromFile(option("host-key"));
const factory = new SSHFactory();
factory.privateKeys = { [key.sshType()]: key };
factory.publicKeys = { [key.sshType()]: key.public() };
factory.portal = new Portal(new Realm(), [new Anyone()]);
reactor.listenTCP(Number(option("port")), factory, { interface: "127.0.0.1" });
await reactor.run();
