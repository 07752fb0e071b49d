/** The pieces of docs/channels.md. They are compiled here; tests/acceptance/own-channels.test.ts runs the like. */
import type { ConchUser } from "@strombus/conch/avatar";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import type { SSHConnection } from "@strombus/conch/ssh/connection";
import { StreamChannel } from "@strombus/conch/streams";

class Counter extends SSHChannel {
  override name = "counter@example.com";
  override specificData = "from 0"; // goes with the confirmation
  request_reset(data: Buffer) {
    return true;
  } // or a promise; false refuses
  override dataReceived(data: Buffer) {
    this.write(String(data.length));
  }
  override eofReceived() {
    this.loseConnection();
  }
}
user.channelLookup["counter@example.com"] = Counter;

export async function count(conn: SSHConnection, signal: AbortSignal): Promise<Buffer | null> {
  const channel = await conn.openChannel(new Counter(), "what the type needs", { signal });
  await conn.sendRequest(channel, "reset", "", true);
  const reply = await conn.sendGlobalRequest("version@example.com", "", true); // a Buffer
  return reply;
}

export async function echo(conn: SSHConnection): Promise<void> {
  await using channel = await conn.openChannel(new StreamChannel("echo@example.com"));
  channel.stream.end("hello");
  for await (const data of channel) console.log(String(data));
}

declare const user: ConchUser;
