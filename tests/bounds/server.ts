/** The server of `npm run bounds`, with its limits as they are by default: it tells its port, and what it holds when asked. */
import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { SSHServerTransport } from "@strombus/conch/ssh/transport";
import { sessionProgram } from "@strombus/conch/streams";
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

globalLogBeginner.beginLoggingTo([() => {}], { redirectStandardIO: false });
const server = serve(
  sessionProgram(async ({ signal }) => {
    await once(signal, "abort"); // what comes for it stays unread
  }),
  (factory) => {
    factory.protocol = Transport;
  },
);

async function held(): Promise<Held> {
  const rss = process.memoryUsage.rss();
  global.gc!();
  await turn(); // buffers are given back a turn after the objects that had them
  global.gc!();
  const { heapUsed, external } = process.memoryUsage();
  return { live: heapUsed + external, rss };
}

process.on("message", () => void held().then((answer) => process.send!(answer)));
process.once("disconnect", () => process.exit());
process.send!(server.port);
