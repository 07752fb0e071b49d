/** A second client, ssh2's, for what OpenSSH has no option for. */
import { once } from "node:events";
import { Client, type ClientChannel } from "ssh2";

/** Logs in. */
export async function ssh2Client(port: number): Promise<Client> {
  const client = new Client();
  client.connect({ host: "127.0.0.1", port, username: "user", password: "password" });
  await once(client, "ready");
  return client;
}

/** Opens a session with a shell. */
export async function openShell(client: Client): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.shell(false, (error, channel) => (error === undefined ? resolve(channel) : reject(error)));
  });
}

/** The parts of ssh2's client that can open a channel of any type; its public interface opens its own types only. */
interface Internals {
  readonly _chanMgr: { add(opened: (error: Error | undefined) => void): number };
  readonly _protocol: {
    readonly _packetRW: {
      write: { allocStart: number; alloc(size: number): Buffer; finalize(packet: Buffer): Buffer };
    };
    readonly _cipher: { encrypt(packet: Buffer): void };
  };
}

/** Asks for a channel of `type` and returns the server's refusal: reason and text (RFC 4254 section 5.1). */
export async function refusalOf(client: Client, type: string): Promise<{ reason: unknown; message: string }> {
  const { _chanMgr, _protocol } = client as unknown as Internals;
  const { write } = _protocol._packetRW;
  const error = await new Promise<Error | undefined>((resolve) => {
    const name = Buffer.from(type);
    const channel = _chanMgr.add(resolve);
    const numbers = Buffer.alloc(12);
    [channel, 2 ** 21, 2 ** 15].forEach((number, index) => numbers.writeUInt32BE(number, index * 4));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(name.length);
    const message = Buffer.concat([Buffer.of(90), length, name, numbers]); // CHANNEL_OPEN
    const packet = write.alloc(message.length);
    packet.set(message, write.allocStart);
    _protocol._cipher.encrypt(write.finalize(packet));
  });
  if (error === undefined) throw new Error(`a channel of type ${type} was opened`);
  return { reason: (error as { reason?: unknown }).reason, message: error.message };
}
