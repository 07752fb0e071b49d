/** A server that prints what keeps its process alive, a line of JSON for each line it reads: its only input. */
import { createInterface } from "node:readline";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { serve } from "./server.js";

let sessions = 0;

class CountedSession extends SSHChannel {
  override name = "session";

  override channelOpen() {
    sessions += 1;
  }

  request_shell() {
    return true;
  }

  override dataReceived(bytes: Buffer) {
    this.write(bytes);
  }

  override closed() {
    sessions -= 1;
  }
}

const server = serve(CountedSession);
console.log(`port ${server.port}`);

createInterface(process.stdin)
  .on("line", printCensus)
  .on("close", () => process.exit(0));

function printCensus(): void {
  const resources: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
  const listeners = Object.fromEntries(process.eventNames().map((name) => [String(name), process.listenerCount(name)]));
  console.log(JSON.stringify({ sessions, resources, listeners }));
}
