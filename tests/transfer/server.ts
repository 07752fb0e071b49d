/**
 * The server of `npm run transfer`. A session's command is `up`, `down` or `both`, the number of bytes, and the seconds
 * that our own reading rests; at its end standard error has what came of it.
 */
import { once } from "node:events";
import { pipeline } from "node:stream/promises";
import type { SSHFactory } from "@strombus/conch/ssh/factory";
import { SSHServerTransport } from "@strombus/conch/ssh/transport";
import { sessionProgram } from "@strombus/conch/streams";
import { serve } from "../support/server.js";
import { content, readSlowly } from "./content.js";
import { growth } from "./memory.js";

/** What a session says of itself at its end. */
export interface Report {
  /** Of what came. */
  readonly checksum: string | null;
  readonly keyExchanges: number;
  /** In MiB. */
  readonly growth: number;
}

let keyExchanges = 0;

class Transport extends SSHServerTransport {
  override ssh_NEWKEYS(packet: Buffer) {
    keyExchanges += 1;
    return super.ssh_NEWKEYS(packet);
  }
}

const server = serve(
  sessionProgram(async ({ command, stdin, stdout, stderr }) => {
    const [direction, size, rest] = (command ?? "").split(" ");
    const bytes = Number(size);
    const peak = growth();
    const receiving = direction === "down" ? null : readSlowly(stdin, bytes, Number(rest));
    if (direction !== "up") await pipeline(content(bytes), stdout, { end: false });
    const report: Report = { checksum: await receiving, keyExchanges, growth: peak() };
    stderr.end(JSON.stringify(report));
    await once(stderr, "finish");
  }),
  (factory: SSHFactory) => {
    factory.protocol = Transport;
  },
);
console.log(`port ${server.port}`);
