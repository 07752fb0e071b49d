/** The server of `npm run bounds`, with its limits as they are by default: it tells its port, and what it holds when asked. */
import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { allowForwarding } from "@strombus/conch/ssh/forwarding";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { SSHServerTransport } from "@strombus/conch/ssh/transport";
import { sessionProgram } from "@strombus/conch/streams";
import { IKeyboardInteractive, ISSHPrivateKey } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { globalLogBeginner } from "@strombus/reactor/logger";
import { serve } from "../support/server.js";

/** What the server has in memory, in bytes. */
export interface Held {
  /** What is left after a collection: objects, and buffers outside the heap. */
  readonly live: number;
  /** What the system has given the process. */
  readonly rss: number;
}

class Transport extends SSHServerTransport {
  override supportedCompressions = ["none", "zlib@openssh.com", "zlib"];
}

/** Its requests are never answered. */
class Undecided extends SSHChannel {
  override async requestReceived() {
    return never;
  }
}

class Echo extends SSHChannel {
  override dataReceived(data: Buffer) {
    this.write(data);
  }
}

const never = new Promise<never>(() => {});

globalLogBeginner.beginLoggingTo([() => {}], { redirectStandardIO: false });
const kilobyte = Buffer.alloc(1024, "x");
const server = serve(
  sessionProgram(async ({ signal, command, stdout }) => {
    if (command === "talk") for (;;) if (!stdout.write(kilobyte)) await once(stdout, "drain");
    await once(signal, "abort"); // what comes for it stays unread
  }),
  (factory) => {
    factory.protocol = Transport;
    factory.portal!.registerChecker({
      credentialInterfaces: [ISSHPrivateKey],
      requestAvatarId: () => {
        throw new UnauthorizedLogin();
      },
    });
    factory.portal!.registerChecker({
      credentialInterfaces: [IKeyboardInteractive],
      async requestAvatarId(user) {
        const answers = await (user as IKeyboardInteractive).ask(["Password: "]);
        await never;
        return answers[0]!;
      },
    });
  },
  (user) => {
    allowForwarding(user, { connect: true, listen: true });
    user.channelLookup["undecided"] = (opened) => new Undecided(opened);
    user.channelLookup["echo"] = (opened) => new Echo(opened);
    user.channelLookup["never"] = async () => never;
  },
);

async function held(): Promise<Held> {
  const rss = process.memoryUsage.rss();
  let live = Infinity;
  for (let round = 0; round < 3; round++) {
    global.gc!();
    await turn(); // some buffers are given back a turn after the objects that had them, others by the next collection
    global.gc!();
    global.gc!();
    const { heapUsed, external } = process.memoryUsage();
    live = Math.min(live, heapUsed + external);
  }
  return { live, rss };
}

process.on("message", () => void held().then((answer) => process.send!(answer)));
process.once("disconnect", () => process.exit());
process.send!(server.port);
